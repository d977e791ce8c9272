"""A representation: what is scored, whoever made it."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from scipy.special import softmax

from disentbench.errors import UserError

WIDEST = 60.0  # the largest |log sigma^2| that can be meant
LARGEST = 1e12  # the largest latent whose square and cube float32 still holds
ACTIVE = 0.01  # the variance above which a latent depends on the image (Burda et al. 2016)
LOST = 1e-6  # of a latent's range: float32 must hold its differences to this


class Posterior(NamedTuple):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[np.ndarray, "image latent"]
    logvar: Float[np.ndarray, "image latent"]
    logits: dict[str, Float[np.ndarray, "image _"]]


class Drawn(NamedTuple):
    """One sample of q(z | x) of every image: the Gaussian latents, the discrete groups' classes."""

    codes: Float[np.ndarray, "image latent"]
    categories: Int[np.ndarray, "image group"]


@dataclass(frozen=True)
class Representation:
    """One run's latents over the evaluation images, with the images' factors.

    `groups` maps a group's name to the latents in it. `logvar`, `logits`, `distortion` (nats per
    image) are there where the model gives them; `failed` says that the run diverged; `companions`
    are the posteriors of the other runs of its file, `drawn` the codes in place of the means.
    `mean` is float32, or float64 where an offset leaves float32 too few digits.
    """

    mean: Float[np.ndarray, "image latent"]
    factors: Int[np.ndarray, "image factor"]
    logvar: Float[np.ndarray, "image latent"] | None = None
    logits: dict[str, Float[np.ndarray, "image _"]] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)
    distortion: Float[np.ndarray, " image"] | None = None
    factor_names: tuple[str, ...] = ()
    failed: bool = False
    companions: list[Posterior] | None = None
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

    def _by_group(self, classes) -> np.ndarray:
        return np.array(list(classes), np.int64).reshape(-1, len(self.mean)).T

    def sampled(self, rng: np.random.Generator) -> "Representation":
        """The same with codes drawn from the posterior, one for each image."""
        z = self.mean + np.exp(self.logvar / 2) * rng.standard_normal(self.mean.shape)
        gumbel = (logits + rng.gumbel(size=logits.shape) for logits in self._logits)
        classes = self._by_group(perturbed.argmax(1) for perturbed in gumbel)
        return replace(self, drawn=Drawn(rounded(z), classes))

    @cached_property
    def posterior(self) -> Posterior | None:
        """q(z | x), or None where the variances are unknown."""
        return None if self.logvar is None else Posterior(self.mean, self.logvar, self.logits)


def represent(
    mean: ArrayLike,
    factors: ArrayLike,
    *,
    logvar: ArrayLike | None = None,
    logits: dict[str, ArrayLike] | None = None,
    groups: dict[str, list[int]] | None = None,
    distortion: ArrayLike | None = None,
    factor_names: tuple[str, ...] = (),
    failed: bool = False,
) -> Representation:
    """A representation of arrays from anywhere, or a UserError that says what does not fit.

    Latents become float32 unless that loses their differences (of a run that diverged they may be
    NaN), each factor's classes 0 .. n-1 in the order of their values.
    """
    rows = {"mean": _means(mean), "factors": classes(factors)}
    if logvar is not None:
        rows["logvar"] = _latents("logvar", logvar)
    if distortion is not None:
        rows["distortion"] = _latents("distortion", np.reshape(distortion, (-1, 1)))[:, 0]
    discrete = {name: _latents(f"logits/{name}", each) for name, each in (logits or {}).items()}
    _require_fit(rows, discrete, groups or {}, failed)
    if len(factor_names) not in (0, rows["factors"].shape[1]):
        raise UserError(
            f"there are {rows['factors'].shape[1]} factors and {len(factor_names)} names for them"
        )
    return Representation(
        **rows, logits=discrete, groups=groups or {}, factor_names=factor_names, failed=failed
    )


def _require_fit(rows, discrete, groups, failed) -> None:
    mean = rows["mean"]
    if len(mean) < 2:
        raise UserError("there is one image, and nothing to measure; bring at least 2")
    for name, values in (rows | discrete).items():
        if len(values) != len(mean):
            raise UserError(f"mean has {len(mean)} rows and {name} {len(values)}; they must agree")
        if not failed:
            _require_finite(name, values.reshape(len(values), -1))
    if "logvar" in rows and rows["logvar"].shape != mean.shape:
        raise UserError(f"logvar is {rows['logvar'].shape} and mean {mean.shape}; they must agree")
    if "logvar" in rows and not failed and np.abs(rows["logvar"]).max() > WIDEST:
        raise UserError(
            f"logvar reaches {np.abs(rows['logvar']).max():.3g} in size; log sigma^2 within "
            f"+-{WIDEST:g} will do, so check that it is the logarithm"
        )
    if not failed and np.abs(mean).max() > LARGEST:
        raise UserError(
            f"mean reaches {np.abs(mean).max():.3g} in size; scale it to at most {LARGEST:g}"
        )
    _require_disjoint(groups, mean.shape[1])


def _require_disjoint(groups, latents: int) -> None:
    try:
        members = [latent for group in groups.values() for latent in group]
        fit = len(set(members)) == len(members) and set(members) <= set(range(latents))
    except (AttributeError, TypeError):
        fit = False
    if not fit:
        raise UserError(
            f"groups are {groups}; they map names to lists of latents, each of 0 to {latents - 1} "
            "in one list at most"
        )


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


def _means(mean: ArrayLike) -> np.ndarray:
    single, given = _latents("mean", mean), np.asarray(mean)
    return single if given.dtype in (np.float16, np.float32) else rounded(given.astype(np.float64))


def _latents(name: str, values: ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or 0 in values.shape:
        raise UserError(f"{name} has shape {values.shape}; it must be [image, latent], not empty")
    if values.dtype.kind not in "fiu":
        raise UserError(f"{name} holds {values.dtype}; it must hold numbers")
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as not finite
        return values.astype(np.float32)


def classes(factors: ArrayLike) -> np.ndarray:
    """Each factor's classes as 0 .. n-1 in the order of their values."""
    factors = np.asarray(factors)
    if factors.ndim != 2 or 0 in factors.shape:
        raise UserError(f"factors has shape {factors.shape}; it must be [image, factor], not empty")
    if not _whole(factors):
        raise UserError(f"factors holds {factors.dtype}; its classes must be whole numbers")
    codes = [np.unique(column, return_inverse=True)[1] for column in factors.T]
    return np.stack(codes, axis=1).astype(np.int64)


def _whole(factors: np.ndarray) -> bool:
    if factors.dtype.kind == "f":
        return bool(np.all(np.isfinite(factors) & (np.floor(factors) == factors)))
    return factors.dtype.kind in "iub"


def _require_finite(name: str, values: np.ndarray) -> None:
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise UserError(
            f"{name} is not finite in row {bad.argmax()} ({bad.sum()} rows in all); "
            "leave such rows out"
        )
