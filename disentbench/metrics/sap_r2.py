"""Separated attribute predictability with linear regression.

Per factor, the gap between the two latents whose squared correlation with the factor's class
number is largest. Kumar et al. 2018 (arXiv:1711.00848), section 3, for continuous factors.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._columns import one_hot
from disentbench.metrics._information import mean_over_factors, top_two

CONSTANT = 1e-12  # the variance of a column that counts as constant, as in the study of 2019


def sap_r2(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
) -> Score:
    """The separated attribute predictability by R2.

    0: factors are known equally well from two latents; 1: linearly, from one latent alone.
    It takes factors' classes as numbers, which means little for a factor such as shape. Those of a
    discrete group are none: its value is the correlation ratio, the share of the factor's variance
    that lies between its classes, the R2 of a regression on a 0-1 column for each class.
    Detail: `r2` [latent, factor], `per_factor` gaps.
    """
    numbers = factors.astype(np.float64)
    of_groups = [correlation_ratio(group, numbers) for group in categories.T]
    r2 = np.vstack([squared_correlation(codes.astype(np.float64), numbers), *of_groups])
    first, second = top_two(r2)
    gaps = first - second
    return Score({"sap_r2": mean_over_factors(gaps, factors)}, {"r2": r2, "per_factor": gaps})


def squared_correlation(
    a: Float[np.ndarray, "sample left"], b: Float[np.ndarray, "sample right"]
) -> Float[np.ndarray, "left right"]:
    """Squared Pearson correlation; 0 with a column that is constant (variance below 1e-12)."""
    a, b = a - a.mean(0), b - b.mean(0)
    of_a, of_b = (a**2).mean(0), (b**2).mean(0)
    varies = (of_a > CONSTANT)[:, None] & (of_b > CONSTANT)
    scale = np.sqrt(np.outer(of_a, of_b))
    return np.divide(a.T @ b / len(a), scale, out=np.zeros_like(scale), where=varies) ** 2


def correlation_ratio(
    classes: Int[np.ndarray, " sample"], b: Float[np.ndarray, "sample right"]
) -> Float[np.ndarray, " right"]:
    """Variance of the mean within a class over variance, of every column; 0 of a constant."""
    b = b - b.mean(0)
    member = one_hot(classes)
    means = member.T @ b / member.sum(0)[:, None]
    between, variance = member.mean(0) @ means**2, (b**2).mean(0)
    return np.divide(between, variance, out=np.zeros_like(between), where=variance > CONSTANT)


metric = Metric(
    sap_r2,
    label="SAP (R2)",
    variant="squared correlation of the posterior mean with the factor's class number; a latent "
    "counts as constant below a variance of 1e-12",
    reference="Kumar et al. 2018, arXiv:1711.00848",
    values=(Value("sap_r2", "SAP (R2)", 0.0, 1.0),),
    formula=r"\frac{1}{K} \sum_{k=1}^{K} \left(r_{(1)k} - r_{(2)k}\right), \quad r_{jk} = "
    r"\frac{\mathrm{Cov}(z_j, v_k)^2}{\mathrm{Var}(z_j) \, \mathrm{Var}(v_k)}",
    blind="It does not see a dependence that is no straight line on the class number, nor whether "
    "what the best latent holds besides is another factor or noise.",
)
