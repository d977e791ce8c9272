"""HDF5 files, whole or not at all; what comes from outside is data.

Only this file and hdf5_links.py import h5py.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from disentbench.errors import UserError
from disentbench.storage import files, hdf5_links, limits, seals
from disentbench.storage.identities import Identity

File, Group, Dataset = h5py.File, h5py.Group, h5py.Dataset
TEXT = h5py.string_dtype()
MOST_IN_ATTRIBUTE = 100_000  # values
MOST_IN_CHUNKS = 2**29  # bytes of the rows that lie in one row of chunks


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
    """The whole of a dataset."""
    return _values(group, name, ())


def contiguous(group: Group, name: str) -> bool:
    """Whether a dataset lies in its file in one piece, as it is."""
    return _dataset(group, name).id.get_offset() is not None


def mapping(group: Group, name: str) -> np.ndarray:
    """The whole of a contiguous dataset, mapped to be read: where it is looked at it is shared by
    all processes of a machine. It may be larger than their memory."""
    dataset = _dataset(group, name)
    _require_stored(dataset)
    offset = dataset.id.get_offset()
    return np.memmap(group.file.filename, dataset.dtype, "r", offset, dataset.shape)


def row(group: Group, name: str, index: int) -> np.ndarray:
    """One entry of a dataset's first axis; nothing else of it is read."""
    return _values(group, name, index)


def blocks(group: Group, name: str, size: int) -> Iterator[np.ndarray]:
    """A dataset along its first axis, about `size` bytes at a time, and chunks as a whole."""
    dataset = _dataset(group, name)
    _require_stored(dataset)
    count, *row = dataset.shape
    chunk = dataset.chunks[0] if dataset.chunks else 1
    row_bytes = max(1, prod(row) * dataset.dtype.itemsize)
    unpacked = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if (least := max(unpacked, min(chunk, count) * row_bytes)) > MOST_IN_CHUNKS:
        raise UserError(
            f"{group.file.filename}: {name} lies in chunks of {chunk:,} rows, which take "
            f"{limits.shown(least)} of memory; write it in smaller ones (h5repack -l CHUNK=...)"
        )
    rows = max(chunk, size // row_bytes // chunk * chunk)
    for first in range(0, count, rows):
        yield _read(dataset, name, slice(first, first + rows))


def rows(group: Group, name: str, first: int, last: int) -> np.ndarray:
    """Entries `first` to `last` - 1 of a dataset's first axis; nothing else of it is read."""
    return _values(group, name, (slice(first, last),))


def dtype(group: Group, name: str) -> np.dtype:
    """The kind of a dataset's values."""
    dataset = _dataset(group, name)
    try:
        return dataset.dtype
    except (TypeError, ValueError) as error:  # numbers that NumPy does not know
        raise _damaged(group, name) from error


def shape(group: Group, name: str) -> tuple[int, ...]:
    """The size of each axis of a dataset."""
    return _dataset(group, name).shape or ()


def names(group: Group, name: str) -> list[str]:
    """What a group holds that may be there."""
    if name not in group:
        return []
    if not isinstance(group[name], h5py.Group):
        raise UserError(
            f"{group.file.filename}: {name} must be a group of datasets, not one itself"
        )
    return list(group[name])


def claim(group: Group, name: str, *, one: bool = False) -> int:
    """How many bytes it takes to read a dataset, or `one` entry of its first axis.

    A compressed chunk is unpacked whole. A shape that the storage does not hold is refused: HDF5
    makes up what was never written.
    """
    dataset = _dataset(group, name)
    _require_stored(dataset)
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
    if not isinstance(group.get(name), h5py.Dataset):
        there = ", ".join(group) or "nothing"
        raise UserError(f"{group.file.filename} has no dataset {name!r}; it holds {there}")
    return group[name]


def _values(group: Group, name: str, index: int | tuple) -> np.ndarray:
    dataset = _dataset(group, name)
    _require_stored(dataset)
    return _read(dataset, name, index)


def _read(dataset: h5py.Dataset, name: str, index: int | tuple | slice) -> np.ndarray:
    try:
        return np.asarray(dataset[index])
    except (IndexError, MemoryError, OSError, ValueError) as error:
        if missing := _missing_filter(dataset):
            raise UserError(
                f"{dataset.file.filename}: {name!r} is compressed with the filter {missing}, which "
                "is not installed here; write it with gzip (h5repack -f GZIP=4)"
            ) from error
        raise _damaged(dataset, name) from error


def _damaged(group: Group | h5py.Dataset, name: str) -> UserError:
    return UserError(f"{group.file.filename} is damaged: {name!r} cannot be read")


def _missing_filter(dataset: h5py.Dataset) -> str | None:
    """The first filter that a dataset was written with and that is not there to read it."""
    plan = dataset.id.get_create_plist()
    for code, _, _, name in map(plan.get_filter, range(plan.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            return f"{name.decode('utf-8', 'replace') or 'unknown'} ({code})"
    return None


def _require_stored(dataset: h5py.Dataset) -> None:
    """Refuse a dataset that claims values which the file does not hold."""
    if not dataset.size:
        return
    if dataset.chunks:
        expected = prod(ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
        whole = _count_of_chunks(dataset) >= expected
    else:
        whole = dataset.id.get_storage_size() >= dataset.size * dataset.dtype.itemsize
    if not whole:
        stored = limits.shown(dataset.id.get_storage_size())
        raise UserError(
            f"{dataset.file.filename}: {dataset.name!r} claims {dataset.shape} values, and not all "
            f"of them were written ({stored} are stored)"
        )


def _count_of_chunks(dataset: h5py.Dataset) -> int:
    try:
        return dataset.id.get_num_chunks()
    except RuntimeError as error:
        raise _damaged(dataset.file, dataset.name) from error


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
