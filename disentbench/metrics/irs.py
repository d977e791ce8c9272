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
    *,
    quantile: float = 0.99,
) -> Score:
    """1: each latent is fixed by one factor. Constant latents are dropped; 0 if all are.

    Detail: `robustness` [latent, factor], 0 for a constant latent or a factor of one class.
    """
    codes = codes.astype(np.float64)
    largest = abs(codes - codes.mean(0)).max(0) * (np.ptp(codes, axis=0) > 0)
    robustness = np.zeros((codes.shape[1], factors.shape[1]))
    for k in varying(factors):
        moved = _deviation(codes, factors[:, k], quantile)
        robustness[:, k] = 1 - np.divide(moved, largest, out=np.ones(len(moved)), where=largest > 0)
    value = np.average(robustness.max(1), weights=largest) if largest.any() else 0.0
    return Score({"irs": float(value)}, {"robustness": robustness})


def _deviation(codes, classes, quantile):
    """The mean over classes of the quantile of each latent's distance from its class mean."""
    order = np.argsort(classes, kind="stable")
    parts = np.split(codes[order], np.flatnonzero(np.diff(classes[order])) + 1)
    return np.mean([np.quantile(abs(z - z.mean(0)), quantile, axis=0) for z in parts], axis=0)


metric = Metric(
    irs,
    label="IRS",
    variant="posterior means, 99 % quantile of the deviations",
    reference="Suter et al. 2019, arXiv:1811.00007",
    values=(Value("irs", "IRS", 0.0, 1.0),),
)
