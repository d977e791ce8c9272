"""Archives from outside, as data: members are read one by one, and nothing is put on the disk."""

import gzip
import tarfile
import zlib
from collections.abc import Container, Iterator
from pathlib import Path, PurePosixPath

from disentbench.errors import UserError
from disentbench.storage import limits

MOST_MEMBERS = 100_000


class _Unpacked(gzip.GzipFile):
    """A compressed file of which nobody reads more than so many bytes at once.

    A tar's headers, too, may claim any length.
    """

    most: int

    def read(self, size: int | None = -1) -> bytes:
        _require_size(size, self.most)
        return super().read(size)


def members(path: Path, wanted: Container[str], most: int) -> Iterator[tuple[str, bytes]]:
    """The files of a .tar.gz that have one of these names, with their bytes, in its order.

    None has more than `most` bytes. Names are as in the archive, without a "./" before them; links
    and folders are no files.
    """
    limits.regular(path, "a .tar.gz file")
    try:
        with _Unpacked(path, "rb") as unpacked:
            unpacked.most = most
            with tarfile.open(fileobj=unpacked, mode="r:") as archive:
                yield from _files(archive, wanted, most)
    except (EOFError, OSError, tarfile.TarError, ValueError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} cannot be read as .tar.gz: {reason}") from None


def _files(
    archive: tarfile.TarFile, wanted: Container[str], most: int
) -> Iterator[tuple[str, bytes]]:
    for count, member in enumerate(archive):
        if count == MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS:,} members")
        name = str(PurePosixPath(member.name))
        if member.isreg() and not member.issparse() and name in wanted:
            _require_size(member.size, most)
            content = archive.extractfile(member)
            assert content is not None  # of a file
            yield name, content.read(member.size)


def _require_size(size: int | None, most: int) -> None:
    if size is None or not 0 <= size <= most:
        raise ValueError(
            f"a member claims {size or 0:,} bytes, where at most {most:,} are expected"
        )
