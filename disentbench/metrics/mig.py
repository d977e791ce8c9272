"""Mutual information gap of binned codes, as in the study of Locatello et al. 2019.

MIG = mean_k (I(z_(1); v_k) - I(z_(2); v_k)) / H(v_k), with (1), (2) the two latents that know most
about v_k. Chen et al. 2018 (arXiv:1802.04942), eq. 6, on posterior means in 20 equal-width bins.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import (
    discretised,
    entropies,
    mean_over_factors,
    mutual_information,
    per_factor,
    top_two,
)


def mig(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    bins: int = 20,
) -> Score:
    """The mutual information gap.

    0: every factor is known equally well from two latents; 1: each from one latent alone.
    A discrete group counts as one latent, in its classes.
    Detail: `mutual_information` [latent, factor] in nats, `per_factor` gaps over H(v).
    """
    information = mutual_information(discretised(codes, categories, bins), factors)
    first, second = top_two(information)
    gaps = per_factor(first - second, entropies(factors))
    return Score(
        {"mig": mean_over_factors(gaps, factors)},
        {"mutual_information": information, "per_factor": gaps},
    )


metric = Metric(
    mig,
    label="MIG",
    variant="posterior means in 20 equal-width bins, plug-in mutual information",
    reference="Chen et al. 2018, arXiv:1802.04942; Locatello et al. 2019, arXiv:1811.12359",
    values=(Value("mig", "MIG", 0.0, 1.0, prominence=1),),
    factor_map="by the 20 bins of MIG",
    formula=r"\mathrm{MIG} = \frac{1}{K} \sum_{k=1}^{K} \frac{I(z_{(1)}; v_k) - I(z_{(2)}; "
    r"v_k)}{H(v_k)}",
    blind="It does not see whether the latent that knows most about a factor holds other factors, "
    "too, nor, of a factor with many classes, what 20 bins merge.",
)
