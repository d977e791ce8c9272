"""3D Shapes: an object in a room, read from the published HDF5 file."""

from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from disentbench.datasets._grid import Classes, grid
from disentbench.datasets._published import Download, PublishedDataset
from disentbench.datasets._rows import rows_kept
from disentbench.errors import UserError
from disentbench.storage import hdf5
from disentbench.storage.images import BLOCK_BYTES, Blocks, Images, Pixels

IMAGE = (64, 64, 3)  # height, width, channel
NEAR = 1e-6  # labels are this close to the values of the grid, whose steps are .07 and more


class Shapes3d(PublishedDataset):
    """A sub-grid of the 480,000 images, read block by block."""

    label: ClassVar[str] = "3D Shapes"
    reference: ClassVar[str] = (
        "Burgess, Kim (2018). 3D Shapes Dataset. https://github.com/google-deepmind/3d-shapes"
    )
    # The link is the authors'; it has not been tried.
    downloads: ClassVar[tuple[Download, ...]] = (
        Download(
            "3dshapes.h5",
            ("https://storage.googleapis.com/3d-shapes/3dshapes.h5",),
            "sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
        ),
    )
    values: ClassVar = {
        "floor_hue": np.arange(10) / 10,
        "wall_hue": np.arange(10) / 10,
        "object_hue": np.arange(10) / 10,
        "scale": np.linspace(0.75, 1.25, 8),
        "shape": np.arange(4.0),
        "orientation": np.linspace(-30, 30, 15),  # degrees
    }
    names: ClassVar[dict[str, tuple[str, ...]]] = {
        "shape": ("cube", "cylinder", "sphere", "capsule")
    }

    floor_hue: Classes = tuple(range(10))
    wall_hue: Classes = tuple(range(10))
    object_hue: Classes = tuple(range(10))
    scale: Classes = tuple(range(8))
    shape: Classes = tuple(range(4))
    orientation: Classes = tuple(range(15))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, 64, 64)

    def images(self) -> Images:
        """Check the file's labels; its images are read as they are asked for."""
        (path,) = self.present()
        with hdf5.open_data(path) as file:
            self._require_layout(path, file)
            self._require_labels(path, file)
        return self.coloured(Blocks((self.size, *IMAGE), partial(self._blocks, path)))

    def _blocks(self, path: Path) -> Iterator[Pixels]:
        with hdf5.open_data(path) as file:
            yield from rows_kept(self.rows, prod(IMAGE), partial(hdf5.rows, file, "images"))

    def _require_layout(self, path: Path, file: hdf5.File) -> None:
        count = prod(len(values) for values in self.values.values())
        for name, kind, shape in (
            ("images", np.dtype(np.uint8), (count, *IMAGE)),
            ("labels", np.dtype(np.float64), (count, len(self.values))),
        ):
            came = hdf5.dtype(file, name), hdf5.shape(file, name)
            if came != (kind, shape):
                raise self.unlike(
                    path, f"its {name} are {came[0]} {came[1]}, where {kind} {shape} is expected"
                )
            if (chunk := hdf5.claim(file, name, one=True)) > BLOCK_BYTES:
                raise UserError(
                    f"{path} keeps its {name} in chunks of {chunk:,} bytes, each of which is "
                    f"unpacked whole; write it with chunks of at most {BLOCK_BYTES:,} "
                    "(h5repack -l)"
                )

    def _require_labels(self, path: Path, file: hdf5.File) -> None:
        labels = hdf5.array(file, "labels")
        classes = grid(tuple(len(values) for values in self.values.values()))
        for f, (name, values) in enumerate(self.values.items()):
            differ = ~(np.abs(labels[:, f] - values[classes[:, f]]) < NEAR)  # nan is not near
            if differ.any():
                row = int(differ.argmax())
                raise self.unlike(
                    path,
                    f"the {name} of image {row} is {labels[row, f]:.6g}, where the grid has "
                    f"{values[classes[row, f]]:.6g}",
                )


dataset = Shapes3d
