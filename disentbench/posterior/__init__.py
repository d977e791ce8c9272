"""What a model makes of each image: q(z | x)."""

from typing import Any, Generic, NamedTuple, TypeVar

from jaxtyping import Float

Array = TypeVar("Array", bound=Any)  # a numpy array or, in training, a torch tensor


class Posterior(NamedTuple, Generic[Array]):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[Array, "image latent"]
    logvar: Float[Array, "image latent"]
    logits: dict[str, Float[Array, "image _"]]
