"""Images of one's own as arrays of a file, an .npz or an .h5, by these names:

images              [image, height, width], [image, height, width, channel] or
                    [image, channel, height, width]; one channel or three
factors             [image, factor]  whole numbers or text; without it there is no ground truth
factor_names        [factor]  text; without it factor0, factor1 and so on
factor_values/NAME  [class]  what the sorted classes of a factor stand for, numbers or text; without
                    it the classes themselves as they came

A factor's classes are the values that it has, sorted, text in the order of the alphabet; they need
not run from nought, and need not all be combined. Other arrays are not read.

`values` says what a pixel is: `bytes` of 0 to 255, numbers in the `unit` interval, which are kept
as the nearest of 256 shades, or `binary`, nought and one of any whole kind, kept as bits. `axes`
says where the channels are, if that cannot be seen.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

from disentbench.datasets._own_factors import Arrays, truth_of
from disentbench.datasets._own_images import (
    Contents,
    GroundTruth,
    OwnImages,
    contents,
    require_several,
    stamp,
    told_of,
)
from disentbench.errors import UserError
from disentbench.storage import limits
from disentbench.storage.images import BLOCK_BYTES, Blocks, Images

Axes = Literal["NHWC", "NCHW"] | None
Values = Literal["bytes", "unit", "binary"]
AXES = {"NHWC": 3, "NCHW": 1}  # which axis has the channels
CHANNELS = (1, 3)
KINDS = {"bytes": "u", "unit": "f", "binary": "biu"}


Opener = Callable[[Path], AbstractContextManager[Arrays]]


class Layout(NamedTuple):
    """Where the axes of images are, and their shape: channels, height and width."""

    images: int
    shape: tuple[int, int, int]
    channel_axis: int | None = None


class OwnArrays(OwnImages):
    """Images in the arrays of one file, which `opened` opens."""

    opened: ClassVar[Opener]

    values: Values = "bytes"
    axes: Axes = None

    @property
    def packed(self) -> bool:
        """Whether they are kept as bits."""
        return self.values == "binary"

    def look(self) -> Contents:
        """The contents of the file, of which the factors alone are read."""
        (path,) = self.files
        return _seen(type(self).opened, path, stamp(path), self.values, self.axes)

    def images(self) -> Images:
        """Read the factors, and the images if they are kept as bits; others stay in the file."""
        (path,) = self.files
        with type(self).opened(path) as arrays:
            layout, truth = _layout(path, arrays, self.values, self.axes), truth_of(path, arrays)
        self._require_known(_contents(path, layout, truth))
        channels, height, width = layout.shape
        blocks = partial(_blocks, type(self).opened, path, self.values, layout)
        stored: dict[str, Any] = (
            {"bits": _packed(path, layout, blocks())}
            if self.values == "binary"
            else {"pixels": Blocks((layout.images, height, width, channels), blocks)}
        )
        return Images(
            name=self.name,
            label=self.label,
            shape=layout.shape,
            factors=truth.factors,
            factor_names=truth.names,
            factor_values=truth.values,
            **stored,
        )


@cache
def _seen(
    opened: Opener, path: Path, _stamp: tuple[int, int, int], values: Values, axes: Axes
) -> Contents:
    """The contents of a file, looked at once as long as it stays as it is."""
    with opened(path) as arrays:
        layout, truth = _layout(path, arrays, values, axes), truth_of(path, arrays)
    return _contents(path, layout, truth)


def _contents(path: Path, layout: Layout, truth: GroundTruth) -> Contents:
    return contents(path, images=layout.images, shape=layout.shape, factors=truth.sizes)


def _layout(path: Path, arrays: Arrays, values: Values, axes: Axes) -> Layout:
    """How the images of a file lie, or a UserError that names the file."""
    with told_of(path):
        if "images" not in (there := arrays.names()):
            held = ", ".join(there[:20]) or "nothing"
            raise UserError(f"it has no array 'images'; it holds {held}")
        shape, kind = arrays.claimed("images")
        require_kind(kind, values)
        layout = layout_of(shape, axes)
        arrays.require_blocks("images")
        return layout


def layout_of(shape: tuple[int, ...], axes: Axes = None) -> Layout:
    """Which axes of images are which, from their sizes where only one reading is possible."""
    if len(shape) not in (3, 4):
        raise UserError(
            f"its images have the shape {shape}; [image, height, width] will do, with the channels "
            "last or second"
        )
    require_several(shape[0])
    axis = _channel_axis(shape, axes) if len(shape) == 4 else None
    height, width = (size for i, size in enumerate(shape) if i not in (0, axis))
    return Layout(shape[0], (1 if axis is None else shape[axis], height, width), axis)


def _channel_axis(shape: tuple[int, ...], axes: Axes) -> int:
    possible = [name for name, axis in AXES.items() if shape[axis] in CHANNELS]
    if axes is not None and axes not in possible:
        raise UserError(
            f"its images have the shape {shape}, and with `axes: {axes}` {shape[AXES[axes]]} "
            "channels; 1 or 3 will do"
        )
    if not possible:
        four = "; of red, green, blue and alpha, drop alpha" if 4 in (shape[1], shape[3]) else ""
        raise UserError(
            f"its images have the shape {shape}, in which neither the second axis nor the last has "
            f"1 or 3 channels{four}"
        )
    if axes is None and len(possible) > 1:
        raise UserError(
            f"its images have the shape {shape}, in which both the second axis and the last may be "
            "channels; say `axes: NHWC` or `axes: NCHW`"
        )
    return AXES[axes or possible[0]]


def require_kind(kind: np.dtype, values: Values) -> None:
    """Refuse pixels that are not what `values` says."""
    if kind.kind in KINDS[values] and (values != "bytes" or kind.itemsize == 1):
        return
    remedy = "store them as uint8, from 0 to 255"
    if kind.kind == "b":
        remedy = "say `values: binary`"
    elif kind.kind == "f":
        remedy = "say `values: unit` if they run from 0 to 1"
    elif kind == np.uint8:
        remedy = "say `values: bytes`, the default"
    raise UserError(f"its images hold {kind}, where `values` is {values}; {remedy}")


def _blocks(
    opened: Opener, path: Path, values: Values, layout: Layout
) -> Iterator[UInt8[np.ndarray, "image height width channel"]]:
    """The images as bytes, a block at a time; what is no pixel is named by its row."""
    size, first = BLOCK_BYTES, 0
    with opened(path) as arrays:
        _, kind = arrays.claimed("images")
        if values == "unit":  # as float64 on the way
            size = BLOCK_BYTES * kind.itemsize // 8
        for raw in arrays.blocks("images", size):
            with told_of(path):
                shades = as_bytes(raw, values, first)
            first += len(raw)
            yield channels_last(shades, layout.channel_axis)


def channels_last(
    images: UInt8[np.ndarray, "image ..."], channel_axis: int | None
) -> UInt8[np.ndarray, "image height width channel"]:
    """Images with their channels as the last axis."""
    if channel_axis is None:
        return images[..., None]
    return np.ascontiguousarray(np.moveaxis(images, channel_axis, -1))


def as_bytes(raw: np.ndarray, values: Values, first: int = 0) -> UInt8[np.ndarray, "image ..."]:
    """The pixels of images [image, ...] as bytes; `first` is the row of the first image."""
    if values == "bytes":
        return raw
    if values == "binary":
        _require_pixels(raw, (raw == 0) | (raw == 1), first, "`values: binary` takes 0 and 1")
        return raw.astype(np.uint8)
    _require_pixels(raw, (raw >= 0) & (raw <= 1), first, "`values: unit` takes numbers from 0 to 1")
    scaled = np.multiply(raw, 255, dtype=np.float64)
    return np.rint(scaled, out=scaled).astype(np.uint8)


def _require_pixels(raw: np.ndarray, sound: np.ndarray, first: int, taken: str) -> None:
    whole = sound.reshape(len(raw), -1).all(axis=1)
    if not whole.all():
        row = int(whole.argmin())
        odd = raw[row][~sound[row]].flat[0]
        raise UserError(f"its images hold {odd:.6g} in row {first + row}; {taken}")


def _packed(
    path: Path, layout: Layout, blocks: Iterator[np.ndarray]
) -> UInt8[np.ndarray, "image byte"]:
    """Images of 0 and 1, eight pixels to a byte, channel after channel."""
    width = (prod(layout.shape) + 7) // 8
    if (size := layout.images * width) > limits.physical():
        raise UserError(f"{path} would take {limits.shown(size)} of memory, more than there is")
    bits, first = np.empty((layout.images, width), np.uint8), 0
    for block in blocks:
        rows = block.transpose(0, 3, 1, 2).reshape(len(block), -1)
        bits[first : first + len(block)] = np.packbits(rows, axis=1)
        first += len(block)
    return bits
