"""The convolutional network of Burgess et al., common among PyTorch implementations."""

from disentbench.architectures import Architecture, Conv, Deconv, Dense, ReLU, Reshape


class ConvBurgess(Architecture):
    """Convolutions of 32 channels down to 4 x 4 and two dense layers of 256, mirrored to decode."""

    label = "conv (Burgess)"
    reference = "Burgess et al. 2018, appendix A"
    multiple = 16

    def encoder(self):
        down = (Conv(32, 4, 2), ReLU())
        dense = (Dense(256), ReLU())
        return (*down, *down, *down, *down, Reshape((-1,)), *dense, *dense)

    def decoder(self, shape):
        channels, height, width = shape
        seed = (32, height // 16, width // 16)
        dense = (Dense(256), ReLU())
        up = (Deconv(32, 4, 2), ReLU())
        return (
            *(*dense, *dense, Dense(seed[0] * seed[1] * seed[2]), ReLU(), Reshape(seed)),
            *(*up, *up, *up, Deconv(channels, 4, 2)),
        )


architecture = ConvBurgess
