"""Text of any length in an HDF5 file, where few bytes may claim to be much: many may be one.

Such a dataset holds where each text lies, and its length. No text is longer than the file is.
"""

from collections.abc import Iterator
from math import prod

import h5py
import numpy as np

from disentbench.errors import UserError
from disentbench.storage import limits

LONGEST = 4000  # bytes of a text
BLOCK_BYTES = 2**26  # of text that may come at once
MOST_BYTES = 2**28  # of all texts that differ
MOST_READS = 100_000


def is_text(dataset: h5py.Dataset) -> bool:
    """Whether values are text of any length; Python's objects may be other things, too."""
    return h5py.check_string_dtype(dataset.dtype) is not None


def texts(dataset: h5py.Dataset) -> np.ndarray:
    """All texts, as bytes, those that are alike once in memory; a UserError names a long one."""
    where = f"{dataset.file.filename}: {dataset.name!r}"
    count = _at_once(dataset, where)
    known: dict[bytes, bytes] = {}
    texts, taken = np.empty(dataset.shape, object), 0
    for place in _places(dataset.shape or (), count):
        block = np.asarray(dataset[place])
        for at, text in np.ndenumerate(block):
            if len(text) > LONGEST:
                row = (place[0].start if place else 0) + (at[0] if at else 0)
                raise _too_long(where, int(row), len(text))
            taken += 0 if text in known else len(text)
            block[at] = known.setdefault(text, text)
        if taken > MOST_BYTES:
            raise UserError(
                f"{where} holds texts of more than {limits.shown(MOST_BYTES)}, which are no classes"
            )
        texts[place] = block
    return texts


def _at_once(dataset: h5py.Dataset, where: str) -> int:
    """How many texts may be read together, whatever they claim."""
    if (lengths := _lengths(dataset)) is not None:
        odd = lengths > LONGEST
        if odd.any():
            at = np.unravel_index(int(odd.argmax()), lengths.shape)
            raise _too_long(where, int(at[0]) if at else 0, int(lengths[at]))
        return BLOCK_BYTES // LONGEST
    count = max(1, BLOCK_BYTES // dataset.file.id.get_filesize())
    if (dataset.size or 0) > MOST_READS * count:
        raise UserError(
            f"{where} lies in chunks and is read text by text; write it without chunks, or as "
            "numbers and what they stand for"
        )
    return count


def _lengths(dataset: h5py.Dataset) -> np.ndarray | None:
    """The length of each text, as the file says it; None where that is not there to be seen."""
    if not dataset.size or (offset := dataset.id.get_offset()) is None:
        return None
    size = dataset.id.get_storage_size() // dataset.size
    stored = np.memmap(dataset.file.filename, "u1", "r", offset, (dataset.size, size))
    return np.ascontiguousarray(stored[:, :4]).view("<u4").reshape(dataset.shape)


def _places(shape: tuple[int, ...], count: int) -> Iterator[tuple]:
    """Parts of an array that have at most `count` entries each: some rows, or parts of one."""
    if not shape:
        yield ()
        return
    each = prod(shape[1:])
    rows = max(1, count // max(1, each))
    for first in range(0, shape[0], rows):
        here = slice(first, min(first + rows, shape[0]))
        for rest in _places(shape[1:], count) if each > count else [()]:
            yield (here, *rest)


def _too_long(where: str, row: int, length: int) -> UserError:
    return UserError(
        f"{where} has in row {row} a text of {length:,} bytes; at most {LONGEST:,} will do"
    )
