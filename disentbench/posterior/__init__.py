"""What a model makes of each image: q(z | x)."""

from typing import Any, NamedTuple

from jaxtyping import Float

Array = Any  # of numpy or, in training, a tensor of torch


class Posterior(NamedTuple):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[Array, "image latent"]
    logvar: Float[Array, "image latent"]
    logits: dict[str, Float[Array, "image _"]]
