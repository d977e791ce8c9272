"""SmallNORB: toys under six lightings, read from the six published files.

A file is a matrix: little-endian 32-bit words, namely a magic number that says the kind of its
values, the number of axes and at least three sizes; then the values, the last axis fastest.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from os.path import exists
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Int, UInt8

from disentbench.datasets._grid import Classes, grid
from disentbench.datasets._lanczos import SIDE, smaller
from disentbench.datasets._published import Download, PublishedDataset
from disentbench.errors import UserError
from disentbench.storage.images import Images
from disentbench.storage.numpy_files import Stream, fill

HOME = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small"
TRAINING = "smallnorb-5x46789x9x18x6x2x96x96-training"
TESTING = "smallnorb-5x01235x9x18x6x2x96x96-testing"
INSTANCES = (4, 6, 7, 8, 9), (0, 1, 2, 3, 5)  # of every category in the two halves, in this order
REPEATS = sum(map(len, INSTANCES))
STORED = 96  # pixels
KINDS = {np.dtype("u1"): 0x1E3D4C55, np.dtype("<i4"): 0x1E3D4C54}  # the first without a sign
BLOCK = 512  # pairs of images that are read at a time, 9 MiB


def download(half: str, part: str, checksum: str) -> Download:
    """A file of the authors' page; links not tried."""
    name = f"{half}-{part}.mat.gz"
    return Download(name, (f"{HOME}/{name}",), f"sha256:{checksum}")


class SmallNorb(PublishedDataset):
    """A sub-grid of 48,600 images of the first camera, made smaller from 96 to 64 pixels.

    Ten instances share a combination of classes, and which one is no factor: each combination has
    ten images, those of the training half first. All that are kept are in memory, 199 MB of the
    whole. `path` names the folder of the six files, compressed (.mat.gz) or not (.mat).
    """

    label: ClassVar[str] = "SmallNORB"
    reference: ClassVar[str] = (
        "LeCun, Huang, Bottou (2004). Learning Methods for Generic Object Recognition with "
        "Invariance to Pose and Lighting. IEEE Conference on Computer Vision and Pattern "
        "Recognition"
    )
    downloads: ClassVar[tuple[Download, ...]] = (
        download(
            TRAINING, "dat", "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873"
        ),
        download(
            TRAINING, "cat", "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"
        ),
        download(
            TRAINING, "info", "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"
        ),
        download(
            TESTING, "dat", "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474"
        ),
        download(
            TESTING, "cat", "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"
        ),
        download(
            TESTING, "info", "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"
        ),
    )
    values: ClassVar = {
        "category": np.arange(5.0),
        "elevation": np.arange(30.0, 71, 5),  # degrees
        "azimuth": np.arange(0.0, 341, 20),  # degrees
        "lighting": np.arange(6.0),
    }
    names: ClassVar[dict[str, tuple[str, ...]]] = {
        "category": ("animal", "human", "plane", "truck", "car")
    }

    category: Classes = tuple(range(5))
    elevation: Classes = tuple(range(9))
    azimuth: Classes = tuple(range(18))
    lighting: Classes = tuple(range(6))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (1, SIDE, SIDE)

    @property
    def size(self) -> int:
        """The number of images, ten for each combination of classes."""
        return REPEATS * prod(self.sizes)

    @property
    def classes(self) -> Int[np.ndarray, "image factor"]:
        """The classes of every image, counted among those that are kept."""
        return np.repeat(grid(self.sizes), REPEATS, axis=0)

    @property
    def files(self) -> tuple[Path, ...]:
        """The published files, each unpacked where only that is there."""
        return tuple(
            unpacked if not exists(path) and exists(unpacked := path.with_suffix("")) else path
            for path in super().files
        )

    def images(self) -> Images:
        """Join the halves in the order of the factors."""
        dat, cat, info, *testing = self.present()
        pixels = np.empty((self.size, SIDE, SIDE, 1), np.uint8)
        for half, files in enumerate(((dat, cat, info), testing)):
            dat, cat, info = files
            self._read(dat, self._places(half, self._described(half, cat, info)), pixels)
        return self.coloured(pixels)

    @property
    def _whole(self) -> tuple[int, ...]:
        """How many classes the published set has of each factor."""
        return tuple(len(values) for values in self.values.values())

    def _described(self, half: int, cat: Path, info: Path) -> Int[np.ndarray, " image"]:
        """The combination of classes and the instance of each image of a half, as one number."""
        columns = self._columns(prod(self._whole) * len(INSTANCES[half]), cat, info)
        sizes = (*self._whole, REPEATS)
        for name, size, column in zip((*self.values, "instance"), sizes, columns, strict=True):
            if not 0 <= column.min() <= column.max() < size:
                raise self.unlike(
                    cat if name == "category" else info,
                    f"its {name} runs from {column.min()} to {column.max()}, where 0 to "
                    f"{size - 1} are expected",
                )
        numbers = np.ravel_multi_index(columns, sizes)
        expected = REPEATS * np.arange(prod(self._whole))[:, None] + INSTANCES[half]
        if not np.array_equal(np.sort(numbers), expected.ravel()):
            raise self.unlike(
                info,
                f"with {cat.name} it has not one image of every combination of classes and each "
                f"of the instances {', '.join(map(str, INSTANCES[half]))}",
            )
        return numbers

    def _columns(self, count: int, cat: Path, info: Path) -> tuple[Int[np.ndarray, " image"], ...]:
        """Category, elevation, azimuth, lighting and instance of each image of a half."""
        categories, rest = np.empty(count, "<i4"), np.empty((count, 4), "<i4")
        for path, values in ((cat, categories), (info, rest)):
            with self._matrix(path, values.dtype, values.shape) as stream:
                fill(stream, values)
        instance, elevation, doubled, lighting = rest.T
        if (odd := doubled[doubled % 2 > 0]).size:
            raise self.unlike(info, f"its azimuth has the odd number {odd[0]}")
        return categories, elevation, doubled // 2, lighting, instance

    def _places(self, half: int, described: Int[np.ndarray, " image"]) -> Int[np.ndarray, " image"]:
        """Where in the data set each image of a half stands; -1: nowhere."""
        many = len(INSTANCES[half])
        kept = np.argsort(described).reshape(-1, many)[self.rows]
        places = np.full(len(described), -1)
        places[kept] = np.arange(self.size).reshape(len(kept), -1)[:, half * many :][:, :many]
        return places

    def _read(
        self,
        path: Path,
        places: Int[np.ndarray, " image"],
        pixels: UInt8[np.ndarray, "kept 64 64 1"],
    ) -> None:
        """Put the images of a half where they belong."""
        pair = (2, STORED, STORED)
        with self._matrix(path, np.dtype("u1"), (len(places), *pair)) as stream:
            for first in range(0, len(places), BLOCK):
                there = places[first : first + BLOCK]
                block = np.empty((len(there), *pair), np.uint8)
                fill(stream, block)
                for i in np.flatnonzero(there >= 0):
                    pixels[there[i], :, :, 0] = smaller(block[i, 0])

    @contextmanager
    def _matrix(self, path: Path, kind: np.dtype, shape: tuple[int, ...]) -> Iterator[Stream]:
        """The values of a matrix of this kind and shape, all of which the block reads."""
        try:
            with _opened(path) as stream:
                self._require_header(path, stream, kind, shape)
                yield stream
                if stream.read(1):
                    raise self.unlike(path, "more follows its values")
        except UserError:
            raise
        except (EOFError, OSError, zlib.error) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path} is truncated or damaged: {reason}") from None

    def _require_header(
        self, path: Path, stream: Stream, kind: np.dtype, shape: tuple[int, ...]
    ) -> None:
        words = np.empty(2 + max(3, len(shape)), "<i4")
        fill(stream, words[:2])
        magic, axes = words[:2].tolist()
        if magic != KINDS[kind]:
            raise self.unlike(
                path, f"it begins with {magic:#x}, where {KINDS[kind]:#x}, for {kind}, is expected"
            )
        if axes != len(shape):
            raise self.unlike(path, f"it has {axes} axes, where {len(shape)} are expected")
        fill(stream, words[2:])
        if (came := tuple(words[2 : 2 + axes].tolist())) != shape:
            raise self.unlike(path, f"it is a matrix of {came}, where {shape} is expected")


dataset = SmallNorb


def _opened(path: Path) -> io.BufferedReader:
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(path))  # pyrefly: ignore[bad-specialization]
    return path.open("rb")
