"""The mutual information gap read the other way: how far a latent prefers one factor.

MIG-sup = mean_j (I(z_j; v_(1)) - I(z_j; v_(2))) / H(z_j), with (1), (2) the two factors that z_j
knows most about. Li et al. 2020 (arXiv:2002.10549), eq. 8, on codes in 20 equal-width bins.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import (
    bin_codes,
    entropies,
    mutual_information,
    per_factor,
    top_two,
)


def mig_sup(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    bins: int = 20,
) -> Score:
    """0: latents prefer no factor; 1: each latent is about one factor, and about nothing else.

    Inactive latents count as 0, so five of ten keep a perfect table at 0.5. With one factor the
    second is 0. Detail: `mutual_information` [latent, factor] in nats, `per_latent` gaps.
    """
    binned = bin_codes(codes, bins)
    information = mutual_information(binned, factors)
    first, second = top_two(information.T)
    gaps = per_factor(first - second, entropies(binned))
    return Score(
        {"mig_sup": float(gaps.mean())},
        {"mutual_information": information, "per_latent": gaps},
    )


metric = Metric(
    mig_sup,
    label="MIG-sup",
    variant="posterior means in 20 equal-width bins, gap over the entropy of the code",
    reference="Li et al. 2020, arXiv:2002.10549",
    values=(Value("mig_sup", "MIG-sup", 0.0, 1.0),),
)
