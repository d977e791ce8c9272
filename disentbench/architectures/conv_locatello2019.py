"""The convolutional network of the large-scale study of 2019."""

from disentbench.architectures import Architecture, Conv, Deconv, Dense, ReLU, Reshape


class ConvLocatello(Architecture):
    """Four convolutions of stride 2 and a dense layer of 256 features, mirrored to decode."""

    label = "conv (Locatello)"
    reference = "Locatello et al. 2019, table 1"
    multiple = 16

    def encoder(self):
        return (
            *(Conv(32, 4, 2), ReLU(), Conv(32, 4, 2), ReLU()),
            *(Conv(64, 2, 2), ReLU(), Conv(64, 2, 2), ReLU()),
            *(Reshape((-1,)), Dense(256), ReLU()),
        )

    def decoder(self, shape):
        channels, height, width = shape
        seed = (64, height // 16, width // 16)
        return (
            *(Dense(256), ReLU(), Dense(seed[0] * seed[1] * seed[2]), ReLU(), Reshape(seed)),
            *(Deconv(64, 4, 2), ReLU(), Deconv(32, 4, 2), ReLU(), Deconv(32, 4, 2), ReLU()),
            Deconv(channels, 4, 2),
        )


architecture = ConvLocatello
