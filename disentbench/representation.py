"""A representation: what is scored, whoever made it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

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
    image) are there where the model gives them, `factors` where they are known; `failed` says that
    the run diverged; `companions` are the posteriors of the other runs of its file, `drawn` the
    codes in place of the means.
    """

    mean: Float[np.ndarray, "image latent"]
    factors: Int[np.ndarray, "image factor"] | None = None
    logvar: Float[np.ndarray, "image latent"] | None = None
    logits: dict[str, Float[np.ndarray, "image _"]] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)
    distortion: Float[np.ndarray, " image"] | None = None
    factor_names: tuple[str, ...] = ()
    failed: bool = False
    companions: list[Posterior] | None = None
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
    factors: ArrayLike | None = None,
    *,
    logvar: ArrayLike | None = None,
    logits: dict[str, ArrayLike] | None = None,
    groups: dict[str, list[int]] | None = None,
    distortion: ArrayLike | None = None,
    factor_names: Sequence[str] = (),
    failed: bool = False,
) -> Representation:
    """A representation of arrays from anywhere, or a UserError that says what does not fit.

    Latents become float32 (of a run that diverged they may be NaN), each factor's classes 0 .. n-1
    in the order of their values.
    """
    rows = {"mean": _latents("mean", mean)}
    if factors is not None:
        rows["factors"] = classes(factors, factor_names)
    if logvar is not None:
        rows["logvar"] = _latents("logvar", logvar)
    if distortion is not None:
        rows["distortion"] = _latents("distortion", np.reshape(distortion, (-1, 1)))[:, 0]
    discrete = {name: _latents(f"logits/{name}", each) for name, each in (logits or {}).items()}
    _require_fit(rows, discrete, groups or {}, failed)
    _warn_of_odd_shapes(rows, factor_names)
    return Representation(
        **rows,
        logits=discrete,
        groups=groups or {},
        factor_names=tuple(factor_names),
        failed=failed,
    )


def from_anywhere(values: ArrayLike) -> np.ndarray:
    """An array of what anybody computes with: a tensor comes off its graph and its device."""
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
            values = values.double() if values.is_floating_point() else values  # bfloat16, too
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{type(values).__name__} cannot be read as an array: {reason}") from None


def _warn_of_odd_shapes(rows: dict[str, np.ndarray], factor_names: Sequence[str]) -> None:
    """Say what can be scored and is seldom meant: axes in another order, a factor that is an id."""
    for name, things in (("mean", "latents"), ("factors", "factors")):
        if name in rows and rows[name].shape[0] < rows[name].shape[1]:
            warnings.warn(
                f"{name} is {rows[name].shape}, fewer images than {things}; an image is a row, so "
                "transpose it if it has them as columns",
                stacklevel=3,
            )
    images, factors = len(rows["mean"]), rows.get("factors")
    for i in range(0 if factors is None or images < 3 else factors.shape[1]):
        if factors[:, i].max() == images - 1:
            warnings.warn(
                f"{_factor(i, factor_names)} has another class in each of the {images} images, as "
                "an id has; leave it out if it is one",
                stacklevel=3,
            )


def _require_fit(rows, discrete, groups, failed) -> None:
    mean = rows["mean"]
    if len(mean) < 2:
        raise UserError("there is one image, and nothing to measure; bring at least 2")
    for name, values in (rows | discrete).items():
        if len(values) != len(mean):
            raise UserError(
                f"mean has {len(mean)} rows and {name} {len(values)}; they must agree"
                f"{_turned(mean, name, values)}"
            )
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


def _turned(mean: np.ndarray, name: str, values: np.ndarray) -> str:
    """A hint where the rows of one are the columns of the other."""
    if mean.shape[1] == len(values):
        return "; mean has them as columns, so transpose it"
    if values.shape[1:] == (len(mean),):
        return f"; {name} has them as columns, so transpose it"
    return ""


def _require_disjoint(groups, latents: int) -> None:
    try:
        members = [latent for group in groups.values() for latent in group]
        whole = all(map(_is_whole, members))  # 0.0 and False are equal to 0
        fit = len(set(members)) == len(members) and set(members) <= set(range(latents)) and whole
    except (AttributeError, TypeError):
        fit = False
    if not fit:
        raise UserError(
            f"groups are {groups}; they map names to lists of latents, each of 0 to {latents - 1} "
            "in one list at most"
        )


def _is_whole(value) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _latents(name: str, values: ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or 0 in values.shape:
        raise UserError(f"{name} has shape {values.shape}; it must be [image, latent], not empty")
    if values.dtype.kind not in "fiu":
        raise UserError(f"{name} holds {values.dtype}; it must hold numbers")
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as not finite
        return values.astype(np.float32)


def classes(factors: ArrayLike, names: Sequence[str] = ()) -> np.ndarray:
    """Each factor's classes as 0 .. n-1 in the order of their values, text in the alphabet's."""
    factors = np.asarray(factors)
    if factors.ndim != 2 or 0 in factors.shape:
        raise UserError(f"factors has shape {factors.shape}; it must be [image, factor], not empty")
    if len(names) not in (0, factors.shape[1]):
        raise UserError(f"there are {factors.shape[1]} factors and {len(names)} names for them")
    columns = [_column(column, _factor(i, names)) for i, column in enumerate(factors.T)]
    codes = [np.unique(column, return_inverse=True)[1] for column in columns]
    return np.stack(codes, axis=1).astype(np.int64)


def _factor(i: int, names: Sequence[str]) -> str:
    return f"the factor {names[i]!r}" if names else f"factor {i}"


def _column(values: np.ndarray, factor: str) -> np.ndarray:
    """The classes of one factor as they came: whole numbers or text."""
    values = _of_one_kind(values, factor) if values.dtype.kind == "O" else values
    whole = values.dtype.kind in "iub" or values.dtype.kind in "SUMm"
    if values.dtype.kind == "f":
        odd = ~(np.isfinite(values) & (np.floor(values) == values))
        if odd.any():
            row = int(odd.argmax())
            raise UserError(
                f"{factor} is {values[row]:.6g} in row {row}; its classes must be whole numbers or "
                "text, such as np.unique(values, return_inverse=True)[1] makes of values"
            )
    elif not whole:
        raise UserError(f"{factor} holds {values.dtype}; its classes must be whole numbers or text")
    return values


def _of_one_kind(values: np.ndarray, factor: str) -> np.ndarray:
    """A column of Python's objects as an array of text or of numbers."""
    plain = [each.decode(errors="replace") if isinstance(each, bytes) else each for each in values]
    missing = [_is_missing(each) for each in plain]
    if any(missing):
        raise UserError(f"{factor} is missing in row {missing.index(True)}; leave such rows out")
    for kind in (str, int | float | np.number | np.bool_):
        if all(isinstance(each, kind) for each in plain):
            return np.array(plain)
    kinds = ", ".join(sorted({type(each).__name__ for each in plain}))
    raise UserError(f"{factor} holds {kinds}; its classes must be whole numbers or text")


def _is_missing(value) -> bool:
    nan = isinstance(value, float | np.floating) and np.isnan(value)
    return value is None or nan or type(value).__name__ in ("NAType", "NaTType")


def _require_finite(name: str, values: np.ndarray) -> None:
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise UserError(
            f"{name} is not finite in row {bad.argmax()} ({bad.sum()} rows in all); "
            "leave such rows out"
        )
