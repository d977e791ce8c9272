"""JEMMIG: a mutual information gap that also minds what else the best latent holds.

1 - mean_k (H(v_k, z*) - I(z*; v_k) + I(z_(2); v_k)) / (H(v_k) + log bins), z* the latent that knows
most about v_k. Do & Tran 2020 (arXiv:1908.09961), section 3.2, on codes in 20 equal-width bins.
"""

import math

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import (
    bin_codes,
    entropies,
    joint_entropies,
    mean_over_factors,
    mutual_information,
    top_two,
)


def jemmig(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    bins: int = 20,
) -> Score:
    """1: each factor is known from one latent, which holds nothing else.

    Independent codes do not score 0 but 1 - (H(v) + H(z)) / (H(v) + log bins).
    Detail: `mutual_information` [latent, factor] in nats, `per_factor`.
    """
    binned = bin_codes(codes, bins)
    information = mutual_information(binned, factors)
    first, second = top_two(information)
    joint = joint_entropies(binned, factors)[information.argmax(0), np.arange(factors.shape[1])]
    scores = 1 - (joint - first + second) / (entropies(factors) + math.log(bins))
    return Score(
        {"jemmig": mean_over_factors(scores, factors)},
        {"mutual_information": information, "per_factor": scores},
    )


metric = Metric(
    jemmig,
    label="JEMMIG",
    variant="normalised and reversed (1 is best), posterior means in 20 equal-width bins",
    reference="Do & Tran 2020, arXiv:1908.09961",
    values=(Value("jemmig", "JEMMIG", 0.0, 1.0),),
)
