"""Noisy-dSprites: white sprites on coloured noise, drawn anew each time they are seen."""

from typing import TYPE_CHECKING, ClassVar

from disentbench.datasets.dsprites_color import DspritesColor

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.models.pixel_noise import PixelNoise


class DspritesNoisy(DspritesColor):
    """x = min(s + n, 1) for a binary sprite s, and n ~ U(0, 1) of every pixel and channel."""

    label: ClassVar[str] = "Noisy-dSprites"

    def render(
        self, images: "Tensor", noise: "PixelNoise", material: "dict[str, Tensor]"
    ) -> "Tensor":
        """Noise wherever the sprite is not."""
        return (images + noise("noise", *self.image_shape)).clamp(max=1)


dataset = DspritesNoisy
