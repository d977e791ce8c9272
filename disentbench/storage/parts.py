"""What has come of a file that is being downloaded, in NAME.part, and where it is from.

That is said in NAME.part.json.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from pydantic import TypeAdapter

from disentbench.errors import UserError


class Origin(NamedTuple):
    """Where a part is from: the address, what its server says of the version, bytes of the whole.

    The version is a strong ETag or else the time of the last change; '' if nothing was said.
    `ranges`: whether the server has said that it gives rests.
    """

    url: str
    version: str
    total: int | None
    ranges: bool = False


def part_of(path: Path) -> Path:
    """Where what has come of a file is."""
    return path.with_name(f"{path.name}.part")


def origin_of(part: Path) -> Path:
    """Where it is said from where a part is."""
    return part.with_name(f"{part.name}.json")


def known_origin(part: Path) -> Origin | None:
    """Where a part is from; None if that is not known, and it cannot be gone on with."""
    try:
        return TypeAdapter(Origin).validate_json(origin_of(part).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def note(part: Path, said: Origin) -> None:
    """Write down where a part is from."""
    origin_of(part).write_bytes(TypeAdapter(Origin).dump_json(said))


def is_begun(path: Path) -> bool:
    """Whether some of a file has come, and not all."""
    return part_of(path).exists()


def can_go_on(path: Path, urls: tuple[str, ...], checksum: str | None) -> bool:
    """Whether what has come of a file is of use: its server gives the rest, surely of the same."""
    origin = known_origin(part_of(path))
    if origin is None or not part_of(path).exists():
        return False
    if origin.total == part_of(path).stat().st_size:  # it was not checked yet
        return True
    same = origin.url in urls and bool(origin.version)
    return origin.ranges and (bool(checksum) or same)


@contextmanager
def held(part: Path) -> Iterator[IO[bytes]]:
    """A part to append to, which no other process writes; gone afterwards if nothing came."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process downloads to {part}; let it end, then run this again"
            ) from None
        except OSError:  # a file system without locks
            pass
        try:
            yield file
        finally:
            if part.exists() and not part.stat().st_size:
                part.unlink()
            if not part.exists():
                origin_of(part).unlink(missing_ok=True)


def same_file(part: Path, output: str) -> None:
    """Have another name for a part; a copy where the file system knows one name only."""
    os.unlink(output)
    try:
        os.link(part, output)
    except OSError:
        shutil.copyfile(part, output)
