"""Separated attribute predictability with linear regression.

Per factor, the gap between the two latents whose squared correlation with the factor's class
number is largest. Kumar et al. 2018 (arXiv:1711.00848), section 3, for continuous factors.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import mean_over_factors, top_two


def sap_r2(
    codes: Float[np.ndarray, "sample latent"], factors: Int[np.ndarray, "sample factor"]
) -> Score:
    """0: factors are known equally well from two latents; 1: linearly, from one latent alone.

    It takes classes as numbers, which means little for a factor such as shape.
    Detail: `r2` [latent, factor], `per_factor` gaps.
    """
    r2 = squared_correlation(codes.astype(np.float64), factors.astype(np.float64))
    first, second = top_two(r2)
    gaps = first - second
    return Score({"sap_r2": mean_over_factors(gaps, factors)}, {"r2": r2, "per_factor": gaps})


def squared_correlation(
    a: Float[np.ndarray, "sample left"], b: Float[np.ndarray, "sample right"]
) -> Float[np.ndarray, "left right"]:
    """Squared Pearson correlation; 0 with a column that is constant (variance below 1e-12)."""
    a, b = a - a.mean(0), b - b.mean(0)
    variance = np.outer((a**2).mean(0), (b**2).mean(0))
    squared = (a.T @ b / len(a)) ** 2
    return np.divide(squared, variance, out=np.zeros_like(squared), where=variance > 1e-12)


metric = Metric(
    sap_r2,
    label="SAP (R2)",
    variant="squared correlation of the posterior mean with the class number",
    reference="Kumar et al. 2018, arXiv:1711.00848",
    values=(Value("sap_r2", "SAP (R2)", 0.0, 1.0),),
)
