"""What an architecture is: an encoder and a decoder as tuples of layers, read like a paper's table.

The layers are plain data; `models/layers.py` computes with them. Images are [channel, height,
width].
"""

from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from disentbench.options import Options

Shape = tuple[int, ...]
Width = Annotated[int, Field(ge=1, le=100_000)]


class Dense(NamedTuple):
    """An affine map to so many units."""

    units: int


class Conv(NamedTuple):
    """A convolution, padded so that a stride of 2 halves the image."""

    channels: int
    kernel: int
    stride: int


class Deconv(NamedTuple):
    """A transposed convolution, padded so that a stride of 2 doubles the image."""

    channels: int
    kernel: int
    stride: int


class Reshape(NamedTuple):
    """Another shape of the numbers; (-1,) flattens."""

    shape: Shape


class ReLU(NamedTuple):
    """max(x, 0)."""


class Tanh(NamedTuple):
    """tanh(x)."""


Layer = Dense | Conv | Deconv | Reshape | ReLU | Tanh


class Architecture(Options):
    """An encoder from an image to features and a decoder from latents to pixel logits.

    The affine map from the features to the posterior's parameters is added by the model. Fields
    are the options that a study may set; `multiple` is what image sides must be a multiple of.
    """

    label: ClassVar[str]
    reference: ClassVar[str]
    multiple: ClassVar[int] = 1

    def encoder(self) -> tuple[Layer, ...]:
        """Layers from an image to features."""
        raise NotImplementedError

    def decoder(self, shape: Shape) -> tuple[Layer, ...]:
        """Layers from the latents to the logits of an image of this shape."""
        raise NotImplementedError

    def check(self, shape: Shape) -> None:
        """Raise a ValueError unless images of this shape fit."""
        if any(side % self.multiple for side in shape[1:]):
            sides = "x".join(str(side) for side in shape[1:])
            raise ValueError(
                f"images of {sides} do not fit; their sides must be multiples of {self.multiple}"
            )
