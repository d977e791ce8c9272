"""What an architecture is: an encoder and a decoder as tuples of layers, read like a paper's table.

A layer is one class, which says all of it: a new one is written here, or beside the architecture
that has it. Until it computes it is plain data, and torch is not imported. Images are [channel,
height, width].
"""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from disentbench.options import Options

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
Width = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True)
class Layer:
    """What a network computes in one step, of a batch [image, ...]; a shape is that of one image.

    A layer says how it computes, and whatever else is not as here.
    """

    def out_shape(self, shape: Shape) -> Shape:
        """The shape that it makes of an input of this shape."""
        return shape

    def weight_shape(self, shape: Shape) -> Shape | None:
        """The shape of its weight for such an input, or None where it has none."""
        return None

    def bias_shape(self, shape: Shape) -> Shape:
        """The shape of the bias beside a weight: a number for each unit or channel it makes."""
        return self.out_shape(shape)[:1]

    def __call__(self, *tensors: Any, **_: Any) -> "Tensor":
        """What it makes of x, or of x, weight and bias.

        With a weight that is a new tensor, which the next layer may overwrite: its own gradient
        must not need it.
        """
        raise NotImplementedError

    def overwriting(self, x: "Tensor") -> "Tensor":
        """What it makes of an x that nobody else needs, in its place where that saves time."""
        return self(x)


@dataclass(frozen=True)
class Dense(Layer):
    """An affine map to so many units."""

    units: int

    def out_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def weight_shape(self, shape: Shape) -> Shape:
        return (self.units, shape[0])

    def __call__(self, x: "Tensor", weight: "Tensor", bias: "Tensor") -> "Tensor":
        import torch.nn.functional as F

        return F.linear(x, weight, bias)


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution, padded so that a stride of 2 halves the image."""

    channels: int
    kernel: int
    stride: int

    def out_shape(self, shape: Shape) -> Shape:
        return (self.channels, shape[1] // self.stride, shape[2] // self.stride)

    def weight_shape(self, shape: Shape) -> Shape:
        return (self.channels, shape[0], self.kernel, self.kernel)

    def __call__(self, x: "Tensor", weight: "Tensor", bias: "Tensor") -> "Tensor":
        import torch.nn.functional as F

        return F.conv2d(x, weight, bias, self.stride, _padding(self))


@dataclass(frozen=True)
class Deconv(Layer):
    """A transposed convolution, padded so that a stride of 2 doubles the image."""

    channels: int
    kernel: int
    stride: int

    def out_shape(self, shape: Shape) -> Shape:
        return (self.channels, shape[1] * self.stride, shape[2] * self.stride)

    def weight_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.channels, self.kernel, self.kernel)

    def __call__(self, x: "Tensor", weight: "Tensor", bias: "Tensor") -> "Tensor":
        from disentbench.architectures._convolutions import transposed

        return transposed(x, weight, bias, self.stride, _padding(self))


def _padding(layer: Conv | Deconv) -> int:
    """What makes a stride halve or double the image exactly."""
    return (layer.kernel - layer.stride) // 2


@dataclass(frozen=True)
class Reshape(Layer):
    """Another shape of the numbers; (-1,) flattens."""

    shape: Shape

    def out_shape(self, shape: Shape) -> Shape:
        return (prod(shape),) if self.shape == (-1,) else self.shape

    def __call__(self, x: "Tensor") -> "Tensor":
        return x.reshape(x.shape[0], *self.shape)


@dataclass(frozen=True)
class ReLU(Layer):
    """max(x, 0)."""

    def __call__(self, x: "Tensor") -> "Tensor":
        return x.relu()

    def overwriting(self, x: "Tensor") -> "Tensor":
        return x.relu_()


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """max(x, 0) + slope min(x, 0), of a slope that is not negative; Maas et al. 2013."""

    slope: float = 0.2

    def __call__(self, x: "Tensor") -> "Tensor":
        import torch.nn.functional as F

        return F.leaky_relu(x, self.slope)

    def overwriting(self, x: "Tensor") -> "Tensor":
        import torch.nn.functional as F

        return F.leaky_relu_(x, self.slope)


@dataclass(frozen=True)
class Tanh(Layer):
    """tanh(x)."""

    def __call__(self, x: "Tensor") -> "Tensor":
        return x.tanh()


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
