"""Modularity: whether each latent holds at most one factor.

Per latent, 1 - sum_{k != best} I(z_j; v_k)^2 / (I(z_j; v_best)^2 (K - 1)).
Ridgeway & Mozer 2018 (arXiv:1802.05312), section 3, on codes in 20 equal-width bins.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import discretised, mutual_information
from disentbench.metrics._splits import varying
from disentbench.posterior.representation import ACTIVE


def modularity(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    variance: Float[np.ndarray, " variable"],
    *,
    bins: int = 20,
    active: float = ACTIVE,
) -> Score:
    """Modularity.

    1: each latent holds at most one factor, though a factor may be in many latents.
    A latent that holds none counts as 0; factors of one class take no part. Small-sample noise
    looks like many factors at once, so `modularity_active` averages over latents of variance above
    `active` only (0 without any), of the posterior mean whatever the codes. A discrete group counts
    as one latent, in its classes, and its variance is that of the class probabilities.
    Detail: `mutual_information` [latent, factor] in nats, `per_latent`.
    """
    information = mutual_information(discretised(codes, categories, bins), factors)
    scores = per_latent(information[:, varying(factors)])
    used = scores[variance > active]
    return Score(
        {
            "modularity": float(scores.mean()),
            "modularity_active": float(used.mean()) if len(used) else 0.0,
        },
        {"mutual_information": information, "per_latent": scores},
    )


def per_latent(information: Float[np.ndarray, "latent factor"]) -> Float[np.ndarray, " latent"]:
    """1 minus the mean squared information on the other factors, relative to the best one."""
    squared = information**2
    best = squared.max(1, initial=0)
    others = (squared.sum(1) - best) / max(1, information.shape[1] - 1)
    return np.divide(best - others, best, out=np.zeros(len(best)), where=best > 0)


metric = Metric(
    modularity,
    label="modularity",
    variant="posterior means in 20 equal-width bins; all latents, and those of variance > 0.01",
    reference="Ridgeway & Mozer 2018, arXiv:1802.05312",
    values=(
        Value("modularity", "modularity", 0.0, 1.0),
        Value("modularity_active", "modularity of active latents", 0.0, 1.0),
    ),
    formula=r"\frac{1}{D} \sum_{j=1}^{D} \left(1 - \frac{\sum_{k \neq k_j} I(z_j; v_k)^2}{(K - 1) "
    r"\, I(z_j; v_{k_j})^2}\right), \quad k_j = \mathrm{arg\,max}_k I(z_j; v_k)",
    blind="It does not see how much a latent knows, as it is a ratio, nor whether every factor is "
    "in some latent, nor whether one is in several.",
)
