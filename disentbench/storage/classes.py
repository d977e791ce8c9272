"""Ground truth from anywhere: each factor's classes as numbers from nought on, and their values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

from disentbench.errors import UserError


def classes(factors: ArrayLike, names: Sequence[str] = ()) -> Int[np.ndarray, "image factor"]:
    """Each factor's classes as 0 .. n-1 in the order of their values, text in the alphabet's."""
    return classes_and_values(factors, names)[0]


def classes_and_values(
    factors: ArrayLike, names: Sequence[str] = ()
) -> tuple[Int[np.ndarray, "image factor"], tuple[np.ndarray, ...]]:
    """Each factor's classes as 0 .. n-1, and for each factor the sorted values that these had."""
    factors = np.asarray(factors)
    if factors.ndim != 2 or 0 in factors.shape:
        raise UserError(f"factors has shape {factors.shape}; it must be [image, factor], not empty")
    if len(names) not in (0, factors.shape[1]):
        raise UserError(f"there are {factors.shape[1]} factors and {len(names)} names for them")
    columns = [_column(column, titled(i, names)) for i, column in enumerate(factors.T)]
    pairs = [np.unique(column, return_inverse=True) for column in columns]
    codes = np.stack([code for _, code in pairs], axis=1).astype(np.int64)
    return codes, tuple(values for values, _ in pairs)


def titled(i: int, names: Sequence[str]) -> str:
    """A factor as it is called in a sentence."""
    return f"the factor {names[i]!r}" if names else f"factor {i}"


def _column(values: np.ndarray, factor: str) -> np.ndarray:
    """The classes of one factor as they came: whole numbers or text."""
    values = of_one_kind(values, factor) if values.dtype.kind == "O" else values
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


def of_one_kind(values: np.ndarray, factor: str) -> np.ndarray:
    """A column of Python's objects as an array of text or of numbers."""
    plain = [
        entry.decode(errors="replace") if isinstance(entry, bytes) else entry for entry in values
    ]
    missing = [_is_missing(entry) for entry in plain]
    if any(missing):
        raise UserError(f"{factor} is missing in row {missing.index(True)}; leave such rows out")
    for kind in (str, int | float | np.number | np.bool_):
        if all(isinstance(entry, kind) for entry in plain):
            return np.array(plain)
    kinds = ", ".join(sorted({type(entry).__name__ for entry in plain}))
    raise UserError(f"{factor} holds {kinds}; its classes must be whole numbers or text")


def _is_missing(value: Any) -> bool:
    nan = isinstance(value, float | np.floating) and np.isnan(value)
    return value is None or nan or type(value).__name__ in ("NAType", "NaTType")
