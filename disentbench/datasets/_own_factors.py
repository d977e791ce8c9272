"""The factors of one's own images in the arrays of a file, their names and their values."""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from disentbench.datasets._own_images import (
    MOST_FACTORS,
    GroundTruth,
    factor_name,
    told_of,
)
from disentbench.errors import UserError
from disentbench.options import shown, twice
from disentbench.storage import limits
from disentbench.storage.classes import LONGEST_TEXT, classes_and_values, of_one_kind, titled

VALUES = "factor_values"
MOST_BYTES = 2**30  # of the classes of all factors, and of what finds one factor's
FINDING = 5  # columns of numbers that it takes to find one factor's classes
SORTING = 3  # columns as they came, likewise


@runtime_checkable
class Arrays(Protocol):
    """The arrays of a file that is open; whatever is wrong with the file is a UserError."""

    def names(self) -> list[str]:
        """The arrays that are there."""
        ...

    def claimed(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """The shape and the kind of an array, unread."""
        ...

    def read(self, name: str) -> np.ndarray:
        """The whole of an array."""
        ...

    def require_blocks(self, name: str) -> None:
        """Refuse an array that cannot be read part by part, before any is read."""
        ...

    def blocks(self, name: str, size: int) -> Iterator[np.ndarray]:
        """An array along its first axis, about `size` bytes at a time."""
        ...


def truth_of(path: Path, arrays: Arrays) -> GroundTruth:
    """The factors of a file, their names and values; a UserError names the file."""
    with told_of(path):
        there = arrays.names()
        (count, *_), _ = arrays.claimed("images")
        if "factors" not in there:
            if odd := [name for name in there if name.startswith("factor_")]:
                raise UserError(f"it has {odd[0]!r} and no array 'factors'; bring both or neither")
            return GroundTruth(np.zeros((count, 0), np.int64))
        require_claimed(*arrays.claimed("factors"), count)
    factors, names = arrays.read("factors"), _names(path, arrays)
    with told_of(path):
        factors, known = classes_and_values(factors, names)
        names = names or tuple(f"factor{i}" for i in range(len(known)))
        if odd := [
            n for n in there if n.split("/")[0] == VALUES and n[len(VALUES) + 1 :] not in names
        ]:
            raise UserError(
                f"{odd[0]!r} is of no factor; {VALUES}/NAME is, of one of {', '.join(names)}"
            )
    values = (_values(path, arrays, *pair) for pair in zip(names, known, strict=True))
    return GroundTruth(factors, names, tuple(values))


def require_claimed(shape: tuple[int, ...], kind: np.dtype, count: int) -> None:
    """Refuse factors that are not those of the images, before they are read."""
    if len(shape) != 2 or shape[0] != count or not 1 <= shape[1] <= MOST_FACTORS:
        raise UserError(
            f"its factors have the shape {shape}, where [{count} images, factor] is expected, of "
            f"at most {MOST_FACTORS:,} factors"
        )
    if (claimed := count * (shape[1] + FINDING) * 8) > MOST_BYTES:
        raise UserError(
            f"its factors are too many: {prod(shape):,} classes would take {limits.shown(claimed)} "
            f"of memory, where at most {limits.shown(MOST_BYTES)} will do; bring fewer images or "
            "factors"
        )
    if (claimed := count * (shape[1] + SORTING) * kind.itemsize) > limits.MEMORY:
        raise UserError(
            f"its factors would take {limits.shown(claimed)} of memory; numbers of a smaller kind, "
            "or shorter texts, will do"
        )


def _names(path: Path, arrays: Arrays) -> tuple[str, ...]:
    """The names of the factors as the file has them; none if it has none."""
    if "factor_names" not in arrays.names():
        return ()
    with told_of(path):
        shape, kind = arrays.claimed("factor_names")
        if len(shape) != 1 or not 1 <= shape[0] <= MOST_FACTORS or kind.kind not in "USO":
            raise UserError(f"its factor_names are {kind} {shape}; they must be a list of text")
        if kind.itemsize > 4 * LONGEST_TEXT:
            raise UserError(f"its factor_names have more than {LONGEST_TEXT:,} characters")
    names = arrays.read("factor_names")
    with told_of(path):
        names = [factor_name(name) for name in _decoded(names, "factor_names").tolist()]
        if (double := twice(names)) is not None:
            raise UserError(f"its factor_names have {shown(double)} twice; name each factor once")
    return tuple(names)


def _values(path: Path, arrays: Arrays, name: str, known: np.ndarray) -> np.ndarray:
    """What the classes of a factor stand for: as the file says, or as they came."""
    values, what = known, titled(0, [name])
    if (key := f"{VALUES}/{name}") in arrays.names():
        what = repr(key)
        with told_of(path):
            shape, _ = arrays.claimed(key)
            if shape != known.shape:
                raise UserError(
                    f"{what} has the shape {shape}, and the factor {len(known)} classes; bring one "
                    "value for each of these"
                )
        values = arrays.read(key)
    with told_of(path):
        return text_or_numbers(values, what)


def text_or_numbers(values: np.ndarray, what: str) -> np.ndarray:
    """Values as they came: numbers, or anything that is text as str."""
    values = _decoded(values, what)
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind == "U":
        for text in values.tolist():
            if not text.isprintable() or len(text) > LONGEST_TEXT:
                raise UserError(
                    f"{what} holds {shown(text)}; up to {LONGEST_TEXT:,} characters that can be "
                    "printed will do"
                )
        return values
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise UserError(f"{what} holds what is neither a finite number nor text")
    return values.astype(values.dtype.newbyteorder("="))


def _decoded(values: np.ndarray, what: str) -> np.ndarray:
    """Text of any kind, and what has but a text for it, as str; other values as they are."""
    if values.dtype.kind == "O":
        return of_one_kind(values, what)
    if values.dtype.kind == "S":
        return np.array([value.decode("utf-8", "replace") for value in values.tolist()])
    return values.astype(str) if values.dtype.kind in "Mm" else values
