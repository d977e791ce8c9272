"""Each value is a coin's: the choice for binary images, and the field's habit for all others."""

from typing import TYPE_CHECKING, ClassVar

from disentbench.likelihoods import Likelihood

if TYPE_CHECKING:
    from torch import Tensor


class Bernoulli(Likelihood):
    """-log p(x|z) = sum over values of log(1 + exp(l)) - x l, of a logit l for each.

    For values between 0 and 1 it is the cross-entropy, which no density normalises.
    """

    label: ClassVar[str] = "Bernoulli"
    reference: ClassVar[str] = "Kingma & Welling 2014, arXiv:1312.6114, appendix C.1"

    def distortion(self, output: "Tensor", images: "Tensor") -> "Tensor":
        from disentbench.likelihoods._densities import bernoulli

        return bernoulli(output, images)

    def mean(self, output: "Tensor") -> "Tensor":
        return output.sigmoid()


likelihood = Bernoulli
