"""The convolutional network of Burgess et al., common among PyTorch implementations."""

from math import prod

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


class ConvBurgess(Architecture):
    """Convolutions of 32 channels down to 4 x 4 and two dense layers of 256, mirrored to decode."""

    label = "conv (Burgess)"
    reference = "Burgess et al. 2018, appendix A"
    multiple = 16

    channels: Width = 32
    hidden: Width = 256

    def encoder(self) -> tuple[Layer, ...]:
        down = (Conv(self.channels, 4, 2), ReLU())
        dense = (Dense(self.hidden), ReLU())
        return (*down, *down, *down, *down, Reshape((-1,)), *dense, *dense)

    def decoder(self, shape: Shape) -> tuple[Layer, ...]:
        coarse = (self.channels, shape[1] // 16, shape[2] // 16)
        dense = (Dense(self.hidden), ReLU())
        up = (Deconv(self.channels, 4, 2), ReLU())
        return (
            *(*dense, *dense, Dense(prod(coarse)), ReLU(), Reshape(coarse)),
            *(*up, *up, *up, Deconv(shape[0], 4, 2)),
        )


architecture = ConvBurgess
