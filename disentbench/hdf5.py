"""HDF5 files, whole or not at all; what comes from outside is data. Only this file imports h5py."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from disentbench import files
from disentbench.errors import UserError
from disentbench.identities import Identity

Group, Dataset = h5py.Group, h5py.Dataset


class _Disk(io.FileIO):
    """A file that keeps its first error to itself, on a full disk say, until HDF5 has closed it.

    HDF5 cannot close a file that was not written: the process would die when it ends.
    """

    error: OSError | None = None

    def write(self, data) -> int:
        left = memoryview(data)
        while left and self.error is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self.error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        if self.error is not None:
            return self.tell()
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = error
            return self.tell()


@contextmanager
def create(path: Path | str, identity: Identity | None = None) -> Iterator[h5py.File]:
    """A new file, sealed, that appears when the block ends, and never if it raises."""
    with files.sealed(path, identity) as part, _Disk(part, "w+b") as disk:
        try:
            with h5py.File(disk, "w") as file:
                yield file
        finally:
            if disk.error is not None:
                raise disk.error


@contextmanager
def open_checked(path: Path | str) -> Iterator[h5py.File]:
    """The same as `open_data`, after a look at the seal: ours have one, others need not.

    It reads the whole file.
    """
    if files.in_workflow() or files.is_sealed(path):
        files.check_seal(path)
    with open_data(path) as file:
        yield file


@contextmanager
def open_data(path: Path | str) -> Iterator[h5py.File]:
    """A file from outside, to read: whatever would make HDF5 open another file is refused."""
    with _open(Path(path)) as file:
        if wrong := _leads_out(file):
            raise UserError(f"{path}: {wrong}; copy the values into the file instead")
        yield file


def array(group: Group, name: str) -> np.ndarray:
    """The whole of a dataset."""
    return _values(group, name, ())


def row(group: Group, name: str, index: int) -> np.ndarray:
    """One entry of a dataset's first axis; nothing else of it is read."""
    return _values(group, name, index)


def dimensions(group: Group, name: str) -> int:
    """How many axes a dataset has."""
    return _dataset(group, name).ndim


def attribute(group: Group | h5py.Dataset, name: str):
    """An attribute: text as str, a list of text as a tuple of str, numbers as NumPy has them."""
    if name not in group.attrs:
        there = ", ".join(group.attrs) or "none"
        raise UserError(f"{group.file.filename} has no attribute {name!r}; it has {there}")
    value = group.attrs[name]
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return tuple(_text(each) for each in value.ravel())
    return _text(value)


def json_attribute(group: Group | h5py.Dataset, name: str) -> dict:
    """An attribute that holds a JSON object."""
    try:
        return json.loads(attribute(group, name))
    except (TypeError, ValueError) as error:
        raise UserError(f"{group.file.filename}: attribute {name!r} is not JSON") from error


def label_axes(dataset: h5py.Dataset, *labels: str) -> None:
    """Name the axes, so that a viewer says what they are."""
    for axis, label in zip(dataset.dims, labels, strict=True):
        axis.label = label


def _dataset(group: Group, name: str) -> h5py.Dataset:
    if not isinstance(group.get(name), h5py.Dataset):
        there = ", ".join(group) or "nothing"
        raise UserError(f"{group.file.filename} has no dataset {name!r}; it holds {there}")
    return group[name]


def _values(group: Group, name: str, index: int | tuple) -> np.ndarray:
    dataset = _dataset(group, name)
    try:
        return np.asarray(dataset[index])
    except (IndexError, MemoryError, OSError, ValueError) as error:
        raise UserError(f"{group.file.filename} is damaged: {name!r} cannot be read") from error


def _open(path: Path) -> h5py.File:
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if not path.is_file():
        raise UserError(f"{path} is not a file; name an HDF5 file")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read; ask its owner for permission")
    if not h5py.is_hdf5(path):
        raise UserError(f"{path} is not an HDF5 file")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} is truncated or damaged: HDF5 cannot open it") from error


def _leads_out(file: h5py.File) -> str | None:
    """What in the file would make HDF5 open another one.

    The visitors return what they find: an exception inside h5py's visit comes out as SystemError.
    """
    try:
        return file.visititems_links(_link_out) or file.visititems(_foreign_storage)
    except (OSError, RuntimeError, SystemError, TypeError, ValueError) as error:
        raise UserError(f"{file.filename} is damaged: HDF5 cannot list its content") from error


def _link_out(name: str, link) -> str | None:
    """A soft link needs no check: it leaves the file only through an external one."""
    external = isinstance(link, h5py.ExternalLink)
    return f"{name!r} is a link to another file, {link.filename}" if external else None


def _foreign_storage(name: str, item: Group | h5py.Dataset) -> str | None:
    foreign = isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
    return f"{name!r} keeps its values in other files" if foreign else None


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
