"""HDF5 files, whole or not at all; what comes from outside is data. Only this file imports h5py."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import h5py
import numpy as np

from disentbench.errors import UserError

Group = h5py.Group


@contextmanager
def create(path: Path | str) -> Iterator[h5py.File]:
    """A new file that appears under `path` when the block ends, and never if it raises.

    It is written beside its final place, since a rename is atomic only within one file system.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with h5py.File(part, "x") as file:
            yield file
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def open_data(path: Path | str) -> Iterator[h5py.File]:
    """A file from outside, to read: whatever would make HDF5 open another file is refused."""
    with _open(Path(path)) as file:
        try:
            file.visititems_links(_refuse_link)
            file.visititems(_refuse_foreign_storage)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{path} is damaged: HDF5 cannot list what it holds") from error
        yield file


def array(group: Group, name: str) -> np.ndarray:
    """The whole of a dataset."""
    if not isinstance(group.get(name), h5py.Dataset):
        there = ", ".join(group) or "nothing"
        raise UserError(f"{group.file.filename} has no dataset {name!r}; it holds {there}")
    try:
        return group[name][()]
    except (OSError, MemoryError) as error:
        raise UserError(f"{group.file.filename} is damaged: {name!r} cannot be read") from error


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


def _sync(path: Path) -> None:
    """Have the system put a file or a folder's entries on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def _refuse_link(name: str, link) -> None:
    """Only links within the file may pass; a soft link leaves it only through an external one."""
    if isinstance(link, h5py.ExternalLink):
        raise UserError(
            f"{name!r} is a link to another file, {link.filename}; copy what it names in instead"
        )


def _refuse_foreign_storage(name: str, item: Group | h5py.Dataset) -> None:
    if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
        raise UserError(f"{name!r} keeps its values in other files; copy them in instead")


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
