"""A representation: what is scored, whoever made it."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from disentbench.errors import UserError

WIDEST = 60.0  # the largest |log sigma^2| that can be meant
LARGEST = 1e12  # the largest latent whose square and cube float32 still holds


class Posterior(NamedTuple):
    """q(z | x) of every image: diagonal Gaussians and, for discrete groups, class logits."""

    mean: Float[np.ndarray, "image latent"]
    logvar: Float[np.ndarray, "image latent"]
    logits: dict[str, Float[np.ndarray, "image _"]]


@dataclass(frozen=True)
class Representation:
    """One run's latents over the evaluation images, with the images' factors.

    `groups` maps a group's name to the latents in it. `logvar`, `logits`, `distortion` (nats per
    image) are there where the model gives them; `failed` says that the run diverged; `companions`
    are the other sound runs of its setting, of each what the metrics that compare runs keep of it,
    by their names; `drawn` are the codes in place of the means.
    """

    mean: Float[np.ndarray, "image latent"]
    factors: Int[np.ndarray, "image factor"]
    logvar: Float[np.ndarray, "image latent"] | None = None
    logits: dict[str, Float[np.ndarray, "image _"]] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)
    distortion: Float[np.ndarray, " image"] | None = None
    factor_names: tuple[str, ...] = ()
    failed: bool = False
    companions: list[dict[str, Any]] | None = None
    drawn: Float[np.ndarray, "image code"] | None = None

    @cached_property
    def codes(self) -> Float[np.ndarray, "image code"]:
        """Posterior means, or what was drawn; a discrete group counts as one latent, its class."""
        if self.drawn is not None:
            return self.drawn
        classes = [logits.argmax(1)[:, None] for logits in self.logits.values()]
        return np.concatenate([self.mean, *classes], axis=1).astype(np.float32)

    def sampled(self, rng: np.random.Generator) -> "Representation":
        """The same with codes drawn from the posterior, one for each image."""
        z = self.mean + np.exp(self.logvar / 2) * rng.standard_normal(self.mean.shape)
        gumbel = (logits + rng.gumbel(size=logits.shape) for logits in self.logits.values())
        classes = [perturbed.argmax(1)[:, None] for perturbed in gumbel]
        return replace(self, drawn=np.concatenate([z, *classes], axis=1).astype(np.float32))

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
    widest: float = WIDEST,
) -> Representation:
    """A representation of arrays from anywhere, or a UserError that says what does not fit.

    Latents become float32 (of a run that diverged they may be NaN), each factor's classes 0 .. n-1
    in the order of their values. A logvar beyond `widest` is taken for something else.
    """
    rows = {"mean": _latents("mean", mean), "factors": classes(factors)}
    if logvar is not None:
        rows["logvar"] = _latents("logvar", logvar)
    if distortion is not None:
        rows["distortion"] = _latents("distortion", np.reshape(distortion, (-1, 1)))[:, 0]
    discrete = {name: _latents(f"logits/{name}", each) for name, each in (logits or {}).items()}
    _require_fit(rows, discrete, groups or {}, failed, widest)
    if len(factor_names) not in (0, rows["factors"].shape[1]):
        raise UserError(
            f"there are {rows['factors'].shape[1]} factors and {len(factor_names)} names for them"
        )
    return Representation(
        **rows, logits=discrete, groups=groups or {}, factor_names=factor_names, failed=failed
    )


def _require_fit(rows, discrete, groups, failed, widest) -> None:
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
    if "logvar" in rows and not failed and np.abs(rows["logvar"]).max() > widest:
        raise UserError(
            f"logvar reaches {np.abs(rows['logvar']).max():.3g} in size; log sigma^2 within "
            f"+-{widest:g} will do, so check that it is the logarithm"
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
