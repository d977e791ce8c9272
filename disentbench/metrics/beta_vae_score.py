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
    categories: Int[np.ndarray, "sample group"],
    *,
    pairs: int = 64,
    train: int = 10_000,
    test: int = 5_000,
    rng: np.random.Generator,
) -> Score:
    """The accuracy of a linear classifier.

    1 / K: no better than guessing; 1: every factor leaves its own mark on the differences.
    Factors of one class take no part; 1 with one factor left, 0 with none. Two images differ by 1
    in a discrete group if their classes are not the same. The classifier is penalised, so that
    small codes leave it less to go by.
    """
    if len(varying(factors)) < 2:
        return Score({"beta_vae_score": float(len(varying(factors)))})
    fixed = rng.choice(varying(factors), train + test)
    points = np.empty((train + test, codes.shape[1] + categories.shape[1]))
    for k in varying(factors):
        rows = _pairs(factors[:, k], int((fixed == k).sum()), pairs, rng)
        points[fixed == k] = _differences(codes, categories, *rows)
    model = LogisticRegression(max_iter=1000).fit(points[:train], fixed[:train])
    return Score({"beta_vae_score": float(model.score(points[train:], fixed[train:]))})


def _pairs(
    classes: Int[np.ndarray, " sample"], count: int, pairs: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "batch pair"], Int[np.ndarray, "batch pair"]]:
    """The rows of pairs that share a class: [count, pair], twice."""
    one = rng.integers(len(classes), size=(count, pairs))
    return one, RowsByClass(classes).draw(classes[one], rng)


def _differences(
    codes: Float[np.ndarray, "sample latent"],
    categories: Int[np.ndarray, "sample group"],
    one: Int[np.ndarray, "batch pair"],
    other: Int[np.ndarray, "batch pair"],
) -> Float[np.ndarray, "batch variable"]:
    """Mean absolute differences over the pairs: [count, latent], then discrete group."""
    pairs = list(zip(one.T, other.T, strict=True))
    apart = [abs(codes[a] - codes[b]) for a, b in pairs]
    unequal = [categories[a] != categories[b] for a, b in pairs]
    return np.hstack([np.mean(d, axis=0, dtype=np.float64) for d in (apart, unequal)])


metric = Metric(
    beta_vae_score,
    label="beta-VAE score",
    variant="64 pairs, one fixed value per pair; 10,000 points to fit, 5,000 to score; by "
    "definition it depends on the latents' scale (of small codes it sees little)",
    reference="Higgins et al. 2017, ICLR; Locatello et al. 2019, arXiv:1811.12359",
    values=(Value("beta_vae_score", "beta-VAE score", 0.0, 1.0),),
    formula=r"P(\hat{k} = k), \quad \hat{k} = c\left(\frac{1}{64} \sum_{i=1}^{64} "
    r"|z_i^{(1)} - z_i^{(2)}|\right), \quad v_{ik}^{(1)} = v_{ik}^{(2)}",
    blind="It does not see a last factor that no latent holds, which the classifier knows by "
    "elimination if the others leave their marks (Kim & Mnih 2018), nor whether a factor is in "
    "one latent or in several.",
)
