"""A representation: what is scored, whoever made it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Posterior(NamedTuple):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[np.ndarray, "image latent"]
    logvar: Float[np.ndarray, "image latent"]
    logits: dict[str, Float[np.ndarray, "image class"]]


@dataclass(frozen=True)
class Representation:
    """One run's latents over the evaluation images, with the images' factors.

    `groups` maps a group's name to the latents in it. `logvar`, `logits`, `distortion` (nats per
    image) are there where the model gives them; `failed` says that the run diverged.
    """

    mean: Float[np.ndarray, "image latent"]
    factors: Int[np.ndarray, "image factor"]
    logvar: Float[np.ndarray, "image latent"] | None = None
    logits: dict[str, Float[np.ndarray, "image class"]] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)
    distortion: Float[np.ndarray, " image"] | None = None
    factor_names: tuple[str, ...] = ()
    failed: bool = False

    @cached_property
    def codes(self) -> Float[np.ndarray, "image latent"]:
        """Posterior means; a discrete group counts as one latent, its most probable class."""
        classes = [logits.argmax(1)[:, None] for logits in self.logits.values()]
        return np.concatenate([self.mean, *classes], axis=1).astype(np.float32)

    @cached_property
    def posterior(self) -> Posterior | None:
        """q(z | x), or None where the variances are unknown."""
        return None if self.logvar is None else Posterior(self.mean, self.logvar, self.logits)
