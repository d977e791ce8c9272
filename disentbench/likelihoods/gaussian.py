"""Each value is normal about the decoder's mean, with a fixed scale or a learned one."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from disentbench.likelihoods import Likelihood

if TYPE_CHECKING:
    from torch import Tensor

Scale = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class Gaussian(Likelihood):
    """-log p(x|z) = sum over values of (x - m)^2 / (2 s^2) + log s + log(2 pi) / 2.

    m is the sigmoid of the decoder's output. `scale` is s: a number, on the scale of images in
    [0, 1], or `learned`: the decoder gives s for each value as well, least_scale + softplus of a
    second output. The least scale keeps the density of what is black in all images finite.
    """

    label: ClassVar[str] = "Gaussian"
    reference: ClassVar[str] = (
        "Kingma & Welling 2014, arXiv:1312.6114, appendix C.2; of a learned scale, Rybkin, "
        "Daniilidis & Levine 2021, arXiv:2006.13202"
    )

    scale: Scale | Literal["learned"] = 0.1
    least_scale: Scale = 0.01

    @property
    def outputs(self) -> int:
        """The mean and, where it is learned, the scale."""
        return 2 if self.scale == "learned" else 1

    def distortion(self, output: "Tensor", images: "Tensor") -> "Tensor":
        from disentbench.likelihoods._densities import gaussian

        return gaussian(self.mean(output), self._scale(output), images)

    def mean(self, output: "Tensor") -> "Tensor":
        return output[:, : output.shape[1] // self.outputs].sigmoid()

    def _scale(self, output: "Tensor") -> "Tensor | float":
        """s of each value, or of all."""
        import torch.nn.functional as F

        if self.scale != "learned":
            return self.scale
        return self.least_scale + F.softplus(output[:, output.shape[1] // 2 :])


likelihood = Gaussian
