"""Color-dSprites: each sprite in a colour of its own, on black, drawn anew each time it is seen."""

from typing import TYPE_CHECKING, ClassVar

from disentbench.datasets.dsprites import Dsprites

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.models.pixel_noise import PixelNoise

VARIANTS = (
    "Locatello et al. 2019, arXiv:1811.12359; of Matthey, Higgins, Hassabis, Lerchner (2017), "
    "dSprites"
)


class DspritesColor(Dsprites):
    """x = s c for a binary sprite s and a colour c ~ U(0.5, 1) in each of three channels."""

    label: ClassVar[str] = "Color-dSprites"
    reference: ClassVar[str] = VARIANTS
    renders: ClassVar[bool] = True

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, self.image_size, self.image_size)

    @property
    def stored_shape(self) -> tuple[int, int, int]:
        """Those of the sprites."""
        return (1, self.image_size, self.image_size)

    def render(
        self, images: "Tensor", noise: "PixelNoise", material: "dict[str, Tensor]"
    ) -> "Tensor":
        """A colour for each image."""
        return images * (0.5 + 0.5 * noise("colour", 3, 1, 1))


dataset = DspritesColor
