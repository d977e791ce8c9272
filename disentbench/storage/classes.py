"""Ground truth from anywhere: each factor's classes as numbers from nought on, and their values."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.storage import limits

LONGEST_TEXT = 1000  # characters of a class's value
MOST_TEXT = 2**28  # bytes of an array of texts, each of which takes as much as the longest


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
    codes, known = np.empty(factors.shape, np.int64), []
    for i, column in enumerate(factors.T):
        codes[:, i], values = _coded(column, titled(i, names))
        known.append(values)
    return codes, tuple(known)


def titled(i: int, names: Sequence[str]) -> str:
    """A factor as it is called in a sentence."""
    return f"the factor {names[i]!r}" if names else f"factor {i}"


def _coded(values: np.ndarray, factor: str) -> tuple[Int[np.ndarray, " image"], np.ndarray]:
    """The class of each image and the sorted values of one factor, as they came."""
    if values.dtype.kind == "O":
        plain = _plain(values, factor)
        if isinstance(plain[0], str):
            return text_classes(plain, factor)
        values = np.array(plain)
    _require_whole(values, factor)
    known, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64, copy=False), known


def _require_whole(values: np.ndarray, factor: str) -> None:
    """Refuse what are no classes: they are whole numbers or text."""
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


def text_classes(texts: Sequence[str], factor: str) -> tuple[Int[np.ndarray, " image"], np.ndarray]:
    """The class of each text, and the texts that there are, in the order of the alphabet.

    Only the latter become an array: in one of all, each would take as much as the longest.
    """
    _require_short(texts, factor)
    known = sorted(set(texts))
    places = {text: place for place, text in enumerate(known)}
    return np.array([places[text] for text in texts], np.int64), _text(known, factor)


def of_one_kind(values: np.ndarray, factor: str) -> np.ndarray:
    """A column of Python's objects as an array of text or of numbers."""
    plain = _plain(values, factor)
    if plain and isinstance(plain[0], str):
        _require_short(plain, factor)
        return _text(plain, factor)
    return np.array(plain)


def _plain(values: np.ndarray, factor: str) -> list[Any]:
    """The entries of a column of Python's objects: all are text, or all numbers."""
    plain = [_decoded(entry) for entry in values.tolist()]
    missing = [_is_missing(entry) for entry in plain]
    if any(missing):
        raise UserError(f"{factor} is missing in row {missing.index(True)}; leave such rows out")
    for kind in (str, int | float | np.number | np.bool_):
        if all(isinstance(entry, kind) for entry in plain):
            return plain
    kinds = ", ".join(sorted({type(entry).__name__ for entry in plain}))
    raise UserError(f"{factor} holds {kinds}; its classes must be whole numbers or text")


def _decoded(entry: Any) -> Any:
    """An entry, bytes as text; nulls at its end are none of it, as in NumPy's text."""
    text = entry.decode(errors="replace") if isinstance(entry, bytes) else entry
    return text.rstrip("\0") if isinstance(text, str) else text


def _require_short(texts: Iterable[str], factor: str) -> None:
    """Refuse a text that nobody means as a value, before an array is as wide."""
    for row, text in enumerate(texts):
        if len(text) > LONGEST_TEXT:
            raise UserError(
                f"{factor} is {shown(text[:200])} in row {row}, a text of {len(text):,} "
                f"characters; at most {LONGEST_TEXT:,} will do"
            )


def _text(texts: Sequence[str], factor: str) -> np.ndarray:
    """Texts as an array, which has room for the longest in each place."""
    longest = max(map(len, texts), default=0)
    if (size := 4 * longest * len(texts)) > MOST_TEXT:
        raise UserError(
            f"{factor} has {len(texts):,} texts of up to {longest:,} characters, which take "
            f"{limits.shown(size)} of memory; shorter or fewer ones will do"
        )
    return np.array(texts, dtype=str)


def _is_missing(value: Any) -> bool:
    nan = isinstance(value, float | np.floating) and np.isnan(value)
    return value is None or nan or type(value).__name__ in ("NAType", "NaTType")
