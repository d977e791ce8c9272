"""What a data set is; every other file in this folder is one.

A data set file defines a subclass of `Dataset` and names it `dataset`. Its fields are what a study
may set, checked when the study is read:

    dataset(image_size=32, posX={"stride": 2})

`label` and `reference` belong to the class. What a study's plan needs (`factors`, `sizes`, `size`,
`image_shape`, `files`) is answered from the fields alone; only `images()` makes or reads. A data
set that has not one image of every combination of classes says its own `size`; one without ground
truth has no factors.

A data set may be seen otherwise than it is stored: it says its `stored_shape`, and `render` makes
of stored images, where they are needed, those of `image_shape`. What it draws for them is handed
in: anew at every step of a training, one draw for each image where models are judged.

Training draws all images alike unless `weights` says otherwise; what is measured is measured on
all. The options that decide that alone, in `drawing`, alter no image.
"""

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import field_validator

if TYPE_CHECKING:  # whoever plans a study does not wait for torch
    from torch import Tensor

    from disentbench.models.pixel_noise import PixelNoise

from disentbench.errors import UserError
from disentbench.options import Options
from disentbench.storage import limits
from disentbench.storage.images import Images


class Dataset(Options):
    """The options of a data set, and what they make of it."""

    label: ClassVar[str]
    reference: ClassVar[str]
    renders: ClassVar[bool] = False  # whether `render` does anything
    reads_folders: ClassVar[bool] = False  # whether `files` are folders
    drawing: ClassVar[frozenset[str]] = frozenset()  # options that alter what training draws alone

    @field_validator("*")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        """Whatever option is a path is one that a file can have."""
        return limits.named(value) if isinstance(value, Path) else value

    @property
    def name(self) -> str:
        """The file that defines the data set."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def factors(self) -> dict[str, tuple[int, ...]]:
        """Each factor's name with the classes that are kept, the slowest factor first."""
        raise NotImplementedError

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width. (`shape` is a factor's name in more than one data set.)"""
        raise NotImplementedError

    @property
    def stored_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images that `images()` gives."""
        return self.image_shape

    def render(
        self, images: "Tensor", noise: "PixelNoise", material: "dict[str, Tensor]"
    ) -> "Tensor":
        """What a model sees of stored images [image, channel, height, width] in [0, 1].

        `noise("name", 3)` is uniform on [0, 1), [image, 3], another for each name; `material` is
        what `images()` has given besides the images, its bytes as values in [0, 1].
        """
        return images

    @property
    def files(self) -> tuple[Path, ...]:
        """What `images()` reads, `~` filled in: every option that is a path.

        Another content makes other images.
        """
        return tuple(limits.expanded(value) for _, value in self if isinstance(value, Path))

    @property
    def remedy(self) -> str:
        """What would do where one of its files is missing."""
        return "put it there or name one that is"

    def require_files(self) -> None:
        """Refuse files that are there and at a glance are not what is needed, with a UserError."""

    @property
    def rendering(self) -> dict[str, Any]:
        """The options that the images depend on, written out."""
        return self.model_dump(mode="json", exclude=set(self.drawing))

    @property
    def is_weighted(self) -> bool:
        """Whether training draws some images more often than others."""
        return False

    @property
    def holds_out(self) -> bool:
        """Whether training never draws some of the images."""
        return False

    def weights(
        self, factors: Int[np.ndarray, "image factor"]
    ) -> Float[np.ndarray, " image"] | None:
        """The probability with which training draws each image of these classes, 1 in sum.

        None where all are drawn alike, and then in epochs, if a study does not say otherwise.
        """
        return None

    def held_out(
        self, factors: Int[np.ndarray, "image factor"]
    ) -> Bool[np.ndarray, " image"] | None:
        """Which images of these classes training never draws; None where it may draw all."""
        return None

    @property
    def stamps(self) -> list[Any]:
        """Sizes and times of the files that are there; one that was moved there may be older than
        what it replaces."""
        stats = [path.stat() for path in self.files if os.path.exists(path)]
        return [(found.st_size, found.st_mtime_ns) for found in stats]

    def images(self) -> Images:
        """Render or read every image; the only method that takes time."""
        raise NotImplementedError

    @property
    def packed(self) -> bool:
        """Whether its images are binary, and stored eight pixels to a byte."""
        return False

    @property
    def bytes(self) -> int:
        """What its images take, on disk at most; those that are packed are read into memory."""
        pixels = prod(self.stored_shape)
        return self.size * ((pixels + 7) // 8 if self.packed else pixels)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many classes of each factor are kept."""
        return tuple(len(classes) for classes in self.factors.values())

    @property
    def varies(self) -> bool:
        """Whether there is ground truth to measure by: a factor with more than one class."""
        return any(size > 1 for size in self.sizes)

    @property
    def filled(self) -> dict[str, Any]:
        """Options that were told by files where a study has left them out, as they are written."""
        return {}

    @property
    def size(self) -> int:
        """The number of images; if a data set says nothing else, every combination of classes."""
        return prod(self.sizes)


def promised(dataset: Dataset, images: Images, where: str) -> Images:
    """The images, if they are as many and such as the plan of a study takes them to be."""
    for what, field, came, expected in (
        ("images", "size", len(images), dataset.size),
        ("channels, height and width", "stored_shape", images.shape, dataset.stored_shape),
        ("factors", "factors", images.factor_names, tuple(dataset.factors)),
        ("classes of its factors", "sizes", images.factor_sizes, dataset.sizes),
    ):
        if came != expected:
            raise UserError(
                f"{where} has {_words(came)} {what}, where `{field}` of the data set "
                f"{dataset.name!r} with these options is {_words(expected)}"
            )
    return images


def _words(value: Any) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)
