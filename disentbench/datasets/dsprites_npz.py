"""dSprites read from the published file, for who would rather trust it than our renderer.

`compare` says where the two differ.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import exists
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from jaxtyping import UInt8
from pydantic import field_validator

from disentbench.datasets._grid import grid
from disentbench.datasets.dsprites import CANVAS, VALUES, Dsprites, DspritesGrid
from disentbench.errors import UserError
from disentbench.options import a_path
from disentbench.storage import limits
from disentbench.storage.images import Images
from disentbench.storage.numpy_files import Stream, header, held, member_header, read_member

SIZES = tuple(len(values) for values in VALUES.values())
BLOCK = 4096  # images unpacked at a time: 16 MiB instead of the 3 GB of the whole


class DspritesNpz(DspritesGrid):
    """A sub-grid of the published images; `path` names the .npz file."""

    label: ClassVar[str] = "dSprites (published file)"
    reference: ClassVar[str] = Dsprites.reference

    path: Path

    @field_validator("path", mode="before")
    @classmethod
    def _a_path(cls, path: Any) -> Any:
        return a_path(path, "the published .npz file")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (1, CANVAS, CANVAS)

    def images(self) -> Images:
        """Read the file and keep the sub-grid."""
        (path,) = self.files
        return self.binary(read_bits(path, SIZES)[self.rows])


dataset = DspritesNpz


class Differences(NamedTuple):
    """Where two versions of the same images differ."""

    images: int
    pixels: int
    first: tuple[tuple[int, tuple[int, ...], int], ...]  # (image, its classes, pixels)

    def __str__(self) -> str:
        if not self.images:
            return "every pixel is the same"
        lines = [f"{self.images} images differ, in {self.pixels} pixels"]
        lines += [f"image {i}, classes {list(c)}: {n} pixels" for i, c, n in self.first]
        return "\n  ".join(lines)


def compare_with_renderer(path: Path | str, *, show: int = 5) -> Differences:
    """Where the published file and our renderer differ, over the full grid."""
    return compare(DspritesNpz(path=path).images(), Dsprites().images(), show=show)


def compare(published: Images, expected: Images, *, show: int = 5) -> Differences:
    """How many images and pixels differ, and which images do first."""
    ours, theirs = expected.stored, published.stored
    whole = f"V{theirs.shape[1]}"  # an image as one value, to compare without a copy
    differ = np.flatnonzero(theirs.view(whole) != ours.view(whole))
    # One image at a time: were all of them wrong, unpacked they would take 3 GB.
    pixels = [int(np.unpackbits(theirs[i] ^ ours[i]).sum()) for i in differ]
    first = tuple(
        (int(i), tuple(published.factors[i].tolist()), count)
        for i, count in zip(differ[:show], pixels[:show], strict=True)
    )
    return Differences(len(differ), sum(pixels), first)


def read_bits(path: Path | str, sizes: tuple[int, ...]) -> UInt8[np.ndarray, "image byte"]:
    """The images of an .npz file whose grid has these sizes, packed; pickles are never loaded."""
    with _opened(Path(path)) as archive:
        _require_classes(archive, sizes)
        with archive.open("imgs.npy") as stream:
            return _packed(stream, int(np.prod(sizes)))


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    """The archive; whatever is wrong with it is said in one sentence."""
    if not exists(path):
        raise UserError(f"{path} is not a file; name the published dSprites .npz")
    limits.regular(path, "the published dSprites .npz")
    try:
        with ZipFile(path) as archive:
            if missing := {"imgs", "latents_classes"} - set(held(archive)):
                raise UserError(f"it has no array {sorted(missing)[0]!r}")
            yield archive
    except UserError as error:
        raise UserError(f"{path} is not the published dSprites file: {error}") from None
    except (
        *(BadZipFile, EOFError, LookupError, NotImplementedError, OSError),
        *(RuntimeError, TypeError, ValueError, zlib.error),
    ) as error:
        raise UserError(f"{path} is damaged or is not an .npz file of plain arrays") from error


def _require_classes(archive: ZipFile, sizes: tuple[int, ...]) -> None:
    """The first factor is the colour, which is always white."""
    expected = grid((1, *sizes))
    # What claims another shape is not read at all: it may claim more than the memory holds.
    same = member_header(archive, "latents_classes").shape == expected.shape
    if not (same and np.array_equal(read_member(archive, "latents_classes"), expected)):
        raise UserError(f"its latents_classes are not the grid of {len(expected)} images in order")


def _packed(stream: Stream, count: int) -> UInt8[np.ndarray, "image byte"]:
    """Read and pack a block at a time."""
    claimed, shape = header(stream), (count, CANVAS, CANVAS)
    if claimed.shape != shape or claimed.fortran or claimed.dtype != np.uint8:
        raise UserError(
            f"its imgs are {claimed.dtype} {claimed.shape}, where uint8 {shape} is expected"
        )
    bits = np.empty((count, CANVAS**2 // 8), np.uint8)
    for start in range(0, count, BLOCK):
        kept = bits[start : start + BLOCK]
        block = np.frombuffer(_exactly(stream, len(kept) * CANVAS**2), np.uint8)
        if block.max() > 1:
            raise UserError(f"its imgs hold the value {block.max()}, where 0 and 1 are expected")
        kept[:] = np.packbits(block.reshape(len(kept), -1), axis=1)
    return bits


def _exactly(stream: Stream, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise UserError("its imgs are truncated")
    return data
