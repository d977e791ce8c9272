"""Each value is normal about the decoder's mean, with a fixed scale or a learned one."""

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from disentbench.likelihoods import Likelihood
from disentbench.options import Options

if TYPE_CHECKING:
    from torch import Tensor

Scale = Annotated[float, Field(ge=1e-3, le=100, allow_inf_nan=False)]  # a shade is 1 / 255


class Learned(Options):
    """A scale that the decoder gives: `learned_above`, plus the softplus of an output for it.

    That least scale keeps the density of what is black in all images finite.
    """

    learned_above: Scale = 0.01


def _form(scale: Any) -> str:
    return "[learned]" if isinstance(scale, dict | Learned) else "[number]"


# In brackets, as in pydantic's errors, is what stands in no file.
Forms = Annotated[Scale, Tag("[number]")] | Annotated[Learned, Tag("[learned]")]


class Gaussian(Likelihood):
    """-log p(x|z) = sum over values of (x - m)^2 / (2 s^2) + log s + log(2 pi) / 2.

    m is the sigmoid of the decoder's output. `scale` is s: a number, on the scale of images in
    [0, 1], or `learned`, for each value by itself; {learned_above: least} says its least as well.
    """

    label: ClassVar[str] = "Gaussian"
    reference: ClassVar[str] = "Kingma & Welling 2014, arXiv:1312.6114, appendix C.2"

    scale: Annotated[Forms, Discriminator(_form)] = 0.1

    @field_validator(
        "scale", mode="before", json_schema_input_type=Scale | Literal["learned"] | Learned
    )
    @classmethod
    def _learned(cls, scale: Any) -> Any:
        if isinstance(scale, str):
            if scale != "learned":
                raise ValueError(f"{scale!r} is no scale; write a number, or learned")
            return {}
        return scale

    @property
    def outputs(self) -> int:
        """The mean and, where it is learned, the scale."""
        return 2 if isinstance(self.scale, Learned) else 1

    @property
    def least(self) -> float:
        """That of a value that is decoded exactly, with the least scale."""
        scale = self.scale.learned_above if isinstance(self.scale, Learned) else self.scale
        return math.log(scale) + math.log(2 * math.pi) / 2

    def distortion(self, output: "Tensor", images: "Tensor") -> "Tensor":
        from disentbench.likelihoods._densities import gaussian

        return gaussian(self.mean(output), self._scale(output), images)

    def mean(self, output: "Tensor") -> "Tensor":
        return output[:, : output.shape[1] // self.outputs].sigmoid()

    def _scale(self, output: "Tensor") -> "Tensor | float":
        """s of each value, or of all."""
        import torch.nn.functional as F

        if not isinstance(self.scale, Learned):
            return self.scale
        return self.scale.learned_above + F.softplus(output[:, output.shape[1] // 2 :])


likelihood = Gaussian
