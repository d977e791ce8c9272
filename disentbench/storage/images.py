"""The images of a data set with their ground truth, in memory."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from disentbench.options import is_whole


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a data set with their ground truth.

    Binary images are `bits`, each image flattened and packed eight pixels to a byte, the first
    pixel in the highest bit (`np.packbits`); all others are `pixels`. The other of the two is None.
    `factor_values[f][c]` is the physical value of class c of factor f.
    """

    name: str
    label: str
    shape: tuple[int, int, int]  # channels, height, width
    factors: Int[np.ndarray, "image factor"]  # classes 0 .. n-1 among those that were kept
    factor_names: tuple[str, ...]
    factor_values: tuple[Float[np.ndarray, " _"], ...]
    bits: UInt8[np.ndarray, "image byte"] | None = None
    pixels: UInt8[np.ndarray, "image height width channel"] | None = None

    @cached_property
    def factor_sizes(self) -> tuple[int, ...]:
        """How many classes each factor has."""
        return tuple(len(values) for values in self.factor_values)

    @property
    def stored(self) -> UInt8[np.ndarray, "image ..."]:
        """The images as they are kept: bits, or else pixels."""
        stored = self.pixels if self.bits is None else self.bits
        assert stored is not None  # see `misfit`
        return stored

    @cached_property
    def digest(self) -> str:
        """One word for the images, their factors and what these are called."""
        whole = hashlib.sha256(repr((self.shape, self.factor_names)).encode())
        for array in (self.factors.astype("<i8"), *self.factor_values, self.stored):
            whole.update(repr((array.shape, array.dtype.str)).encode())
            whole.update(np.ascontiguousarray(array).data)
        return whole.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.factors)


def misfit(images: Any) -> str | None:
    """What is wrong with Images, whoever made them; nothing if their parts fit together."""
    if len(images.shape) != 3 or not all(is_whole(n, 1, 2**31) for n in images.shape):
        return f"its shape is {images.shape}, where channels, height and width are expected"
    return _misfit_of_factors(images) or _misfit_of_pixels(images)


def _misfit_of_pixels(images: Any) -> str | None:
    if (images.bits is None) == (images.pixels is None):
        return "it holds bits and pixels, or neither, where one of them is expected"
    channels, height, width = images.shape
    rows = images.pixels if images.bits is None else images.bits
    row = (height, width, channels) if images.bits is None else ((prod(images.shape) + 7) // 8,)
    expected = (len(images.factors), *row)
    if np.shape(rows) != expected or getattr(rows, "dtype", None) != np.uint8:
        kind = getattr(rows, "dtype", type(rows).__name__)
        return (
            f"it holds images as {kind} {np.shape(rows)}; its factors and its shape ask for uint8 "
            f"{expected}"
        )
    return None


def _misfit_of_factors(images: Any) -> str | None:
    factors, names, values = np.asarray(images.factors), images.factor_names, images.factor_values
    if factors.shape[1:] != (len(names),) or len(values) != len(names):
        return "it has factors of another number than factor_names, or than factor_values"
    if 0 in factors.shape or factors.dtype.kind not in "iu":
        return f"it has factors as {factors.dtype} {factors.shape}, where classes are expected"
    for name, classes, known in zip(names, factors.T, values, strict=True):
        if not 0 <= classes.min() <= classes.max() < len(known):
            return (
                f"the classes of {name!r} run from {classes.min()} to {classes.max()}, where its "
                f"{len(known)} values have 0 to {len(known) - 1}"
            )
    return None
