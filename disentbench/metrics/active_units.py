"""How many latents a model uses: those whose posterior mean depends on the image.

A latent is active if Var_x(E[z | x]) > 0.01. Burda et al. 2016 (arXiv:1509.00519), section 5.1.
"""

import math

import numpy as np
from jaxtyping import Float

from disentbench.metrics import Metric, Score, Value


def active_units(codes: Float[np.ndarray, "sample latent"], *, threshold: float = 0.01) -> Score:
    """A count. A discrete group is active if its most probable class varies as much.

    Detail: `variance` [latent] of the codes.
    """
    variance = codes.var(0, dtype=np.float64)
    return Score({"active_units": float((variance > threshold).sum())}, {"variance": variance})


metric = Metric(
    active_units,
    label="active units",
    variant="variance of the posterior mean above 0.01",
    reference="Burda et al. 2016, arXiv:1509.00519",
    values=(Value("active_units", "active units", 0.0, math.inf, "neither"),),
)
