"""The images of a data set with their ground truth: in memory, mapped from a file, or to come."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int, UInt8

from disentbench.options import is_whole

BLOCK_BYTES = 2**26  # of pixels that are read, written or hashed at a time


@dataclass(frozen=True, eq=False)
class Blocks:
    """Pixels that are made or read a block of images at a time, for sets larger than memory.

    `shape` is [image, height, width, channel]; `blocks()` begins anew each time and gives uint8
    [image, height, width, channel], as many images at once as it likes, in order.
    """

    shape: tuple[int, int, int, int]
    blocks: Callable[[], Iterator[np.ndarray]]
    dtype: ClassVar[np.dtype] = np.dtype(np.uint8)

    def __len__(self) -> int:
        return self.shape[0]


Pixels = UInt8[np.ndarray, "image height width channel"]


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a data set with their ground truth.

    Binary images are `bits`, each image flattened and packed eight pixels to a byte, the first
    pixel in the highest bit (`np.packbits`); all others are `pixels`, an array, which may be mapped
    from a file, or Blocks. The other of the two is None. `factor_values[f][c]` is the value of
    class c of factor f; a set without factors has factors [image, 0]. `material` is what the data
    set renders with besides, a picture say, by name.
    """

    name: str
    label: str
    shape: tuple[int, int, int]  # channels, height, width
    factors: Int[np.ndarray, "image factor"]  # classes 0 .. n-1 among those that were kept
    factor_names: tuple[str, ...]
    factor_values: tuple[np.ndarray, ...]  # [class], numbers or text
    bits: UInt8[np.ndarray, "image byte"] | None = None
    pixels: Pixels | Blocks | None = None
    material: dict[str, UInt8[np.ndarray, "..."]] = field(default_factory=dict)
    known_digest: str | None = None  # of images that a file has, which says it

    @cached_property
    def factor_sizes(self) -> tuple[int, ...]:
        """How many classes each factor has."""
        return tuple(len(values) for values in self.factor_values)

    @cached_property
    def stored(self) -> UInt8[np.ndarray, "image ..."]:
        """The images as they are kept: bits, or else pixels, all of them."""
        stored = self.pixels if self.bits is None else self.bits
        assert stored is not None  # see `misfit`
        return np.concatenate(list(stored.blocks())) if isinstance(stored, Blocks) else stored

    def in_blocks(self) -> Iterator[np.ndarray]:
        """The images as they are kept, some at a time."""
        if isinstance(self.pixels, Blocks):
            yield from self.pixels.blocks()
            return
        rows = max(1, BLOCK_BYTES // max(1, self.stored[0].nbytes))
        for first in range(0, len(self), rows):
            yield self.stored[first : first + rows]

    @cached_property
    def digest(self) -> str:
        """One word for the images, their factors and what these are called."""
        if self.known_digest:
            return self.known_digest
        whole = Digest(self)
        for block in self.in_blocks():
            whole.update(block)
        return whole.word

    def __len__(self) -> int:
        return len(self.factors)


class Digest:
    """The digest of images whose pixels pass by: nothing has to be in memory at once."""

    def __init__(self, images: Images):
        stored = images.pixels if images.bits is None else images.bits
        assert stored is not None
        self.hash = hashlib.sha256(repr((images.shape, images.factor_names)).encode())
        material = [array for _, array in sorted(images.material.items())]
        for array in (*material, images.factors.astype("<i8"), *images.factor_values):
            values = np.char.encode(array, "utf-8") if array.dtype.kind == "U" else array
            self._begin(values.shape, values.dtype)
            self.update(values)
        self._begin(stored.shape, stored.dtype)

    def _begin(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.hash.update(repr((tuple(shape), dtype.str)).encode())

    def update(self, array: np.ndarray) -> None:
        """Take the next values."""
        self.hash.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)

    @property
    def word(self) -> str:
        return self.hash.hexdigest()[:16]


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
    shape, kind = getattr(rows, "shape", ()), getattr(rows, "dtype", type(rows).__name__)
    if shape != expected or kind != np.uint8:
        return (
            f"it holds images as {kind} {shape}; its factors and its shape ask for uint8 {expected}"
        )
    return None


def _misfit_of_factors(images: Any) -> str | None:
    factors, names, values = np.asarray(images.factors), images.factor_names, images.factor_values
    if factors.shape[1:] != (len(names),) or len(values) != len(names):
        return "it has factors of another number than factor_names, or than factor_values"
    if not len(factors) or factors.dtype.kind not in "iu":
        return f"it has factors as {factors.dtype} {factors.shape}, where classes are expected"
    for name, classes, known in zip(names, factors.T, values, strict=True):
        if not 0 <= classes.min() <= classes.max() < len(known):
            return (
                f"the classes of {name!r} run from {classes.min()} to {classes.max()}, where its "
                f"{len(known)} values have 0 to {len(known) - 1}"
            )
    return None
