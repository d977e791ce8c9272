"""Each value has a Laplace distribution about the decoder's mean: the L1 loss as a density."""

import math
from typing import TYPE_CHECKING, ClassVar

from disentbench.likelihoods import Likelihood
from disentbench.likelihoods.gaussian import Scale

if TYPE_CHECKING:
    from torch import Tensor


class Laplace(Likelihood):
    """-log p(x|z) = sum over values of |x - m| / b + log(2 b).

    m is the sigmoid of the decoder's output, `scale` is b, on the scale of images in [0, 1].
    """

    label: ClassVar[str] = "Laplace"
    reference: ClassVar[str] = "Laplace's law, with the decoder's output in the place of the median"

    scale: Scale = 0.1

    @property
    def least(self) -> float:
        """That of a value that is decoded exactly."""
        return math.log(2 * self.scale)

    def distortion(self, output: "Tensor", images: "Tensor") -> "Tensor":
        from disentbench.likelihoods._densities import laplace

        return laplace(self.mean(output), self.scale, images)

    def mean(self, output: "Tensor") -> "Tensor":
        return output.sigmoid()


likelihood = Laplace
