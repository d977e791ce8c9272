"""Arrays from anywhere made a representation, or refused in a sentence."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from disentbench.errors import UserError
from disentbench.posterior.representation import LARGEST, Representation, rounded
from disentbench.storage.classes import classes, titled

WIDEST = 60.0  # the largest |log sigma^2| that can be meant


OFFSET, STEPS = 100, 20  # beyond this, so few different values of a latent are an offset's doing


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
    held_out: ArrayLike | None = None,
    widest: float = WIDEST,
) -> Representation:
    """A representation of arrays from anywhere, or a UserError that says what does not fit.

    Latents become float32 unless that loses their differences (of a run that diverged they may be
    NaN), each factor's classes 0 .. n-1 in the order of their values. A logvar beyond `widest` is
    taken for something else.
    """
    rows = {"mean": _means(mean)}
    if factors is not None:
        rows["factors"] = classes(factors, factor_names)
    if logvar is not None:
        rows["logvar"] = _latents("logvar", logvar)
    if distortion is not None:
        rows["distortion"] = _latents("distortion", np.reshape(distortion, (-1, 1)))[:, 0]
    if held_out is not None:
        rows["held_out"] = _marks(held_out)
    discrete = {name: _latents(f"logits/{name}", values) for name, values in (logits or {}).items()}
    _require_fit(rows, discrete, groups or {}, failed, widest)
    _warn_of_odd_shapes(rows, factor_names)
    return Representation(
        **rows,
        logits=discrete,
        groups=groups or {},
        factor_names=tuple(factor_names),
        failed=failed,
    )


def from_anywhere(values: Any) -> np.ndarray:
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
    for i, classes_of in enumerate(() if factors is None or images < 3 else factors.T):
        if classes_of.max() == images - 1:
            warnings.warn(
                f"{titled(i, factor_names)} has another class in each of the {images} images, as "
                "an id has; leave it out if it is one",
                stacklevel=3,
            )


def _require_fit(
    rows: dict[str, np.ndarray],
    discrete: dict[str, np.ndarray],
    groups: Any,
    failed: bool,
    widest: float,
) -> None:
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


def _turned(mean: np.ndarray, name: str, values: np.ndarray) -> str:
    """A hint where the rows of one are the columns of the other."""
    if mean.shape[1] == len(values):
        return "; mean has them as columns, so transpose it"
    if values.shape[1:] == (len(mean),):
        return f"; {name} has them as columns, so transpose it"
    return ""


def _require_disjoint(groups: Any, latents: int) -> None:
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


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _means(mean: ArrayLike) -> np.ndarray:
    single, given = _latents("mean", mean), np.asarray(mean)
    if given.dtype not in (np.float16, np.float32):
        return rounded(given.astype(np.float64))
    _warn_of_lost_digits(given)
    return single


def _warn_of_lost_digits(mean: np.ndarray) -> None:
    """Name the first latent whose differences an offset has cost before we saw it."""
    with np.errstate(all="ignore"):  # a run that diverged
        largest = abs(mean).max(0)
        steps = np.ptp(mean, axis=0) / np.spacing(largest)
        few = (largest > OFFSET) & (steps > 0) & (steps < STEPS)
    if few.any():
        j = few.argmax()
        warnings.warn(
            f"latent {j} of mean reaches {largest[j]:g}, and {mean.dtype} holds but {steps[j]:.0f} "
            "steps from its least value to its largest; take off the offset before rounding to "
            f"{mean.dtype}, or keep float64",
            stacklevel=4,
        )


def _latents(name: str, values: ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or 0 in values.shape:
        raise UserError(f"{name} has shape {values.shape}; it must be [image, latent], not empty")
    if values.dtype.kind not in "fiu":
        raise UserError(f"{name} holds {values.dtype}; it must hold numbers")
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as not finite
        return values.astype(np.float32)


def _marks(held_out: ArrayLike) -> np.ndarray:
    marks = np.asarray(held_out)
    if marks.ndim != 1 or marks.dtype != bool or marks.all() or not marks.any():
        raise UserError(
            f"held_out holds {marks.dtype} {marks.shape}; it must mark some of the images, true or "
            "false for each"
        )
    return marks


def _require_finite(name: str, values: np.ndarray) -> None:
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise UserError(
            f"{name} is not finite in row {bad.argmax()} ({bad.sum()} rows in all); "
            "leave such rows out"
        )
