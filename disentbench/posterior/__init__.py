"""What a model makes of each image: q(z | x)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Posterior(NamedTuple):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[np.ndarray, "image latent"]
    logvar: Float[np.ndarray, "image latent"]
    logits: dict[str, Float[np.ndarray, "image _"]]
