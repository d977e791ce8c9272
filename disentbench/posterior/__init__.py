"""What a model makes of each image: q(z | x), and what its decoder loses."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Posterior(NamedTuple):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[np.ndarray, "image latent"]
    logvar: Float[np.ndarray, "image latent"]
    logits: dict[str, Float[np.ndarray, "image _"]]


class Encoded(NamedTuple):
    """One run: its seed, q(z | x) and -log p(x | z) [image] of every image; did it diverge?"""

    seed: int
    posterior: Posterior
    distortion: np.ndarray
    failed: bool
