"""The mutual information gap read the other way: how far a latent prefers one factor.

Li et al. 2020 (arXiv:2002.10549), who proposed it: the mean over active latents of the gap between
the two largest I(z_j; v_k) / H(v_k). Carbonneau et al. 2022 (arXiv:2012.09276), in whose toolbox it
has spread: the mean over all latents of the gap between the two largest I(z_j; v_k) / H(z_j).
Both on codes in 20 equal-width bins.
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
from disentbench.posterior.representation import ACTIVE


def mig_sup(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    variance: Float[np.ndarray, " variable"],
    *,
    bins: int = 20,
    active: float = ACTIVE,
) -> Score:
    """The gap between factors.

    0: latents prefer no factor; 1: each latent is about one factor, and about nothing else.
    `mig_sup` is that of the toolbox: inactive latents count as 0, so that five of ten keep a
    perfect table at 0.5. `mig_sup_li2020` is that of the authors: latents count whose posterior
    mean has a variance above `active`, 0 without any. With one factor the second is 0. A discrete
    group counts as one latent, in its classes.
    Detail: `mutual_information` [latent, factor] in nats, `per_latent` gaps (the toolbox's).
    """
    symbols = discretised(codes, categories, bins)
    information = mutual_information(symbols, factors)
    gaps = per_factor(_gaps(information), entropies(symbols))
    shares = np.stack([per_factor(row, entropies(factors)) for row in information])
    used = _gaps(shares)[variance > active]
    return Score(
        {"mig_sup": float(gaps.mean()), "mig_sup_li2020": float(used.mean()) if len(used) else 0.0},
        {"mutual_information": information, "per_latent": gaps},
    )


def _gaps(information: Float[np.ndarray, "variable factor"]) -> Float[np.ndarray, " variable"]:
    """What every latent knows of its best factor beyond what it knows of the second."""
    first, second = top_two(information.T)
    return first - second


metric = Metric(
    mig_sup,
    label="MIG-sup",
    variant="posterior means in 20 equal-width bins; mig_sup as in the toolbox of Carbonneau et "
    "al.: over H(code), all latents; mig_sup_li2020 as its authors: over H(v), active latents",
    reference="Li et al. 2020, arXiv:2002.10549; Carbonneau et al. 2022, arXiv:2012.09276",
    values=(
        Value("mig_sup", "MIG-sup", 0.0, 1.0),
        Value("mig_sup_li2020", "MIG-sup (Li)", 0.0, 1.0),
    ),
    formula=r"\frac{1}{D} \sum_{j=1}^{D} \frac{I(z_j; v_{(1)}) - I(z_j; v_{(2)})}{H(z_j)}, \quad "
    r"\frac{1}{|A|} \sum_{j \in A} \left(R_{j(1)} - R_{j(2)}\right), \quad R_{jk} = "
    r"\frac{I(z_j; v_k)}{H(v_k)}",
    blind="It does not see whether every factor is in some latent, nor whether one is in several: "
    "copies of a latent that holds one factor score as well as latents for all factors.",
)
