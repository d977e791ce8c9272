"""Files that show when they are damaged, and say what they are.

A binary file ends with its seal, the SHA-256 of all that stands before: readers of HDF5 ignore what
follows the data, and in a zip archive, such as torch writes, it is the comment. Tables have theirs
in a file beside them, as sha256sum writes and checks it: of mig.csv and mig.json in mig.sha256.

With it stands what a file says it is, its identity: before the seal and within what it seals, or in
the first line of the checksums.
"""

import errno
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from disentbench.errors import UserError
from disentbench.storage import identities, limits
from disentbench.storage.files import in_workflow, refused, whole
from disentbench.storage.identities import Identity

MARK = b"disentbench sha256 "


DIGITS = 64  # of a SHA-256 in hexadecimal


SEAL_BYTES = len(MARK) + DIGITS


SEALED = (".h5", ".pt")


TABLES = (".csv", ".json", ".parquet", ".html")


ZIP_END, ZIP_END_BYTES = b"PK\x05\x06", 22


@contextmanager
def sealed(path: str | Path, identity: Identity | None = None) -> Iterator[Path]:
    """A temporary name for a binary file, which will end with its identity and its seal."""
    with whole(path) as temporary:
        yield temporary
        _seal(temporary, identities.trailer(identity))


def check_seal(path: str | Path) -> None:
    """Refuse a file that does not end with its seal, or whose content is another."""
    if not Path(path).exists():
        limits.regular(path)
    if not intact(Path(path)):
        raise damaged(Path(path))
    limits.require_unpacked(Path(path))


def is_sealed(path: str | Path) -> bool:
    """Whether a file ends with a seal, be it the right one."""
    if not Path(path).is_file():
        return False
    with _opened(Path(path)) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - SEAL_BYTES))
        return file.read().startswith(MARK) and size > SEAL_BYTES


def write_sums(first: Path, *others: Path, identity: Identity | None = None) -> None:
    """Write the checksums of what one command has written, beside `first` and named as it is.

    First of all, what they are: sha256sum passes over lines that begin with a #.
    """
    lines = [f"{_line(path, first.parent)}\n" for path in (first, *others)]
    with whole(sums_of(first)) as temporary:
        temporary.write_text(identities.commented(identity, "".join(lines)))


def identity(path: Path) -> Identity | None:
    """What a file says it is; None where it says nothing that can be read. Reads no more than that.

    Whether the file is whole is another question.
    """
    if path.suffix in TABLES:
        return identities.in_comment(sums_of(path))
    return identities.before_end(path, SEAL_BYTES)


def checked(path: Path) -> Path:
    """A table's path, if its content is what the file of checksums beside it says.

    Where there is none, as beside tables from elsewhere, nothing is checked; in a workflow's job it
    must be there.
    """
    sums = sums_of(path)
    if path.exists() and not path.is_file():
        raise damaged(path)
    limits.regular(path, "a table")
    if sums.exists() or in_workflow():
        listed = sums.read_text(errors="replace") if sums.is_file() else ""
        if _line(path, path.parent) not in listed.splitlines():
            raise damaged(path)
    return path


def all_damaged(folder: Path) -> list[Path]:
    """Every damaged file below a folder: sealed ones, and tables with checksums beside them.

    What stands where such a file should be, a folder say, counts as one.
    """
    kinds = (*SEALED, *TABLES, ".sha256")
    paths = sorted(path for path in folder.rglob("[!.]*") if path.suffix in kinds)
    bad_files = [path for path in paths if path.exists() and not path.is_file()]
    bad_files += [path for path in paths if path.suffix in SEALED and not intact(path)]
    bad_files += [bad for path in paths if path.suffix == ".sha256" for bad in _changed(path)]
    return list(dict.fromkeys(bad_files))


def intact(path: Path) -> bool:
    """Whether a file ends with its seal and the seal is right."""
    return is_sealed(path) and _seal_holds(path)


def _changed(sums: Path) -> list[Path]:
    """What a file of checksums shows to be damaged; all that it is for if it is damaged itself."""
    content = sums.read_text(errors="replace") if sums.is_file() else ""
    *lines, end = content.split("\n")
    if content.startswith("#"):
        lines = lines[1:] if identities.holds(content) else []
    sound = [line for line in lines if re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}  .+", line)]
    listed = [sums.parent / line[DIGITS + 2 :] for line in sound]
    beside = [path for path in sums.parent.glob(f"{sums.stem}.*") if path.suffix in TABLES]
    if end or len(listed) < max(len(lines), 1) or not set(beside) <= set(listed):
        return beside
    if not all(path.is_file() for path in listed):  # gone, or another name was written
        return beside
    return [path for path in listed if _line(path, sums.parent) not in lines]


def sums_of(path: Path) -> Path:
    """Where the checksum of a table stands."""
    return path.with_suffix(".sha256")


def damaged(path: Path) -> UserError:
    """What to raise for a damaged file; says how it is made again."""
    kind = limits.kind(path)
    why = f"it is {kind}, no file" if kind else "its content is not what its checksum says"
    return refused(path, f"is damaged: {why}")


def _seal(path: Path, trailer: bytes) -> None:
    """Add what a file says it is, and the digest of all."""
    with path.open("r+b") as file:
        file.seek(-min(ZIP_END_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        if file.read().startswith(ZIP_END):
            file.seek(-2, os.SEEK_END)  # the length of the archive's comment
            file.write((len(trailer) + SEAL_BYTES).to_bytes(2, "little"))
        file.seek(0, os.SEEK_END)
        file.write(trailer)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, os.SEEK_END)
        file.write(MARK + digest.encode())


def _seal_holds(path: Path) -> bool:
    with _opened(path) as file:
        content = hashlib.sha256()
        left = file.seek(0, os.SEEK_END) - SEAL_BYTES
        file.seek(0)
        while left and (block := file.read(min(left, 2**20))):
            content.update(block)
            left -= len(block)
        return file.read() == MARK + content.hexdigest().encode()


def _line(path: Path, folder: Path) -> str:
    """What sha256sum writes of a file."""
    with _opened(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{digest}  {path.relative_to(folder).as_posix()}"


def _opened(path: Path) -> BufferedReader:
    """A file to read; on a network file system a handle may be stale once, when it was replaced."""
    for wait in (0.1, 1, 5):
        try:
            return path.open("rb")
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            time.sleep(wait)
    return path.open("rb")
