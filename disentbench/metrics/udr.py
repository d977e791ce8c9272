"""Unsupervised disentanglement ranking: does training again give the same latents?

With R[a, b] >= 0 how much latent a of one run and latent b of another have to do with each other,

    UDR(R) = (mean_b max_a R^2 / sum_a R + mean_a max_b R^2 / sum_b R) / 2

over latents that are informative, E[KL(q(z_j | x) || p(z_j))] > 0.01, and of a run the median over
its companions. Duan et al. 2020 (arXiv:1905.12614), section 4 and its published code.
"""

import warnings

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata
from sklearn.linear_model import Lasso

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics.explicitness import standardised
from disentbench.posterior import Posterior
from disentbench.posterior.rates import variable_rates

INFORMATIVE = 0.01  # nats
ALPHA = 0.1  # the lasso's, as published


def udr(
    posterior: Posterior,
    companions: list[Float[np.ndarray, "row _"]],
    *,
    rng: np.random.Generator,
) -> Score:
    """The unsupervised disentanglement ranking.

    0: no latent of the other runs resembles one of this; 1: each has one counterpart.
    R is the absolute rank correlation, or the absolute weights of a lasso (alpha 0.1) divided by
    1 - alpha, the weight of an equal latent; both regressions are made and their scores
    averaged. As published, the weights are not divided, and this run's latents alone are predicted:
    a counterpart then counts 1 - alpha. A pair of which one run has no informative latent counts
    as 0. Discrete groups take no part, as their classes have no order.
    `companions` are what `informative` makes of the other runs.
    Detail: `spearman`, `lasso` and `lasso_published` [companion], before the median.
    """
    if not companions:
        warnings.warn("there is no other run to compare with: udr is NaN", stacklevel=2)
        return Score({value.name: np.nan for value in metric.values})
    known = informative(posterior, rng=rng)
    predicted = np.array([by_lasso(other, known) for other in companions])
    predicting = np.array([by_lasso(known, other) for other in companions])
    pairs = {
        "spearman": np.array([by_rank(known, other) for other in companions]),
        "lasso": (predicted + predicting) / 2,
        "lasso_published": (1 - ALPHA) * predicted,
    }
    return Score({f"udr_{name}": float(np.median(scores)) for name, scores in pairs.items()}, pairs)


def informative(
    posterior: Posterior, *, rows: int = 10_000, rng: np.random.Generator
) -> Float[np.ndarray, "row latent"]:
    """The standardised means of those latents that are far enough from the prior.

    At most `rows` of the images, which are the same for every run if `rng` is.
    """
    images = len(posterior.mean)
    chosen = np.arange(images) if images <= rows else rng.choice(images, rows, replace=False)
    rates = variable_rates(posterior)[: posterior.mean.shape[1]]
    codes = posterior.mean[chosen][:, rates > INFORMATIVE]
    return standardised(codes, np.arange(len(chosen)))


def by_rank(a: Float[np.ndarray, "row left"], b: Float[np.ndarray, "row right"]) -> float:
    """The relative strength of Spearman's correlations."""
    every = np.arange(len(a))
    ranks = (standardised(rankdata(codes, axis=0), every) for codes in (a, b))
    left, right = ranks
    return relative_strength(abs(left.T @ right) / len(a))


def by_lasso(a: Float[np.ndarray, "row left"], b: Float[np.ndarray, "row right"]) -> float:
    """The relative strength of the weights of a linear model that predicts b from a."""
    if 0 in (a.shape[1], b.shape[1]):
        return 0.0
    # Columns have mean 0. The tolerance makes the order of the latents irrelevant.
    model = Lasso(alpha=ALPHA, fit_intercept=False, precompute=a.T @ a, tol=1e-8, max_iter=10_000)
    weights = model.fit(a, b).coef_.reshape(b.shape[1], a.shape[1])
    return relative_strength(abs(weights.T) / (1 - ALPHA))


def relative_strength(R: Float[np.ndarray, "left right"]) -> float:
    """1 if every row and column has a single entry, of 1; 0 without rows or columns."""
    return (_strength(R) + _strength(R.T)) / 2 if R.size else 0.0


def _strength(R: Float[np.ndarray, "left right"]) -> float:
    total = R.sum(0)
    return np.divide(R.max(0) ** 2, total, out=np.zeros(len(total)), where=total > 0).mean()


metric = Metric(
    udr,
    label="UDR",
    variant="informative latents (KL > 0.01), median over the setting's other runs; lasso: weights "
    "divided by 1 - alpha = .9, both directions averaged; as published: neither, run from other",
    reference="Duan et al. 2020, arXiv:1905.12614",
    values=(
        Value("udr_spearman", "UDR (Spearman)", 0.0, 1.0),
        Value("udr_lasso", "UDR (lasso)", 0.0, 1.0),
        Value("udr_lasso_published", "UDR (lasso, as published)", 0.0, 1.0),
    ),
    summary=informative,
    formula=r"\mathrm{median}_{r} \; \frac{1}{2} \left(\frac{1}{B} \sum_{b=1}^{B} \frac{\max_a "
    r"R_{ab}^2}{\sum_a R_{ab}} + \frac{1}{A} \sum_{a=1}^{A} \frac{\max_b R_{ab}^2}{\sum_b "
    r"R_{ab}}\right)",
    blind="It sees no factor: runs that agree on the same entangled latents score as well as runs "
    "that agree on latents of one factor each.",
)
