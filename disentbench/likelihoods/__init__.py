"""What a likelihood is; every other file in this folder is one.

A likelihood file defines a subclass of `Likelihood` and names it `likelihood`. Its fields are what
a study may set. The decoder gives `outputs` numbers for each value of an image, each lot of them
in channels of its own: [image, outputs x channel, height, width]. Until it computes it is plain
data, and torch is not imported.
"""

from typing import TYPE_CHECKING, ClassVar

from disentbench.options import Options

if TYPE_CHECKING:
    from torch import Tensor


class Likelihood(Options):
    """p(x | z) of an image's values, which lie in [0, 1] and are independent given z."""

    label: ClassVar[str]
    reference: ClassVar[str]

    @property
    def outputs(self) -> int:
        """How many numbers the decoder gives for each value."""
        return 1

    def distortion(self, output: "Tensor", images: "Tensor") -> "Tensor":
        """-log p(x | z) [image], in nats per image, summed over pixels and channels.

        `output` is the decoder's [image, outputs x channel, height, width], `images` are [image,
        channel, height, width]. That of a density may be negative.
        """
        raise NotImplementedError

    def mean(self, output: "Tensor") -> "Tensor":
        """E[x | z] [image, channel, height, width], for pictures."""
        raise NotImplementedError
