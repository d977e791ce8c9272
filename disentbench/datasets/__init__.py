"""What a data set is; every other file in this folder is one.

A data set file defines a subclass of `Dataset` and names it `dataset`. Its fields are what a study
may set, checked when the study is read:

    dataset(image_size=32, posX={"stride": 2})

`label` and `reference` belong to the class. What a study's plan needs (`factors`, `sizes`, `size`,
`image_shape`, `files`) is answered from the fields alone; only `images()` renders or reads. A data
set that has not one image of every combination of classes says its own `size`.
"""

from math import prod
from pathlib import Path
from typing import Any, ClassVar

from disentbench.errors import UserError
from disentbench.options import Options
from disentbench.storage.images import Images


class Dataset(Options):
    """The options of a data set, and what they make of it."""

    label: ClassVar[str]
    reference: ClassVar[str]

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
    def files(self) -> tuple[Path, ...]:
        """What `images()` reads, `~` filled in: every option that is a path.

        Another content makes other images.
        """
        return tuple(value.expanduser() for _, value in self if isinstance(value, Path))

    def images(self) -> Images:
        """Render or read every image; the only method that takes time."""
        raise NotImplementedError

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many classes of each factor are kept."""
        return tuple(len(classes) for classes in self.factors.values())

    @property
    def size(self) -> int:
        """The number of images; if a data set says nothing else, every combination of classes."""
        return prod(self.sizes)


def promised(dataset: Dataset, images: Images, where: str) -> Images:
    """The images, if they are as many and such as the plan of a study takes them to be."""
    for what, field, came, expected in (
        ("images", "size", len(images), dataset.size),
        ("channels, height and width", "image_shape", images.shape, dataset.image_shape),
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
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
