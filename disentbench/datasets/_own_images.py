"""Anybody's own images: what is told of them when a study is read, and what they have in common."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Int
from pydantic import AfterValidator, Field, field_validator, model_validator

from disentbench import plugins
from disentbench.datasets import Dataset
from disentbench.errors import UserError
from disentbench.options import Options, a_path, shown

MOST_IMAGES = 10**9
MOST_FACTORS = 200  # their names are in a recipe, which is an argument of a command
MOST_CLASSES = 1_000_000  # of all factors together
LONGEST_NAME = 64
LONGEST_SIDE = 4096  # pixels


def factor_name(name: str) -> str:
    """The name of a factor, if tables, HDF5 and a page can have it; a UserError for any other."""
    odd = "/" in name or name.startswith(".") or name.strip() != name or not name.isprintable()
    if odd or not 1 <= len(name) <= LONGEST_NAME:
        raise UserError(
            f"{shown(name)} cannot be a factor's name; use up to {LONGEST_NAME} characters, none "
            "of them '/', not a dot first, and no blank at either end"
        )
    return name


Side = Annotated[int, Field(ge=1, le=LONGEST_SIDE)]
FactorName = Annotated[str, AfterValidator(factor_name)]


class Contents(Options):
    """What the plan of a study takes from a file of images: their number, shape and factors.

    `shape` is channels, height and width; `factors` maps names to numbers of classes.
    """

    images: Annotated[int, Field(ge=2, le=MOST_IMAGES)]
    shape: tuple[Literal[1, 3], Side, Side]
    factors: dict[FactorName, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _within_bounds(self) -> "Contents":
        if len(self.factors) > MOST_FACTORS:
            raise ValueError(f"there are {len(self.factors):,} factors; at most {MOST_FACTORS:,}")
        if (classes := sum(self.factors.values())) > MOST_CLASSES:
            raise ValueError(
                f"the factors have {classes:,} classes; at most {MOST_CLASSES:,} together, so "
                "leave out what numbers the images"
            )
        return self


class GroundTruth(NamedTuple):
    """The factors of images, in the words of `storage.images.Images`."""

    factors: Int[np.ndarray, "image factor"]
    names: tuple[str, ...] = ()
    values: tuple[np.ndarray, ...] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """How many classes each factor has."""
        return dict(zip(self.names, map(len, self.values), strict=True))


class OwnImages(Dataset):
    """Images that anybody has, with their factors or without; no grid.

    `contents` is filled in when a study is read, and stands in the recipe: other contents are
    another recipe. Where it is given the file is not looked at until its images are read.
    """

    path: Path
    contents: Contents | None = None

    @field_validator("path", mode="before")
    @classmethod
    def _a_path(cls, path: Any) -> Any:
        return a_path(path, cls._wanted())

    @classmethod
    def _wanted(cls) -> str:
        raise NotImplementedError

    @model_validator(mode="after")
    def _filled_in(self) -> "OwnImages":
        if self.contents is None:  # the one change of what is otherwise frozen
            object.__setattr__(self, "contents", self.look())
        return self

    @property
    def filled(self) -> dict[str, Any]:
        """The contents, so that whoever reads the study again needs no file."""
        assert self.contents is not None
        return {"contents": self.contents.model_dump(mode="json")}

    def look(self) -> Contents:
        """The contents of what is there now."""
        raise NotImplementedError

    @property
    def known(self) -> Contents:
        """The contents, which are there after validation."""
        assert self.contents is not None
        return self.contents

    @property
    def factors(self) -> dict[str, tuple[int, ...]]:
        """Each factor's name with its classes; none without ground truth."""
        return {name: tuple(range(size)) for name, size in self.known.factors.items()}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.known.shape

    @property
    def size(self) -> int:
        """The number of images: some combinations may be absent, others there several times."""
        return self.known.images

    def _require_known(self, found: Contents) -> None:
        """Refuse a file of other contents than the study has, before its images are read."""
        if found != self.known:
            raise UserError(
                f"{self.files[0]} has {_words(found)}, where `contents` says {_words(self.known)}; "
                "leave `contents` out, it is filled in when a study is read"
            )


def contents(path: Path, **parts: Any) -> Contents:
    """Contents, or a UserError that says what about them is too much."""
    return plugins.named(str(path), Contents.model_validate, parts)


def _words(contents: Contents) -> str:
    """Contents in a sentence."""
    factors = ", ".join(f"{name} ({size} classes)" for name, size in contents.factors.items())
    shape = " x ".join(map(str, contents.shape))
    return f"{contents.images:,} images of {shape} and the factors {factors or 'none'}"


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Have what is wrong with arrays said of the file that they come from."""
    try:
        yield
    except UserError as error:
        said = str(error)
        raise UserError(said if said.startswith(str(path)) else f"{path}: {said}") from None


def require_several(count: int) -> None:
    """Refuse fewer than two images."""
    if count < 2:
        there = "is one image" if count else "are no images"
        raise UserError(f"there {there}, and nothing to measure; bring at least 2")


def stamp(path: Path) -> tuple[int, int, int]:
    """What changes with a file that is read: its place, size and time; a UserError if it is not."""
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(
            f"{path} cannot be looked at ({os.strerror(error.errno or 0)}); put it there or name "
            "one that is"
        ) from None
    return found.st_ino, found.st_size, found.st_mtime_ns
