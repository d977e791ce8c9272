"""The fully connected network of the beta-TCVAE authors' dSprites experiments."""

from math import prod

from disentbench.architectures import Architecture, Dense, Layer, ReLU, Reshape, Shape, Tanh, Width


class MLP(Architecture):
    """pixels-1200-1200-z with ReLU, z-1200-1200-1200-pixels with tanh."""

    label = "MLP"
    reference = "Chen et al. 2018, authors' code"

    hidden: Width = 1200

    def encoder(self) -> tuple[Layer, ...]:
        return (Reshape((-1,)), Dense(self.hidden), ReLU(), Dense(self.hidden), ReLU())

    def decoder(self, shape: Shape) -> tuple[Layer, ...]:
        hidden = (Dense(self.hidden), Tanh())
        return (*hidden, *hidden, *hidden, Dense(prod(shape)), Reshape(shape))


architecture = MLP
