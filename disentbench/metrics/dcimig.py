"""DCIMIG: a mutual information gap that asks each latent for one factor, and each factor for one.

A latent keeps, at its best factor, its gap to its second best factor; a factor counts the largest
gap that a latent keeps for it. DCIMIG = sum of those / sum_k H(v_k).
Sepliarskaia et al. 2019 (arXiv:1910.05587), section 5, on codes in 20 equal-width bins.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import (
    discretised,
    entropies,
    mutual_information,
    per_factor,
    top_two,
)


def dcimig(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    bins: int = 20,
) -> Score:
    """The mutual information gap of DCI's kind.

    0: no latent prefers a factor; 1: each factor is all known from a latent of its own.
    With one factor the second best is 0. A discrete group counts as one latent, in its classes.
    Detail: `mutual_information` [latent, factor] in nats, `per_factor` gaps over H(v).
    """
    information = mutual_information(discretised(codes, categories, bins), factors)
    first, second = top_two(information.T)
    kept = np.zeros_like(information)
    kept[np.arange(len(kept)), information.argmax(1)] = first - second
    gaps, entropy = kept.max(0), entropies(factors)
    value = float(gaps.sum() / entropy.sum()) if entropy.any() else 0.0
    return Score(
        {"dcimig": value},
        {"mutual_information": information, "per_factor": per_factor(gaps, entropy)},
    )


metric = Metric(
    dcimig,
    label="DCIMIG",
    variant="posterior means in 20 equal-width bins, plug-in mutual information",
    reference="Sepliarskaia et al. 2019, arXiv:1910.05587",
    values=(Value("dcimig", "DCIMIG", 0.0, 1.0),),
    formula=r"\frac{\sum_k \max_{j: k_j = k} \left(I(z_j; v_k) - \max_{l \neq k} I(z_j; "
    r"v_l)\right)}{\sum_k H(v_k)}, \quad k_j = \mathrm{arg\,max}_k I(z_j; v_k)",
    blind="It does not see whether a factor is in other latents, too: its largest gap alone "
    "counts, so that copies of a latent change nothing.",
)
