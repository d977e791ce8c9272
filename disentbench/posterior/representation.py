"""A representation: what is scored, whoever made it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import softmax

from disentbench.posterior import Posterior, gaussian

LARGEST = 1e12  # the largest latent whose square and cube float32 still holds
ACTIVE = 0.01  # the variance above which a latent depends on the image (Burda et al. 2016)
LOST = 1e-6  # of a latent's range: float32 must hold its differences to this


class Drawn(NamedTuple):
    """One sample of q(z | x) of every image: the Gaussian latents, the discrete groups' classes."""

    codes: Float[np.ndarray, "image latent"]
    categories: Int[np.ndarray, "image group"]


@dataclass(frozen=True)
class Representation:
    """One run's latents over the evaluation images, with the images' factors.

    `groups` maps a group's name to the latents in it. `logvar`, `logits`, `distortion` (nats per
    image) are there where the model gives them, `factors` where they are known; `failed` says that
    the run diverged; `held_out` marks the images that training never drew, where there are such;
    `companions` are the other sound runs of its setting, of each what the metrics
    that compare runs keep of it, by their names; `drawn` are the codes in place of the means.
    `mean` is float32, or float64 where an offset leaves float32 too few digits.
    """

    mean: Float[np.ndarray, "image latent"]
    factors: Int[np.ndarray, "image factor"] | None = None
    logvar: Float[np.ndarray, "image latent"] | None = None
    logits: dict[str, Float[np.ndarray, "image _"]] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)
    distortion: Float[np.ndarray, " image"] | None = None
    factor_names: tuple[str, ...] = ()
    failed: bool = False
    held_out: Bool[np.ndarray, " image"] | None = None
    companions: list[dict[str, Any]] | None = None
    drawn: Drawn | None = None

    @cached_property
    def codes(self) -> Float[np.ndarray, "image latent"]:
        """The Gaussian latents: their posterior means, or what was drawn."""
        return rounded(self.mean) if self.drawn is None else self.drawn.codes

    @cached_property
    def categories(self) -> Int[np.ndarray, "image group"]:
        """The class of each discrete group: the most probable one, or what was drawn.

        A group is as inactive as a latent if its class probabilities vary by no more than ACTIVE.
        Which class is the most probable is then no matter of the image, and it has one class, 0.
        """
        if self.drawn is not None:
            return self.drawn.categories
        active = self.variance[self.mean.shape[1] :] > ACTIVE
        return self._by_group(p.argmax(1) * a for p, a in zip(self._logits, active, strict=True))

    @cached_property
    def variance(self) -> Float[np.ndarray, " variable"]:
        """How much q(z | x) depends on the image, whatever the code: the variance over the images.

        Of each latent's posterior mean, then of each discrete group's class probabilities, summed
        over the classes (at most 1 - 1 / classes).
        """
        probabilities = (softmax(logits.astype(np.float64), axis=1) for logits in self._logits)
        discrete = [p.var(0).sum() for p in probabilities]
        return np.concatenate([self.mean.var(0, dtype=np.float64), discrete])

    @cached_property
    def _logits(self) -> list[np.ndarray]:
        """The groups' logits, the classes in an order that no labelling of them changes."""
        groups = self.logits.values()
        return [g[:, sorted(range(g.shape[1]), key=lambda k: g[:, k].tobytes())] for g in groups]

    def _by_group(
        self, classes: Iterable[Int[np.ndarray, " image"]]
    ) -> Int[np.ndarray, "image group"]:
        return np.array(list(classes), np.int64).reshape(-1, len(self.mean)).T

    def sampled(self, rng: np.random.Generator) -> "Representation":
        """A representation by codes drawn from the posterior, one for each image."""
        assert self.logvar is not None  # whoever asks for samples has it
        logvar = self.logvar.astype(np.float64)  # float32 ends at a logvar of 177
        z = gaussian.sample(self.mean, logvar, rng.standard_normal(self.mean.shape))
        gumbel = (logits + rng.gumbel(size=logits.shape) for logits in self._logits)
        classes = self._by_group(perturbed.argmax(1) for perturbed in gumbel)
        return replace(self, drawn=Drawn(rounded(z), classes))

    @cached_property
    def posterior(self) -> Posterior | None:
        """q(z | x), or None where the variances are unknown."""
        return None if self.logvar is None else Posterior(self.mean, self.logvar, self.logits)


def rounded(latents: Float[np.ndarray, "image latent"]) -> Float[np.ndarray, "image latent"]:
    """Latents in float32, or in float64 where float32 would lose their differences."""
    return latents.astype(np.float64 if lost(latents).any() else np.float32)


def lost(latents: Float[np.ndarray, "image latent"]) -> Bool[np.ndarray, " latent"]:
    """Which latents vary, and in float32 would be off by more than LOST of their range.

    An offset changes no metric of codes by its definition, but 1e8 + 3 is 1e8 in float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged
        error = abs(latents - latents.astype(np.float32)).max(0)
        span = np.ptp(latents, axis=0)
        return (error > LOST * span) & (span > 0)
