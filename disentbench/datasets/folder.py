"""Images of one's own as PNG and JPEG files in a folder, their factors in its factors.csv.

The first column of factors.csv is `image` or `file`, the name of an image in the folder, and every
other column is a factor: whole numbers or text, whose classes are the sorted values that there are.
Without it all .png, .jpg and .jpeg files of the folder, sorted by name, are images without factors.

Images are grey or RGB, all of them alike, and of one size; `image_size` scales each to a height and
width whatever its proportions. Pixels are taken as they are stored, whatever EXIF says of turning
them. A palette becomes RGB; transparent images and those of 16 bits are refused.
"""

import hashlib
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from jaxtyping import UInt8
from numpy import ndarray, stack
from pydantic import field_validator

from disentbench.datasets import _own_folder
from disentbench.datasets._own_folder import FACTORS, Listing, listed, shape_of
from disentbench.datasets._own_images import (
    LONGEST_SIDE,
    Contents,
    GroundTruth,
    OwnImages,
    Side,
    contents,
    stamp,
)
from disentbench.errors import UserError
from disentbench.options import is_whole, shown
from disentbench.storage.images import BLOCK_BYTES, Blocks, Images

Shape = tuple[int, int, int]
Sides = tuple[Side, Side]


class Folder(OwnImages):
    """The images of a folder; `image_size` is one number or [height, width]."""

    label: ClassVar[str] = "Images of a folder"
    reference: ClassVar[str] = "Files of one's own."
    reads_folders: ClassVar[bool] = True

    image_size: Sides | None = None

    @field_validator("image_size", mode="before", json_schema_input_type=Sides | Side | None)
    @classmethod
    def _both_sides(cls, size: Any) -> Any:
        if isinstance(size, int | float | str):
            if not is_whole(size, 1, LONGEST_SIDE):
                raise ValueError(
                    f"{shown(size)} is no size; one whole number from 1 to {LONGEST_SIDE:,} will "
                    "do, or [height, width]"
                )
            return size, size
        return size

    @classmethod
    def _wanted(cls) -> str:
        return "a folder of PNG or JPEG files"

    @property
    def stamps(self) -> list[Any]:
        """One word for the names, sizes and times of what is read, and of nothing beside it."""
        return [_word(folder) for folder in self.files if folder.is_dir()]

    def look(self) -> Contents:
        """The contents of the folder: of its images the first is looked at."""
        (folder,) = self.files
        names, truth = _listed(folder)
        return self._contents(folder, names, truth)

    def _contents(self, folder: Path, names: tuple[str, ...], truth: GroundTruth) -> Contents:
        shape = self._seen(shape_of(folder / names[0]))
        return contents(folder, images=len(names), shape=shape, factors=truth.sizes)

    def _seen(self, shape: Shape) -> Shape:
        """The shape of an image when it is scaled."""
        return shape if self.image_size is None else (shape[0], *self.image_size)

    def images(self) -> Images:
        """The factors, and images that are read when they are asked for."""
        (folder,) = self.files
        names, truth = _listed(folder)
        self._require_known(self._contents(folder, names, truth))
        channels, height, width = shape = self.known.shape
        paths = tuple(folder / name for name in names)
        return Images(
            name=self.name,
            label=self.label,
            shape=shape,
            factors=truth.factors,
            factor_names=truth.names,
            factor_values=truth.values,
            pixels=Blocks(
                (len(paths), height, width, channels), partial(_blocks, paths, self.image_size)
            ),
        )


dataset = Folder


def _listed(folder: Path) -> Listing:
    """The images of a folder, listed once as long as it and its table stay as they are."""
    found = stamp(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one of PNG or JPEG files")
    table = folder / FACTORS
    return _listed_at(folder, found, stamp(table) if table.exists() else None)


@cache
def _listed_at(folder: Path, *_stamps: tuple[int, int, int] | None) -> Listing:
    return listed(folder)


def _blocks(
    paths: tuple[Path, ...], scaled: tuple[int, int] | None
) -> Iterator[UInt8[ndarray, "image height width channel"]]:
    """The images a block at a time; two that differ in size or in colour are named."""
    first = _own_folder.pixels(paths[0], scaled)
    count = max(1, BLOCK_BYTES // first.nbytes)
    for start in range(0, len(paths), count):
        block = []
        for path in paths[start : start + count]:
            block.append(_own_folder.pixels(path, scaled))
            if block[-1].shape != first.shape:
                raise UserError(
                    f"{paths[0]} is {_words(first)} and {path} is {_words(block[-1])}; all images "
                    "of a folder must be alike (`image_size` scales them to one size)"
                )
        yield stack(block)


def _words(image: UInt8[ndarray, "height width channel"]) -> str:
    height, width, channels = image.shape
    return f"{'grey' if channels == 1 else 'RGB'}, {height} pixels high and {width} wide"


def _word(folder: Path) -> str:
    """A word that changes with any file that is read, but not with where the folder is."""
    whole = hashlib.sha256()
    try:
        names = _listed(folder).names
    except UserError as error:  # whoever reads the folder says so
        return hashlib.sha256(str(error).encode()).hexdigest()[:16]
    for name in (FACTORS, *names):
        path = folder / name
        _, size, time = stamp(path) if path.exists() else (0, 0, 0)
        whole.update(repr((name, size, time)).encode())
    return whole.hexdigest()[:16]
