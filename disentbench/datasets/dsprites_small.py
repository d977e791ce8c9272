"""dSprites on a coarser grid and a smaller canvas: 4,608 images of 32 x 32 for the demo."""

from typing import ClassVar

from disentbench.datasets._grid import Classes
from disentbench.datasets.dsprites import Dsprites


class DspritesSmall(Dsprites):
    """All shapes and scales, upright, at every second position; each default may be overridden."""

    label: ClassVar[str] = "dSprites, small"

    orientation: Classes = (0,)
    posX: Classes = tuple(range(0, 32, 2))  # noqa: N815
    posY: Classes = tuple(range(0, 32, 2))  # noqa: N815
    image_size: int = 32


dataset = DspritesSmall
