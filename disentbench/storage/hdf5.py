"""HDF5 files, whole or not at all; what comes from outside is data.

Only this file and its neighbours hdf5_*.py import h5py.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from disentbench.errors import UserError
from disentbench.storage import files, hdf5_links, hdf5_storage, hdf5_texts, limits, seals
from disentbench.storage.identities import Identity

File, Group, Dataset = h5py.File, h5py.Group, h5py.Dataset
TEXT = h5py.string_dtype()
MOST_IN_ATTRIBUTE = 100_000  # values


class _Disk(io.FileIO):
    """A file that keeps its first error to itself, on a full disk say, until HDF5 has closed it.

    HDF5 cannot close a file that was not written: the process would die when it ends.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
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
    with seals.sealed(path, identity) as temporary, _Disk(temporary, "w+b") as disk:
        try:
            with h5py.File(disk, "w") as file:
                yield file
        finally:
            if disk.error is not None:
                raise disk.error


@contextmanager
def open_checked(path: Path | str) -> Iterator[h5py.File]:
    """A file from outside to read, after a look at the seal: ours have one, others need not.

    It reads the whole file.
    """
    if files.in_workflow() or seals.is_sealed(path):
        seals.check_seal(path)
    with open_data(path) as file:
        yield file


@contextmanager
def open_data(path: Path | str) -> Iterator[h5py.File]:
    """A file from outside, to read: whatever would make HDF5 open another file is refused."""
    with _open(Path(path)) as file:
        if wrong := hdf5_links.leads_out(file):
            raise UserError(f"{path}: {wrong}; copy the values into the file instead")
        yield file


def is_ours(file: h5py.File) -> bool:
    """Whether a file is one that a study has made."""
    return "schema" in file.attrs


def array(group: Group, name: str) -> np.ndarray:
    """The whole of a dataset; of Python's objects, text alone."""
    dataset = _stored(group, name)
    if dataset.dtype.kind != "O":
        return _read(dataset, name, ())
    if not hdf5_texts.is_text(dataset):
        raise UserError(f"{group.file.filename}: {name!r} holds neither numbers nor text")
    try:
        return hdf5_texts.texts(dataset)
    except (MemoryError, OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise hdf5_storage.damaged(dataset, name) from error


def contiguous(group: Group, name: str) -> bool:
    """Whether a dataset lies in its file in one piece, as it is."""
    return _dataset(group, name).id.get_offset() is not None


def mapping(group: Group, name: str) -> np.ndarray:
    """The whole of a contiguous dataset, mapped to be read: where it is looked at it is shared by
    all processes of a machine. It may be larger than their memory."""
    dataset = _stored(group, name)
    offset = dataset.id.get_offset()
    return np.memmap(group.file.filename, dataset.dtype, "r", offset, dataset.shape)


def row(group: Group, name: str, index: int) -> np.ndarray:
    """One entry of a dataset's first axis; nothing else of it is read."""
    return _values(group, name, index)


def blocks(group: Group, name: str, size: int) -> Iterator[np.ndarray]:
    """A dataset along its first axis, about `size` bytes at a time, and chunks as a whole."""
    dataset = _stored(group, name)
    rows = rows_at_once(group, name, size)
    for first in range(0, len(dataset), rows):
        yield _read(dataset, name, slice(first, first + rows))


def rows_at_once(group: Group, name: str, size: int) -> int:
    """How many rows are about `size` bytes; a UserError for what cannot be read in such parts."""
    return hdf5_storage.rows_at_once(_stored(group, name), name, size)


def rows(group: Group, name: str, first: int, last: int) -> np.ndarray:
    """Entries `first` to `last` - 1 of a dataset's first axis; nothing else of it is read."""
    return _values(group, name, (slice(first, last),))


def dtype(group: Group, name: str) -> np.dtype:
    """The kind of a dataset's values."""
    dataset = _dataset(group, name)
    try:
        return dataset.dtype
    except (TypeError, ValueError) as error:  # numbers that NumPy does not know
        raise hdf5_storage.damaged(group, name) from error


def shape(group: Group, name: str) -> tuple[int, ...]:
    """The size of each axis of a dataset."""
    return _dataset(group, name).shape or ()


def names(group: Group, name: str) -> list[str]:
    """What a group holds that may be there."""
    if name not in group:
        return []
    if not isinstance(item := group.get(name), h5py.Group):
        raise UserError(
            f"{group.file.filename}: {name} must be a group of datasets, not {_kind(group, name)}"
        )
    return list(item)


def claim(group: Group, name: str, *, one: bool = False) -> int:
    """How many bytes it takes to read a dataset, or `one` entry of its first axis.

    A compressed chunk is unpacked whole. A shape that the storage does not hold is refused: HDF5
    makes up what was never written.
    """
    dataset = _stored(group, name)
    count = prod((dataset.shape or ())[1:]) if one else dataset.size or 0
    return max(count, prod(dataset.chunks or ())) * dataset.dtype.itemsize


def attribute(group: Group | h5py.Dataset, name: str) -> Any:
    """An attribute: text as str, a list of text as a tuple of str, numbers as NumPy has them."""
    if name not in group.attrs:
        there = ", ".join(group.attrs) or "none"
        raise UserError(f"{group.file.filename} has no attribute {name!r}; it has {there}")
    if prod(group.attrs.get_id(name).shape or ()) > MOST_IN_ATTRIBUTE:
        raise UserError(f"{group.file.filename}: the attribute {name!r} is too large")
    value = group.attrs[name]
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return tuple(_text(text) for text in value.ravel())
    return _text(value)


def json_attribute(group: Group | h5py.Dataset, name: str) -> dict:
    """An attribute that holds a JSON object."""
    text = attribute(group, name)
    try:
        value = json.loads(text)
    except (RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{group.file.filename}: attribute {name!r} is not JSON") from error
    if not isinstance(value, dict):
        raise UserError(f"{group.file.filename}: attribute {name!r} is no JSON object")
    return value


def label_axes(dataset: h5py.Dataset, *labels: str) -> None:
    """Name the axes, so that a viewer says what they are."""
    for axis, label in zip(dataset.dims, labels, strict=True):
        axis.label = label


def _dataset(group: Group, name: str) -> h5py.Dataset:
    if isinstance(item := group.get(name), h5py.Dataset):
        return item
    if name in group:
        raise UserError(
            f"{group.file.filename} has no dataset {name!r}: that is {_kind(group, name)}"
        )
    there = ", ".join(group) or "nothing"
    raise UserError(f"{group.file.filename} has no dataset {name!r}; it holds {there}")


def _kind(group: Group, name: str) -> str:
    """What stands under a name, in words."""
    link, item = group.get(name, getlink=True), group.get(name)
    if item is None:
        path = f"to {link.path!r}, " if isinstance(link, h5py.SoftLink) else ""
        return f"a link {path}where nothing is"
    kinds = {h5py.Group: "a group", h5py.Dataset: "one itself"}
    return next((words for kind, words in kinds.items() if isinstance(item, kind)), "a type")


def _stored(group: Group, name: str) -> h5py.Dataset:
    """A dataset all of whose values are in the file."""
    dataset = _dataset(group, name)
    hdf5_storage.require_stored(dataset)
    return dataset


def _values(group: Group, name: str, index: int | tuple) -> np.ndarray:
    return _read(_stored(group, name), name, index)


def _read(dataset: h5py.Dataset, name: str, index: int | tuple | slice) -> np.ndarray:
    try:
        return np.asarray(dataset[index])
    except (IndexError, MemoryError, OSError, ValueError) as error:
        if missing := hdf5_storage.missing_filter(dataset):
            raise hdf5_storage.not_installed(dataset, name, missing) from error
        raise hdf5_storage.damaged(dataset, name) from error


def _open(path: Path) -> h5py.File:
    limits.regular(path, "an HDF5 file")
    if not h5py.is_hdf5(path):
        raise UserError(f"{path} is not an HDF5 file")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} is truncated or damaged: HDF5 cannot open it") from error


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
