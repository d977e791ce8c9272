"""Files that are either whole or absent; in a workflow, what is damaged moves aside."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from disentbench.errors import UserError
from disentbench.storage import limits

# Set in the jobs of a workflow: the command that runs it again. There, what is damaged is moved
# aside, so that the workflow finds it missing and makes it again.
RERUN = "DISENTBENCH_RERUN"


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; renamed when the block ends, removed if it fails.

    The temporary name keeps the suffix, by which some writers choose a format. What killed
    processes of this machine have left of theirs is removed.
    """
    path = Path(path)
    temporary = path.parent / f"{_start(path)}{os.getpid()}{path.suffix}"  # "" is a path, too
    try:
        make_room(path)
        _sweep(path)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:  # say the name that was asked for
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """An empty folder beside `path`, removed when the block ends, or swept like temporary files."""
    make_folder(path.parent)
    _sweep(path)
    folder = path.with_name(f"{_start(path)}{os.getpid()}{path.suffix}")
    folder.mkdir()
    try:
        with naming(path.parent, folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_room(path: Path) -> None:
    """Make the folder that a file will be in; in a workflow, a folder in its place moves aside.

    A device or a pipe is refused: a file would take its place.
    """
    make_folder(path.parent)
    if not path.is_dir():
        if what := limits.kind(path):
            raise UserError(f"{path} is {what}, and a file would take its place; name another")
        return
    if not in_workflow():
        raise IsADirectoryError(f"{path} is a folder, and files go there; move it away")
    print(f"{path} is a folder; it is now {set_aside(path).name}", file=sys.stderr)


def make_folder(folder: Path) -> None:
    """Make a folder with all above it, or say which of them is something else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        places = (folder, *folder.parents)
        other = next(place for place in places if os.path.lexists(place) and not place.is_dir())
        sentence = f"{other} is no folder, and files go below it; move it away"
        raise NotADirectoryError(sentence) from None


@contextmanager
def naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Have an error of the disk name `path` where it names nothing, or what will move there."""
    temporary = temporary or path
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        name = str(error.filename or temporary).replace(str(temporary), str(path), 1)
        raise OSError(error.errno, os.strerror(error.errno), name) from error


def in_workflow() -> bool:
    """Whether this is a job of the workflow, all of whose inputs are sealed."""
    return RERUN in os.environ


def refused(path: Path, why: str) -> UserError:
    """What to raise for a file of ours that cannot be used; a workflow's is moved aside."""
    if not in_workflow():
        remove = "rm" if path.is_file() else "rm -r"
        return UserError(
            f"{path} {why}; remove it ({remove} {path}) and run the study's workflow again"
        )
    aside = set_aside(path)
    again = f"it is now {aside.name}, and this makes it again: {rerun_command()}"
    return UserError(f"{path} {why}; {again}")


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, so that the workflow finds it missing."""
    aside, numbers = path.with_name(f"{path.name}.damaged"), count(2)
    while aside.is_dir() or (path.is_dir() and aside.exists()):  # a folder replaces nothing
        aside = path.with_name(f"{path.name}.damaged-{next(numbers)}")
    with suppress(FileNotFoundError):  # another job has found it, too
        path.replace(aside)
    return aside


def rerun_command() -> str:
    """What runs the workflow again."""
    return os.environ.get(RERUN, "snakemake --cores all --configfile STUDY")


def _sync_folder(folder: Path) -> None:
    """Make a renaming last through a crash of the machine, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _start(path: Path) -> str:
    """How the temporary names for `path` on this machine begin; the process and suffix follow."""
    return f".{path.stem}.{socket.gethostname()}-"


def _sweep(path: Path) -> None:
    """Remove what processes of this machine that have ended were writing to become `path`."""
    for other in path.parent.iterdir():
        if other.name.startswith(_start(path)) and other.name.endswith(path.suffix):
            pid = other.name.removeprefix(_start(path)).removesuffix(path.suffix)
            if pid.isdecimal() and not lives(int(pid)):
                shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)


def lives(pid: int) -> bool:
    """Whether a process of this machine has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True
