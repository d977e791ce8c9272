"""JEMMIG: a mutual information gap that also minds what else the best latent holds.

1 - mean_k (H(v_k, z*) - I(z*; v_k) + I(z_(2); v_k)) / (H(v_k) + log bins), z* the latent that knows
most about v_k. Do & Tran 2020 (arXiv:1908.09961), section 3.2, on codes in 20 equal-width bins.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import (
    discretised,
    entropies,
    joint_entropies,
    mean_over_factors,
    mutual_information,
    top_two,
)


def jemmig(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    bins: int = 20,
) -> Score:
    """The joint entropy minus the gap, as a share.

    1: each factor is known from one latent, which holds nothing else.
    Independent codes do not score 0 but 1 - (H(v) + H(z)) / (H(v) + log bins), a constant code more
    than noise: log bins / (H(v) + log bins), as it holds nothing else either. A discrete group is
    in its own classes; of more than `bins` of them, the logarithm is that of their number.
    Detail: `mutual_information` [latent, factor] in nats, `per_factor`.
    """
    symbols = discretised(codes, categories, bins)
    information = mutual_information(symbols, factors)
    first, second = top_two(information)
    # Of latents that know as much, z* holds the least else: the order of latents decides nothing.
    tied = information >= first * (1 - 1e-12)
    joint = np.where(tied, joint_entropies(symbols, factors), np.inf)
    most = np.array([max(bins, len(np.unique(z))) for z in symbols.T])  # values that z can have
    scores = 1 - (joint.min(0) - first + second) / (
        entropies(factors) + np.log(most[joint.argmin(0)])
    )
    return Score(
        {"jemmig": mean_over_factors(scores, factors)},
        {"mutual_information": information, "per_factor": scores},
    )


metric = Metric(
    jemmig,
    label="JEMMIG",
    variant="normalised and reversed (1 is best), posterior means in 20 equal-width bins; "
    "by definition constant codes score log 20 / (H(v) + log 20), more than noise does",
    reference="Do & Tran 2020, arXiv:1908.09961",
    values=(Value("jemmig", "JEMMIG", 0.0, 1.0, constant_wins=True),),
    formula=r"1 - \frac{1}{K} \sum_k \frac{H(v_k, z_\ast) - I(z_\ast; v_k) + I(z_{(2)}; "
    r"v_k)}{H(v_k) + \log 20}",
    blind="It does not see what the third and further latents know of a factor, and takes "
    "emptiness for order: a constant code holds nothing besides, and scores more than noise does.",
)
