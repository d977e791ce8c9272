"""What a likelihood is; every other file in this folder is one.

A likelihood file defines a subclass of `Likelihood` and names it `likelihood`. Its fields are what
a study may set. The decoder gives `outputs` numbers for each value of an image, each lot of them
in channels of its own: [image, outputs x channel, height, width]. Until it computes it is plain
data, and torch is not imported.
"""

import math
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

    def ends(self, values: int) -> tuple[float, float]:
        """By what a loss on so many values is judged: the least distortion that there is, and what
        may be added to it in any case, both in nats per image (posterior/divergence.py).

        Of a density the least is that of an image that is decoded exactly.
        """
        least = self.least
        return (0.0, 0.0) if least is None else (values * least, values * math.log(2))

    @property
    def least(self) -> float | None:
        """The least distortion of a value, in nats, if this is a density; else None."""
        return None

    def mean(self, output: "Tensor") -> "Tensor":
        """E[x | z] [image, channel, height, width], for pictures."""
        raise NotImplementedError
