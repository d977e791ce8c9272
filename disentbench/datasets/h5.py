"""Images of one's own in the datasets of an HDF5 file; `_own_arrays` says which these are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import numpy as np

from disentbench.datasets._own_arrays import OwnArrays
from disentbench.datasets._own_factors import VALUES
from disentbench.storage import hdf5
from disentbench.storage.images import BLOCK_BYTES


class InHdf5:
    """The datasets of an HDF5 file that is open."""

    def __init__(self, file: hdf5.File):
        self.file = file

    def names(self) -> list[str]:
        """The datasets that are there, those of a group by the group's name, too."""
        values = hdf5.names(self.file, VALUES)
        return [name for name in self.file if name != VALUES] + [f"{VALUES}/{n}" for n in values]

    def claimed(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """The shape and the kind of a dataset, unread."""
        return hdf5.shape(self.file, name), hdf5.dtype(self.file, name)

    def read(self, name: str) -> np.ndarray:
        """The whole of a dataset."""
        return hdf5.array(self.file, name)

    def require_blocks(self, name: str) -> None:
        """Refuse a dataset that cannot be read part by part, before any is read."""
        hdf5.rows_at_once(self.file, name, BLOCK_BYTES)

    def blocks(self, name: str, size: int) -> Iterator[np.ndarray]:
        """A dataset along its first axis, about `size` bytes at a time."""
        return hdf5.blocks(self.file, name, size)


@contextmanager
def opened(path: Path) -> Iterator[InHdf5]:
    """The datasets of a file."""
    with hdf5.open_data(path) as file:
        yield InHdf5(file)


class H5(OwnArrays):
    """The images of an HDF5 file."""

    label: ClassVar[str] = "Images of an HDF5 file"
    reference: ClassVar[str] = "A file of one's own."
    opened: ClassVar = staticmethod(opened)

    @classmethod
    def _wanted(cls) -> str:
        return "an HDF5 file"


dataset = H5
