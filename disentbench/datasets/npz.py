"""Images of one's own in the arrays of an .npz file; `_own_arrays` says which arrays these are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from zipfile import ZipFile

import numpy as np

from disentbench.datasets._own_arrays import OwnArrays
from disentbench.storage import numpy_files


class Zipped:
    """The arrays of an .npz file that is open."""

    def __init__(self, archive: ZipFile):
        self.archive = archive

    def names(self) -> list[str]:
        """The arrays that are there."""
        return numpy_files.held(self.archive)

    def claimed(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """The shape and the kind of an array, unread."""
        claimed = numpy_files.member_header(self.archive, name)
        return claimed.shape, claimed.dtype

    def read(self, name: str) -> np.ndarray:
        """The whole of an array."""
        return numpy_files.read_member(self.archive, name)

    def require_blocks(self, name: str) -> None:
        """Refuse an array that cannot be read part by part, before any is read."""
        numpy_files.require_in_order(self.archive, name)

    def blocks(self, name: str, size: int) -> Iterator[np.ndarray]:
        """An array along its first axis, about `size` bytes at a time."""
        return numpy_files.member_blocks(self.archive, name, size)


@contextmanager
def opened(path: Path) -> Iterator[Zipped]:
    """The arrays of a file."""
    with numpy_files.opened(path) as archive:
        yield Zipped(archive)


class Npz(OwnArrays):
    """The images of an .npz file."""

    label: ClassVar[str] = "Images of an .npz file"
    reference: ClassVar[str] = "A file of one's own."
    opened: ClassVar = staticmethod(opened)

    @classmethod
    def _wanted(cls) -> str:
        return "an .npz file"


dataset = Npz
