"""The convolutional network of the large-scale study of 2019."""

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


class ConvLocatello(Architecture):
    """Four convolutions of stride 2 and a dense layer of 256 features, mirrored to decode."""

    label = "conv (Locatello)"
    reference = "Locatello et al. 2019, table 1"
    multiple = 16

    channels: Width = 32
    hidden: Width = 256

    def encoder(self) -> tuple[Layer, ...]:
        few, many = self.channels, 2 * self.channels
        return (
            *(Conv(few, 4, 2), ReLU(), Conv(few, 4, 2), ReLU()),
            *(Conv(many, 2, 2), ReLU(), Conv(many, 2, 2), ReLU()),
            *(Reshape((-1,)), Dense(self.hidden), ReLU()),
        )

    def decoder(self, shape: Shape) -> tuple[Layer, ...]:
        few, many = self.channels, 2 * self.channels
        coarse = (many, shape[1] // 16, shape[2] // 16)
        return (
            *(Dense(self.hidden), ReLU(), Dense(prod(coarse)), ReLU(), Reshape(coarse)),
            *(Deconv(many, 4, 2), ReLU(), Deconv(few, 4, 2), ReLU(), Deconv(few, 4, 2), ReLU()),
            Deconv(shape[0], 4, 2),
        )


architecture = ConvLocatello
