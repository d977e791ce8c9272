"""What is in a folder of images: their names, the factors of factors.csv, and the pixels of one."""

import csv
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from disentbench.datasets._own_images import (
    MOST_FACTORS,
    GroundTruth,
    factor_name,
    require_several,
    told_of,
)
from disentbench.errors import UserError
from disentbench.options import shown, twice
from disentbench.storage import limits
from disentbench.storage.classes import LONGEST_TEXT, classes_and_values, text_classes
from disentbench.storage.spellings import REAL, WHOLE

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FACTORS = "factors.csv"
FIRST_COLUMN = ("image", "file")
SUFFIXES = (".png", ".jpg", ".jpeg")
FORMATS = ("PNG", "JPEG")
MOST_BYTES = 2**26  # of factors.csv
MODES = {"1": 1, "L": 1, "LA": 1, "RGB": 3, "RGBA": 3, "P": 3, "PA": 3}  # channels that are kept
DEPTH_AT = 24  # the byte of a PNG that says how many bits a channel has
MOST_FOLDERS = 1000  # that are looked into, where an image is missed
MOST_DIGITS = 15  # of a number that is read as one


class Listing(NamedTuple):
    """The images of a folder, by their names in it, and their factors."""

    names: tuple[str, ...]
    truth: GroundTruth


def listed(folder: Path) -> Listing:
    """The images that factors.csv names, in its order, or all that there are, sorted by name."""
    with told_of(folder):
        there = _entries(folder, ".")
        _require_told_apart(folder, there)
        if FACTORS in there:
            _require_inside(folder, FACTORS)
    names, truth = _tabled(folder / FACTORS) if FACTORS in there else _without_factors(there)
    with told_of(folder):
        require_several(len(names))
        _require_there(folder, names)
    return Listing(tuple(names), truth)


def _require_told_apart(folder: Path, there: Iterable[str]) -> None:
    """Refuse what would be passed over though it is meant: a table, images in folders below."""
    if FACTORS in there:
        return
    for name in sorted(path.name for path in folder.iterdir()):
        if name == FACTORS:
            raise UserError(f"{FACTORS} in it is a folder, where a table is expected")
        if name.lower() == FACTORS:
            raise UserError(f"it has {shown(name)}; call the table of factors {FACTORS}")
    if not any(map(_is_image, there)) and (below := _first_below(folder)):
        raise UserError(
            f"it has no image beside its folders, and {shown(below)} in one of these; name such "
            f"images in {FACTORS}, or let `path` name their folder"
        )


def _first_below(folder: Path) -> str | None:
    """The first image in the folders of a folder, of so many folders."""
    for below, folders, names in islice(os.walk(folder), MOST_FOLDERS):
        folders.sort()
        if images := sorted(filter(_is_image, names)):
            return str(Path(below, images[0]).relative_to(folder))
    return None


def _tabled(table: Path) -> tuple[list[str], GroundTruth]:
    limits.regular(table, "a table of factors")
    with told_of(table):
        return _table(_rows(table))


def _without_factors(there: Iterable[str]) -> tuple[list[str], GroundTruth]:
    names = sorted(name for name in there if _is_image(name))
    return names, GroundTruth(np.zeros((len(names), 0), np.int64))


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _entries(folder: Path, below: str) -> dict[str, bool]:
    """What a folder in the folder holds besides folders: each name, and whether it is a link."""
    try:
        with os.scandir(folder / below) as entries:
            return {entry.name: entry.is_symlink() for entry in entries if not entry.is_dir()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UserError(f"{below} in it cannot be listed: {error.strerror}") from None


def _require_there(folder: Path, names: list[str]) -> None:
    """Refuse a name of no file, and a link that leads out; a folder is listed once."""
    known: dict[str, dict[str, bool]] = {}
    for name in names:
        below, _, last = name.rpartition("/")
        if below not in known:
            _require_inside(folder, below or ".")
            known[below] = _entries(folder, below or ".")
        if last not in known[below]:
            raise UserError(f"{FACTORS} names {shown(name)}, which is no file in it")
        if known[below][last]:
            _require_inside(folder, name)


def _require_inside(folder: Path, name: str) -> None:
    """Refuse a link that leads out of the folder."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{name} is a link that leads out of it; copy what it leads to")


def _rows(table: Path) -> list[list[str]]:
    """The rows of the table, the names of the columns first, without empty lines."""
    if (size := table.stat().st_size) > MOST_BYTES:
        raise UserError(
            f"it has {limits.shown(size)}, where at most {limits.shown(MOST_BYTES)} are read; an "
            ".npz or .h5 file may have more"
        )
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.reader(file, strict=True) if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"it cannot be read as a table in UTF-8: {error}") from None


def _table(rows: list[list[str]]) -> tuple[list[str], GroundTruth]:
    """The names and the factors that a table has."""
    header, *body = rows or [[]]
    header = [name.strip() for name in header]
    if header[:1] not in [[name] for name in FIRST_COLUMN]:
        raise UserError(
            f"its first column is {shown(header[0] if header else '')}; it must be image or file, "
            "the name of an image, with commas between the columns"
        )
    names = [factor_name(name) for name in header[1:]]
    if (double := twice(names)) is not None or len(names) > MOST_FACTORS:
        odd = f"{len(names):,} factors" if double is None else f"the factor {shown(double)} twice"
        raise UserError(f"it has {odd}; name each once, at most {MOST_FACTORS:,}")
    for number, row in enumerate(body):
        if len(row) != len(header):
            raise UserError(
                f"row {number} has {len(row)} columns, and the first line {len(header)}"
            )
    files = [_relative(row[0]) for row in body]
    if (double := twice(files)) is not None:
        raise UserError(f"it names the image {shown(double)} twice; name each once")
    require_several(len(files))
    return files, _truth(names, [column for column in zip(*body, strict=True)][1:])


def _relative(name: str) -> str:
    """The name of an image, relative to the folder, in its shortest form."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise UserError(
            f"it names {shown(name)}; an image is named relative to the folder, and lies in it"
        )
    return str(path)


def _truth(names: list[str], columns: list[tuple[str, ...]]) -> GroundTruth:
    """Classes of columns of text."""
    if not names:
        raise UserError("it has no column besides the images; name factors there, or do without it")
    pairs = [_classes(name, column) for name, column in zip(names, columns, strict=True)]
    codes = np.stack([code for code, _ in pairs], axis=1)
    return GroundTruth(codes, tuple(names), tuple(values for _, values in pairs))


def _classes(name: str, column: tuple[str, ...]) -> tuple[Int[np.ndarray, " image"], np.ndarray]:
    """The class of each image, and the sorted values: text, unless all are numbers."""
    column = tuple(text.strip() for text in column)
    for row, text in enumerate(column):
        if not text or text.lower() == "nan":
            raise UserError(f"the factor {name!r} is missing in row {row}; leave such rows out")
        if not text.isprintable() or len(text) > LONGEST_TEXT:
            raise UserError(
                f"the factor {name!r} is {shown(text)} in row {row}; up to {LONGEST_TEXT:,} "
                "characters that can be printed will do"
            )
    for spelling, kind in ((WHOLE, int), (REAL, float)):
        if all(_is_number(text, spelling) for text in column):
            codes, (values,) = classes_and_values([[kind(text)] for text in column], [name])
            return codes[:, 0], values
    return text_classes(column, f"the factor {name!r}")


def _is_number(text: str, spelling: re.Pattern) -> bool:
    """Whether a person reads a number in a text; 007 is a name."""
    leading = re.match("[-+]?0[0-9]", text)
    return bool(spelling.fullmatch(text)) and len(text) <= MOST_DIGITS and not leading


@contextmanager
def _opened(path: Path) -> Iterator["Picture"]:
    """A picture of which the header is read; what is wrong with it is said in one sentence."""
    from PIL import Image

    limits.regular(path, "a PNG or JPEG file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                yield picture
    except UserError as error:
        raise UserError(f"{path} {error}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(
            f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels, which no picture here needs; "
            "make it smaller"
        ) from None
    except Exception as error:  # a mangled file fails in many ways, all of them the file's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read as PNG or JPEG: {reason}") from None


def shape_of(path: Path) -> tuple[int, int, int]:
    """Channels, height and width of an image, by its header."""
    with _opened(path) as picture:
        return _channels(picture, path), picture.height, picture.width


def _channels(picture: "Picture", path: Path) -> int:
    """One or three; what would lose more than a palette or an alpha of ones is refused."""
    with path.open("rb") as file:
        deep = picture.format == "PNG" and file.read(DEPTH_AT + 1)[-1] > 8
    if deep or picture.mode not in MODES:
        came = "has 16 bits a channel" if deep else f"is {picture.mode}"
        raise UserError(f"{came}; save it as grey or RGB of 8 bits")
    return MODES[picture.mode]


def pixels(
    path: Path, scaled: tuple[int, int] | None = None
) -> UInt8[np.ndarray, "height width channel"]:
    """An image as it is stored, grey or RGB, or scaled to a height and width (Lanczos)."""
    from PIL import Image

    with _opened(path) as picture:
        channels = _channels(picture, path)
        plain = picture
        if picture.has_transparency_data:
            plain = picture.convert("RGBA")
            if np.asarray(plain.getchannel("A")).min() < 255:
                raise UserError("is transparent in parts; lay it on a background and save it so")
        plain = plain.convert("L" if channels == 1 else "RGB")
        if scaled is not None:
            plain = plain.resize(scaled[::-1], Image.Resampling.LANCZOS)
        return np.array(plain).reshape(plain.height, plain.width, channels)
