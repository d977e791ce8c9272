"""How a dataset is stored in an HDF5 file: looked at before anything of it is read."""

from math import ceil, prod

import h5py

from disentbench.errors import UserError
from disentbench.storage import limits

MOST_IN_CHUNKS = 2**29  # bytes of the rows that lie in one row of chunks


def rows_at_once(dataset: h5py.Dataset, name: str, size: int) -> int:
    """How many rows are about `size` bytes, chunks as a whole.

    A UserError for chunks that are too large, and those of a filter that is not there.
    """
    count, *row = dataset.shape
    chunk = dataset.chunks[0] if dataset.chunks else 1
    row_bytes = max(1, prod(row) * dataset.dtype.itemsize)
    unpacked = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if (least := max(unpacked, min(chunk, count) * row_bytes)) > MOST_IN_CHUNKS:
        raise UserError(
            f"{dataset.file.filename}: {name} lies in chunks of {chunk:,} rows, which take "
            f"{limits.shown(least)} of memory; write it in smaller ones (h5repack -l CHUNK=...)"
        )
    if missing := missing_filter(dataset):
        raise not_installed(dataset, name, missing)
    return max(chunk, size // row_bytes // chunk * chunk)


def require_stored(dataset: h5py.Dataset) -> None:
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
        raise damaged(dataset, dataset.name) from error


def missing_filter(dataset: h5py.Dataset) -> str | None:
    """The first filter that a dataset was written with and that is not there to read it."""
    plan = dataset.id.get_create_plist()
    for code, _, _, name in map(plan.get_filter, range(plan.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            return f"{name.decode('utf-8', 'replace') or 'unknown'} ({code})"
    return None


def not_installed(dataset: h5py.Dataset, name: str, missing: str) -> UserError:
    """What to raise for values that were compressed with such a filter."""
    return UserError(
        f"{dataset.file.filename}: {name!r} is compressed with the filter {missing}, which is not "
        "installed here; write it with gzip (h5repack -f GZIP=4)"
    )


def damaged(group: h5py.Group | h5py.Dataset, name: str) -> UserError:
    """What to raise for values that HDF5 cannot read."""
    return UserError(f"{group.file.filename} is damaged: {name!r} cannot be read")
