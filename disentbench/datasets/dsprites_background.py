"""dSprites before a picture: a random window of it, its colours shifted, anew for each sight.

It is the kind of data set that the study of 2019 calls Scream-dSprites, after the painting that is
its picture. Which picture it is, and how large, decides the data set; here it is one of our own
making, or the user's.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float, UInt8
from pydantic import field_validator

from disentbench.datasets._own_folder import pixels, shape_of
from disentbench.datasets.dsprites_color import DspritesColor
from disentbench.errors import UserError
from disentbench.options import a_path
from disentbench.seeds import generator
from disentbench.storage.images import Images

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.models.pixel_noise import PixelNoise

HEIGHT, WIDTH = 240, 320  # of our picture
WAVES = 24
MOST_PIXELS = 2**26  # of a user's


class DspritesBackground(DspritesColor):
    """Behind the sprite (w + u) / 2, where the sprite is its complement 1 - (w + u) / 2.

    w is a random window of the picture, u ~ U(0, 1) one number in each channel of an image.
    `picture` names another picture, PNG or JPEG, grey or RGB of 8 bits; it is taken as large as it
    is.
    """

    label: ClassVar[str] = "dSprites before a picture"

    picture: Path | None = None

    @field_validator("picture", mode="before")
    @classmethod
    def _a_path(cls, path: Any) -> Any:
        return path if path is None else a_path(path, "a PNG or JPEG file")

    def images(self) -> Images:
        """The sprites, and the picture to be put behind them."""
        sprites = super().images()
        picture = read_picture(self.files[0], self.image_size) if self.files else our_picture()
        sprites.material["picture"] = picture
        return sprites

    def require_files(self) -> None:
        """Refuse a picture that cannot be put behind the sprites, as its header says."""
        for path in self.files:
            require_size(path, self.image_size)

    def render(
        self, images: "Tensor", noise: "PixelNoise", material: "dict[str, Tensor]"
    ) -> "Tensor":
        """A window and a shift for each image."""
        window = self._windows(noise("window", 2), material["picture"])
        behind = (window + noise("shift", 3, 1, 1)) / 2
        return images + behind - 2 * images * behind

    def _windows(self, place: "Tensor", picture: "Tensor") -> "Tensor":
        """Windows [image, 3, size, size] of a picture, uniform over all that there are."""
        import torch

        size = self.image_size
        steps = torch.arange(size, device=place.device)
        row, column = (
            (place[:, i, None] * (picture.shape[i] - size + 1)).long() + steps for i in (0, 1)
        )
        return picture[row[:, :, None], column[:, None, :]].permute(0, 3, 1, 2)


dataset = DspritesBackground


def our_picture() -> UInt8[np.ndarray, "height width 3"]:
    """A picture of bent, coloured waves, the same always: smooth shapes at many scales."""
    rng = generator(0, "the picture behind dSprites")
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / HEIGHT
    bent = _waves(rng, x, y, 1.0)
    channels = [_waves(rng, x + 0.15 * bent, y - 0.1 * bent, 1.5) for _ in range(3)]
    shades = 0.5 + 0.5 * np.tanh(1.2 * (np.stack(channels, axis=-1) + 0.6 * bent[..., None]))
    return np.rint(255 * shades).astype(np.uint8)


def _waves(
    rng: np.random.Generator,
    x: Float[np.ndarray, "height width"],
    y: Float[np.ndarray, "height width"],
    roughness: float,
) -> Float[np.ndarray, "height width"]:
    """A sum of plane waves in random directions, the shorter the weaker; of unit variance."""
    total = np.zeros_like(x)
    for _ in range(WAVES):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        frequency = rng.uniform(0.5, 8 * roughness)
        along = np.cos(angle) * x + np.sin(angle) * y
        total += np.sin(2 * np.pi * frequency * along + phase) / frequency
    return (total - total.mean()) / total.std()


def read_picture(path: Path, least: int) -> UInt8[np.ndarray, "height width 3"]:
    """A user's picture, grey or RGB, of at least so many pixels on each side."""
    require_size(path, least)
    picture = pixels(path)
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def require_size(path: Path, least: int) -> None:
    """Refuse a picture whose header says that it is too small or too large, or that it is none."""
    _, height, width = shape_of(path)
    if width * height > MOST_PIXELS or min(width, height) < least:
        raise UserError(
            f"{path} has {width} x {height} pixels; a picture needs at least {least} on each side, "
            f"and at most {MOST_PIXELS:,} in all"
        )
