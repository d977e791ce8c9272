"""NumPy's files from outside, as data: what an array claims is looked at before it is read."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from disentbench.errors import UserError
from disentbench.storage import limits

LONGEST_HEADER = 10_000  # bytes; numpy's own bound, which it looks at after reading
PIECE_BYTES = 2**20  # that are asked of a stream at a time
DATA_STARTS = 8  # bytes that even the shortest file of an array has before its values

Stream = io.BufferedIOBase | IO[bytes]  # an array of an archive is the latter


class Header(NamedTuple):
    """What stands before the values of an array."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """How much memory the values take."""
        return prod(self.shape) * self.dtype.itemsize


def header(stream: Stream) -> Header:
    """The header of an .npy stream, which then stands at the first value."""
    of = np.lib.format
    first = of.read_magic(stream) == (1, 0)
    size = stream.read(2 if first else 4)
    if (length := int.from_bytes(size, "little")) > LONGEST_HEADER:
        raise ValueError(f"its header claims {limits.shown(length)}, where a few hundred bytes do")
    stream.seek(-len(size), io.SEEK_CUR)
    claimed = Header(*(of.read_array_header_1_0 if first else of.read_array_header_2_0)(stream))
    if min(claimed.shape, default=0) < 0:
        raise ValueError(f"an array claims the shape {claimed.shape}")
    if claimed.dtype.hasobject:
        raise ValueError("it holds Python objects, which are never loaded")
    return claimed


def npy(path: Path, memory: int = limits.MEMORY) -> np.ndarray:
    """The array of an .npy file."""
    limits.regular(path, "an .npy file")
    with _as_file(path, ".npy"), path.open("rb") as stream:
        claimed = header(stream)
        _require_held(claimed, path.stat().st_size, path.name)
        limits.require_memory(path, claimed.bytes, memory)
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)


def npz(path: Path, names: Sequence[str], memory: int = limits.MEMORY) -> dict[str, np.ndarray]:
    """Those arrays of an .npz file that have one of these names and are there."""
    with opened(path) as archive:
        there = [name for name in names if name in held(archive)]
        claims = {name: member_header(archive, name) for name in there}
        limits.require_memory(path, sum(claim.bytes for claim in claims.values()), memory)
        if len(shape := claims["mean"].shape if "mean" in claims else ()) == 3:
            limits.require_count(path, shape[0], limits.MOST_RUNS, "runs")
        return {name: read_member(archive, name) for name in there}


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever is wrong with it is said in one sentence."""
    limits.regular(path, "an .npz file")
    with _as_file(path, ".npz"), zipfile.ZipFile(path) as archive:
        yield archive


def held(archive: zipfile.ZipFile) -> list[str]:
    """The names of the arrays of an archive."""
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{archive.filename} has two arrays of the name {double!r}")
    return names


def member_header(archive: zipfile.ZipFile, name: str) -> Header:
    """What an array of an archive claims, which the archive must hold."""
    with archive.open(f"{name}.npy") as stream:
        claimed = header(stream)
    _require_held(claimed, archive.getinfo(f"{name}.npy").file_size, name)
    return claimed


def read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of an archive, pickles never loaded."""
    with archive.open(f"{name}.npy") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def require_in_order(archive: zipfile.ZipFile, name: str) -> Header:
    """The header of an array that can be read along its first axis, part by part."""
    claimed = member_header(archive, name)
    if claimed.fortran:
        raise UserError(
            f"{archive.filename}: {name} lies in Fortran's order, the first axis fastest, and "
            f"cannot be read in parts; save np.ascontiguousarray({name})"
        )
    return claimed


def member_blocks(archive: zipfile.ZipFile, name: str, size: int) -> Iterator[np.ndarray]:
    """An array of an archive along its first axis, about `size` bytes of it at a time."""
    claimed = require_in_order(archive, name)
    count, *row = claimed.shape
    rows = max(1, size // max(1, prod(row) * claimed.dtype.itemsize))
    with archive.open(f"{name}.npy") as stream:
        header(stream)
        for first in range(0, count, rows):
            block = np.empty((min(rows, count - first), *row), claimed.dtype)
            try:
                fill(stream, block)
            except EOFError as error:
                raise UserError(f"{archive.filename}: {name} is truncated: {error}") from None
            yield block
        if stream.read(1):  # at its end, too, the archive's checksum is looked at
            raise UserError(f"{archive.filename}: {name} goes on after its {count} rows")


def fill(stream: Stream, values: np.ndarray) -> None:
    """Read the next values of an array, as many as a contiguous one has; an EOFError if they end.

    They come piece by piece: asked for all at once, an archive holds them twice.
    """
    to_come = values.reshape(-1).view(np.uint8)
    while len(to_come):
        piece = stream.read(min(len(to_come), PIECE_BYTES))
        if not piece:
            raise EOFError(f"it ends {limits.shown(len(to_come))} too early")
        to_come[: len(piece)] = np.frombuffer(piece, np.uint8)
        to_come = to_come[len(piece) :]


def skip(stream: Stream, size: int) -> None:
    """Pass over the next `size` bytes, piece by piece likewise."""
    while size > 0:
        stream.seek(min(size, PIECE_BYTES), io.SEEK_CUR)
        size -= PIECE_BYTES


def _require_held(claimed: Header, size: int, name: str) -> None:
    if claimed.bytes + DATA_STARTS > size:
        raise ValueError(f"{name} claims {claimed.bytes:,} bytes of values, and {size:,} are there")


@contextmanager
def _as_file(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # a mangled file fails in many ways, all of them the file's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read as {kind}: {reason}") from None
