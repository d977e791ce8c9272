"""How dependent the codes are on one another, without any factor.

On the covariance C of the codes: the total correlation of a Gaussian, (sum_j log C_jj - log det C)
/ 2; its 2-Wasserstein distance to independence, 2 tr C - 2 tr (C^1/2 diag(C) C^1/2)^1/2, and that
over tr C; and the mean mutual information of two codes in 20 bins.
Locatello et al. 2019 (arXiv:1811.12359), section 5.2.
"""

import math

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import discretised, mutual_information


def gaussian_correlation(
    codes: Float[np.ndarray, "sample latent"],
    categories: Int[np.ndarray, "sample group"],
    *,
    bins: int = 20,
) -> Score:
    """All 0 for independent codes. Constant latents are independent of everything.

    The total correlation is infinite where one latent is a linear function of others. Discrete
    groups have no covariance; they enter the mutual information, in their classes.
    Detail: `covariance`, `mutual_information` (its diagonal the entropies), [latent, latent].
    """
    symbols = discretised(codes, categories, bins)
    information = mutual_information(symbols, symbols)
    covariance = np.atleast_2d(np.cov(codes.T.astype(np.float64)))
    distance, spread = wasserstein(covariance), covariance.trace()
    n = len(information)
    between = (information.sum() - information.trace()) / max(1, n * (n - 1))
    return Score(
        {
            "gaussian_total_correlation": total_correlation(covariance),
            "gaussian_wasserstein_correlation": distance,
            "gaussian_wasserstein_correlation_norm": float(distance / spread)
            if spread > 0
            else 0.0,
            "mutual_information_score": float(between),
        },
        {"covariance": covariance, "mutual_information": information},
    )


def total_correlation(covariance: Float[np.ndarray, "latent latent"]) -> float:
    """The total correlation of a Gaussian, in nats; constant latents add nothing.

    Infinite where the correlations have no full rank to rounding, whatever the latents' order.
    """
    varies = np.diag(covariance) > 0
    scale = np.sqrt(np.diag(covariance)[varies])
    correlation = covariance[np.ix_(varies, varies)] / np.outer(scale, scale)
    eigenvalues = np.linalg.eigvalsh(correlation)
    bound = len(scale) * np.finfo(float).eps * eigenvalues.max(initial=0)
    if eigenvalues.min(initial=1) <= bound:
        return math.inf
    return float(-np.log(eigenvalues).sum() / 2)


def wasserstein(covariance: Float[np.ndarray, "latent latent"]) -> float:
    """Squared 2-Wasserstein distance between Gaussians with the covariance and its diagonal."""
    scale = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance * np.outer(scale, scale))
    distance = 2 * covariance.trace() - 2 * np.sqrt(eigenvalues.clip(min=0)).sum()
    return max(0.0, float(distance))  # rounding may leave a little less than nothing


metric = Metric(
    gaussian_correlation,
    label="dependence of the codes",
    variant="covariance of posterior means; mutual information of means in 20 equal-width bins",
    reference="Locatello et al. 2019, arXiv:1811.12359",
    values=(
        Value("gaussian_total_correlation", "Gaussian TC", 0.0, math.inf, "lower", "nats"),
        Value("gaussian_wasserstein_correlation", "Wasserstein", 0.0, math.inf, "lower"),
        Value("gaussian_wasserstein_correlation_norm", "Wasserstein, norm.", 0.0, 1.0, "lower"),
        Value("mutual_information_score", "MI of codes", 0.0, math.inf, "lower", "nats"),
    ),
    formula=r"\mathrm{TC} = \frac{1}{2} \left(\sum_j \log C_{jj} - \log \det C\right), \quad W = "
    r"2 \, \mathrm{tr} \, C - 2 \, \mathrm{tr} \left(C^{1/2} \mathrm{diag}(C) \, "
    r"C^{1/2}\right)^{1/2}",
    blind="It sees no factor, and a constant code is as independent as can be; the first three "
    "values see covariances and no other dependence, the mutual information two codes at a time.",
)
