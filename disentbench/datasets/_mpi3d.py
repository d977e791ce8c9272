"""MPI3D: an object on a robot's arm, read from one of the four published .npz files.

A file has no labels. The number of its images says whether it is the complex set; the three others
differ in their pixels alone, and only the checksum at the download tells them apart.
"""

from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from disentbench.datasets._grid import Classes
from disentbench.datasets._published import Download, PublishedDataset
from disentbench.datasets._rows import rows_kept
from disentbench.storage.images import Blocks, Images, Pixels
from disentbench.storage.numpy_files import Stream, fill, header, held, member_header, opened, skip

IMAGE = (64, 64, 3)  # height, width, channel
SETS = {
    1_036_800: "the toy, realistic or real set; use mpi3d_toy, mpi3d_realistic or mpi3d_real",
    460_800: "the complex set; use mpi3d_complex",
}


def download(name: str, checksum: str | None, *mirrors: str) -> Download:
    """A file of the set's present home, to which its authors moved it in 2025; links not tried."""
    url = f"https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/{name}"
    return Download(name, (url, *mirrors), checksum)


class Mpi3d(PublishedDataset):
    """A sub-grid of 1,036,800 images, read from a member of the archive as it is unpacked."""

    reference: ClassVar[str] = (
        "Gondal, Wuthrich, Miladinovic, Locatello, Breidt, Volchkov, Akpo, Bachem, Schölkopf, Bauer"
        " (2019). On the Transfer of Inductive Bias from Simulation to the Real World: a New "
        "Disentanglement Dataset. Advances in Neural Information Processing Systems 32"
    )
    values: ClassVar = {
        "object_color": np.arange(6.0),
        "object_shape": np.arange(6.0),
        "object_size": np.arange(2.0),
        "camera_height": np.arange(3.0),
        "background_color": np.arange(3.0),
        "horizontal_axis": np.arange(40.0),
        "vertical_axis": np.arange(40.0),
    }
    # The colours and shapes of the objects have no names: the authors' table is of a smaller set.
    names: ClassVar[dict[str, tuple[str, ...]]] = {
        "object_size": ("small", "large"),
        "camera_height": ("top", "center", "bottom"),
        "background_color": ("purple", "sea green", "salmon"),
    }

    object_color: Classes = tuple(range(6))
    object_shape: Classes = tuple(range(6))
    object_size: Classes = tuple(range(2))
    camera_height: Classes = tuple(range(3))
    background_color: Classes = tuple(range(3))
    horizontal_axis: Classes = tuple(range(40))
    vertical_axis: Classes = tuple(range(40))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, 64, 64)

    def images(self) -> Images:
        """Look at what the file claims; its images are read as they are asked for."""
        (path,) = self.present()
        self._require_layout(path)
        return self.coloured(Blocks((self.size, *IMAGE), partial(self._blocks, path)))

    def _blocks(self, path: Path) -> Iterator[Pixels]:
        with opened(path) as archive, archive.open("images.npy") as stream:
            header(stream)
            read = partial(_images, stream, stream.tell())
            yield from rows_kept(self.rows, prod(IMAGE), read)

    def _require_layout(self, path: Path) -> None:
        with opened(path) as archive:
            if "images" not in (arrays := held(archive)):
                there = ", ".join(arrays[:5]) or "none"
                raise self.unlike(path, f"it has no array 'images', but {there}")
            with archive.open("images.npy") as stream:
                claimed = header(stream)
            count = prod(len(values) for values in self.values.values())
            if claimed.shape[1:] == IMAGE and claimed.shape[0] != count:
                what = SETS.get(claimed.shape[0], f"no set of MPI3D; {self.name} has {count:,}")
                raise self.unlike(path, f"{claimed.shape[0]:,} images are {what}")
            if claimed.shape != (count, *IMAGE) or claimed.dtype != np.uint8 or claimed.fortran:
                order = " in Fortran's order" if claimed.fortran else ""
                raise self.unlike(
                    path,
                    f"its images are {claimed.dtype} {claimed.shape}{order}, where uint8 "
                    f"{(count, *IMAGE)} is expected",
                )
            member_header(archive, "images")  # as many as it claims are there


def _images(stream: Stream, start: int, first: int, last: int) -> Pixels:
    """Those from `first` to before `last`; the stream only ever goes forward."""
    skip(stream, start + first * prod(IMAGE) - stream.tell())
    images = np.empty((last - first, *IMAGE), np.uint8)
    fill(stream, images)
    return images
