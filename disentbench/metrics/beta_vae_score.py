"""The beta-VAE score: can a linear classifier see which factor two images share?

A point is the mean over 64 pairs of abs(z1 - z2), where the two images of a pair have the same
value of one factor; a logistic regression says which. Higgins et al. 2017 (ICLR), section 3.
"""

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._splits import RowsByClass, varying


def beta_vae_score(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    pairs: int = 64,
    train: int = 10_000,
    test: int = 5_000,
    rng: np.random.Generator,
) -> Score:
    """1 / K: no better than guessing; 1: every factor leaves its own mark on the differences.

    Factors of one class take no part; 1 with one factor left, 0 with none.
    """
    if len(varying(factors)) < 2:
        return Score({"beta_vae_score": float(len(varying(factors)))})
    fixed = rng.choice(varying(factors), train + test)
    points = np.empty((train + test, codes.shape[1]))
    for k in varying(factors):
        points[fixed == k] = _differences(codes, factors[:, k], (fixed == k).sum(), pairs, rng)
    model = LogisticRegression(max_iter=1000).fit(points[:train], fixed[:train])
    return Score({"beta_vae_score": float(model.score(points[train:], fixed[train:]))})


def _differences(codes, classes, count, pairs, rng):
    """Mean absolute differences over pairs that share a class: [count, latent]."""
    one = rng.integers(len(codes), size=(count, pairs))
    other = RowsByClass(classes).draw(classes[one], rng)
    return np.mean(
        [abs(codes[a] - codes[b]) for a, b in zip(one.T, other.T, strict=True)],
        axis=0,
        dtype=np.float64,
    )


metric = Metric(
    beta_vae_score,
    label="beta-VAE score",
    variant="64 pairs, one fixed value per pair; 10,000 points to fit, 5,000 to score",
    reference="Higgins et al. 2017, ICLR; Locatello et al. 2019, arXiv:1811.12359",
    values=(Value("beta_vae_score", "beta-VAE score", 0.0, 1.0),),
)
