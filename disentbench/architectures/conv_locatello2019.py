"""The convolutional network of the large-scale study of 2019."""

from math import prod
from typing import Annotated, Literal

from disentbench.architectures import (
    Architecture,
    Conv,
    Deconv,
    Dense,
    Layer,
    ReLU,
    Reshape,
    Shape,
    Width,
)
from disentbench.options import SINCE


class ConvLocatello(Architecture):
    """Four convolutions of stride 2 and a dense layer of 256 features, mirrored to decode.

    The kernels of the encoder's last two convolutions, `last_kernels`, are of size 2 in the
    published code and of size 4 in the paper's table; the decoder's are of size 4 in both.
    """

    label = "conv (Locatello)"
    reference = "Locatello et al. 2019, authors' code"
    multiple = 16

    channels: Width = 32
    hidden: Width = 256
    last_kernels: Annotated[Literal[2, 4], SINCE] = 2

    def encoder(self) -> tuple[Layer, ...]:
        first = (Conv(self.channels, 4, 2), ReLU())
        last = (Conv(2 * self.channels, self.last_kernels, 2), ReLU())
        return (*first, *first, *last, *last, Reshape((-1,)), Dense(self.hidden), ReLU())

    def decoder(self, shape: Shape) -> tuple[Layer, ...]:
        few, many = self.channels, 2 * self.channels
        coarse = (many, shape[1] // 16, shape[2] // 16)
        return (
            *(Dense(self.hidden), ReLU(), Dense(prod(coarse)), ReLU(), Reshape(coarse)),
            *(Deconv(many, 4, 2), ReLU(), Deconv(few, 4, 2), ReLU(), Deconv(few, 4, 2), ReLU()),
            Deconv(shape[0], 4, 2),
        )


architecture = ConvLocatello
