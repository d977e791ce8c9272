"""Images that somebody has in memory: as a data set to train on, and as a model sees them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from disentbench.architectures import Shape
from disentbench.datasets._own_arrays import as_bytes, channels_last, layout_of
from disentbench.datasets._own_factors import truth_of
from disentbench.datasets._own_images import contents, told_of
from disentbench.errors import UserError
from disentbench.posterior.from_arrays import from_anywhere
from disentbench.storage.images import Images

HELD = Path("arrays in memory")  # where a file would have its path
OTHERWISE = "bring uint8 from 0 to 255, floats from 0 to 1, or true and false"


class Held:
    """Arrays in memory, read as those of an .npz file are."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        self.arrays = arrays

    def names(self) -> list[str]:
        """The arrays that are there."""
        return list(self.arrays)

    def claimed(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """The shape and the kind of an array."""
        return self.arrays[name].shape, self.arrays[name].dtype

    def read(self, name: str) -> np.ndarray:
        """The whole of an array."""
        return self.arrays[name]

    def require_blocks(self, name: str) -> None:
        """Any array in memory can be read part by part."""

    def blocks(self, name: str, size: int) -> Iterator[np.ndarray]:
        """An array at once: it is in memory as it is."""
        yield self.arrays[name]


def as_dataset(
    images: ArrayLike, factors: ArrayLike | None, factor_names: Sequence[str]
) -> tuple[tuple[str, dict[str, Any]], Images]:
    """A data set `npz` by its name and options, and the images that a file of these would hold.

    `images` [image, height, width] or [image, height, width, channel] are whatever `kind_of`
    takes; whole numbers or text are `factors` [image, factor].
    """
    pixels = from_anywhere(images)
    arrays = {"images": pixels}
    if factors is not None:
        arrays["factors"] = from_anywhere(factors)
    if len(factor_names):
        arrays["factor_names"] = np.array(list(map(str, factor_names)))
    with told_of(HELD):
        values = kind_of(pixels)
        layout = layout_of(pixels.shape, "NHWC")
        shades = channels_last(as_bytes(pixels, values), layout.channel_axis)
    truth = truth_of(HELD, Held(arrays))
    found = contents(HELD, images=len(shades), shape=layout.shape, factors=truth.sizes)
    stored: dict[str, Any] = {"pixels": np.ascontiguousarray(shades)}
    if values == "binary":
        channel_first = shades.transpose(0, 3, 1, 2).reshape(len(shades), -1)
        stored = {"bits": np.packbits(channel_first, axis=1)}
    options: dict[str, Any] = {"of": "npz", "path": str(HELD), "values": values}
    options["contents"] = found.model_dump(mode="json")
    return ("images", options), Images(
        name="npz",
        label="Images in memory",
        shape=layout.shape,
        factors=truth.factors,
        factor_names=truth.names,
        factor_values=truth.values,
        **stored,
    )


def kind_of(images: np.ndarray) -> Any:
    """What the values of a data set of such images are, in the words of `_own_arrays`.

    Bytes of nought and one alone are refused: they may be meant as black and white, or as black.
    """
    if images.dtype == np.uint8 and images.size and images.max() == 1:
        raise UserError(
            "its images are bytes of 0 and 1, where white is 255; of black and white make true and "
            "false, images.astype(bool)"
        )
    kind = {"u": "bytes", "f": "unit", "b": "binary"}.get(images.dtype.kind)
    if kind is None or (kind == "bytes" and images.dtype != np.uint8):
        raise UserError(f"its images hold {images.dtype}; {OTHERWISE}")
    return kind


def as_seen(
    images: ArrayLike, shape: Shape, most: int
) -> Iterator[Float[np.ndarray, "image channel height width"]]:
    """Images in [0, 1] as a model takes those of this shape, at most so many at a time.

    `shape` is channels, height and width; they come as [image, height, width, channel], of one
    channel without it, too.
    """
    pixels = from_anywhere(images)
    kind = _kind_seen(pixels, shape)
    channels, height, width = shape
    for first in range(0, len(pixels), most):
        block = pixels[first : first + most].astype(np.float32)
        block = block / np.float32(255) if kind == "bytes" else block
        yield block.reshape(len(block), height, width, channels).transpose(0, 3, 1, 2)


def _kind_seen(pixels: np.ndarray, shape: Shape) -> str:
    """What the values of images are, if a model of this shape can see them."""
    channels, height, width = shape
    expected = [(height, width, channels), *[(height, width)] * (channels == 1)]
    if pixels.shape[1:] not in expected or not len(pixels):
        words = " or ".join(f"[image, {', '.join(map(str, sides))}]" for sides in expected)
        raise UserError(f"images have the shape {pixels.shape}; this model takes {words}")
    with told_of(HELD):
        kind = kind_of(pixels)
    if kind == "unit" and not ((pixels >= 0) & (pixels <= 1)).all():
        raise UserError(f"images run from {pixels.min():.6g} to {pixels.max():.6g}; {OTHERWISE}")
    return kind


def as_pictures(
    tiles: Float[np.ndarray, "image channel height width"],
) -> Float[np.ndarray, "image height width channel"]:
    """What a model gives or sees, with the channels last, as plots take them."""
    return np.ascontiguousarray(tiles.transpose(0, 2, 3, 1))
