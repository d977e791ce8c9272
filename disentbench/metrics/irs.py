"""Interventional robustness: how little a latent moves when only nuisances change.

Per latent and factor, 1 - E_v[99 % quantile of abs(z - E[z | v])] / max abs(z - E[z]); a latent
takes its best factor and weighs as much as its largest deviation.
Suter et al. 2019 (arXiv:1811.00007), section 4, without the maximum's sensitivity to outliers.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._splits import varying


def irs(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    quantile: float = 0.99,
) -> Score:
    """The interventional robustness score.

    1: each latent is fixed by one factor. Constant latents are dropped; 0 if all are.
    Below 0, though above -1, if a class sends every latent further from its own mean than any image
    lies from the overall one. A discrete group's distance from its mean, the frequencies of its
    classes, is the total variation: 1 - the frequency of the class.
    Detail: `robustness` [latent, factor], 0 for a constant latent or a factor of one class.
    """
    codes = codes.astype(np.float64)
    varies = np.ptp(np.hstack([codes, categories]), axis=0) > 0
    largest = _distance(codes, categories).max(0) * varies
    robustness = np.zeros((len(largest), factors.shape[1]))
    for k in varying(factors):
        moved = _deviation(codes, categories, factors[:, k], quantile)
        robustness[:, k] = 1 - np.divide(moved, largest, out=np.ones(len(moved)), where=largest > 0)
    value = np.average(robustness.max(1), weights=largest) if largest.any() else 0.0
    return Score({"irs": float(value)}, {"robustness": robustness})


def _deviation(
    codes: Float[np.ndarray, "sample latent"],
    categories: Int[np.ndarray, "sample group"],
    classes: Int[np.ndarray, " sample"],
    quantile: float,
) -> Float[np.ndarray, " variable"]:
    """The mean over classes of the quantile of each latent's distance from its class mean."""
    order = np.argsort(classes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(classes[order])) + 1)
    distances = (_distance(codes[rows], categories[rows]) for rows in parts)
    return np.mean([np.quantile(d, quantile, axis=0) for d in distances], axis=0)


def _distance(
    codes: Float[np.ndarray, "sample latent"], categories: Int[np.ndarray, "sample group"]
) -> Float[np.ndarray, "sample variable"]:
    """The distance of every row from the mean of all rows [row, latent], then discrete group."""
    frequency = [np.bincount(group)[group] / len(group) for group in categories.T]
    return np.column_stack([abs(codes - codes.mean(0)), *(1 - f for f in frequency)])


metric = Metric(
    irs,
    label="IRS",
    variant="posterior means, 99 % quantile of the deviations, every class of a factor (the "
    "library of Locatello et al. 2019 merges more than 20 into 20 bins); may be negative",
    reference="Suter et al. 2019, arXiv:1811.00007",
    values=(Value("irs", "IRS", -1.0, 1.0),),
    formula=r"\frac{\sum_j w_j \max_k \rho_{jk}}{\sum_j w_j}, \quad \rho_{jk} = 1 - "
    r"\frac{\mathrm{E}_v[Q_{0.99} |z_j - \mathrm{E}[z_j \mid v_k = v]|]}{w_j}, \quad w_j = \max "
    r"|z_j - \mathrm{E}[z_j]|",
    blind="It does not see factors that no latent holds, nor copies of a latent: one latent that "
    "is one factor scores 1 where all others are constant.",
)
