"""How many latents a model uses: those whose posterior mean depends on the image.

A latent is active if Var_x(E[z | x]) > 0.01, a property of the posterior: codes that are drawn from
it vary even where it says nothing of the image. Burda et al. 2016 (arXiv:1509.00519), section 5.1.
"""

import math

import numpy as np
from jaxtyping import Float

from disentbench.metrics import Metric, Score, Value
from disentbench.posterior.representation import ACTIVE


def active_units(variance: Float[np.ndarray, " variable"], *, threshold: float = ACTIVE) -> Score:
    """A count, of latents and discrete groups, whatever codes the other metrics take.

    A group is active if its class probabilities, summed, vary as much. Of codes without a
    posterior it is their own variance that counts. Detail: `variance` [latent].
    """
    return Score({"active_units": float((variance > threshold).sum())}, {"variance": variance})


metric = Metric(
    active_units,
    label="active units",
    variant="variance of the posterior mean above 0.01; of the codes, where only those are given",
    reference="Burda et al. 2016, arXiv:1509.00519",
    values=(
        Value("active_units", "active units", 0.0, math.inf, "neither", prominence=9, whole=True),
    ),
    formula=r"A = \sum_{j} [\mathrm{Var}_x(\mathrm{E}[z_j \mid x]) > 0.01]",
    blind="It does not see what the active latents hold: one that mixes all factors counts as "
    "much as one that holds a single factor.",
)
