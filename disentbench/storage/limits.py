"""What is asked of a file from outside before it is read: its kind, and how much it claims."""

import os
import re
import stat
import zipfile
from pathlib import Path

from disentbench.errors import UserError

MEMORY = 2 * 2**30  # bytes that the arrays of one file may take in memory, unless more is allowed
MOST_RUNS = 10_000  # of one file
MOST_COLUMNS = 10_000  # latents, factors or columns of one file
LONGEST_PATH, LONGEST_NAME = 4095, 255  # bytes of a path and of each name in it
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind(path: Path) -> str | None:
    """What stands there that is no regular file, in words."""
    mode = path.stat().st_mode if path.exists() else stat.S_IFREG
    return None if stat.S_ISREG(mode) else KINDS.get(stat.S_IFMT(mode), "no regular file")


def regular(path: str | Path, what: str = "a file") -> Path:
    """The path, if a regular file that may be read is there: others may have no end."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path} does not exist") from None
    except OSError as error:  # a link that leads to itself, say
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        kind = KINDS.get(stat.S_IFMT(mode), "no regular file")
        raise UserError(f"{path}, {kind}, is not a file; name {what}")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read; ask its owner for permission")
    return path


def named(path: Path) -> Path:
    """A path as it is given, if a file can have it; a UserError for what no file system takes."""
    try:
        text = str(path).encode()
    except UnicodeEncodeError:  # half a character
        text = b"\0"
    if b"\0" in text:
        raise UserError(
            f"{_shown_path(path)} cannot be a path: it has characters that no name of a file has"
        )
    if len(text) > LONGEST_PATH or any(len(name) > LONGEST_NAME for name in text.split(b"/")):
        raise UserError(
            f"{_shown_path(path)} cannot be a path: it has more than {LONGEST_PATH:,} bytes, or a "
            f"name in it more than {LONGEST_NAME}"
        )
    return path


def expanded(path: Path) -> Path:
    """A path with `~` filled in; a UserError where nobody knows whose home is meant."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise UserError(
            f"{path} begins with the home of a user who is not known here; name the whole path"
        ) from None


def _shown_path(path: Path) -> str:
    """A path as Python writes it, cut where it is long."""
    text = repr(str(path))
    return text if len(text) <= 120 else f"{text[:80]} ... {text[-30:]}"


def require_unpacked(path: Path) -> None:
    """Refuse an archive, as torch writes models, that holds more than its file: ours do not."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            held = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UserError(f"{path} is no whole archive: {error}") from None
    if held > (size := path.stat().st_size):
        raise UserError(f"{path} has {shown(size)} and unpacks to {shown(held)}; ours are as saved")


def require_memory(path: str | Path, claimed: int, memory: int) -> None:
    """Refuse a file whose arrays take more bytes than are allowed."""
    if claimed > memory:
        raise UserError(
            f"{path} would take {shown(claimed)} of memory to read, and {shown(memory)} are "
            f"allowed; if that is meant, allow more with --max-memory {_rounded_up(claimed)}"
        )


def require_count(path: str | Path, number: int, most: int, things: str) -> None:
    """Refuse a file that claims more runs, latents, factors or columns than anybody means."""
    if number > most:
        raise UserError(f"{path} claims {number:,} {things}; one file may have at most {most:,}")


def physical() -> int:
    """The memory of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def memory(text: str) -> int:
    """Bytes, as `500M` or `8G` says them; a ValueError for what says none."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if not match or not (number := int(float(match[1]) * UNITS[match[2].upper()])):
        raise ValueError(f"{text!r} is no size; write it like 500M or 8G")
    return number


def shown(size: int | float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def _rounded_up(size: int) -> str:
    unit = "M" if size < UNITS["G"] else "G"
    return f"{-(-size // UNITS[unit])}{unit}"
