"""What a file says it is: a few words under a few keys, as JSON, where its readers do not look.

A sealed file has them before its seal. Of tables they are a comment before the checksums beside
them, `# DIGEST  {...}`, with a digest of its own; sha256sum passes over it.
"""

import hashlib
import json
import os
from pathlib import Path

Identity = dict[str, str]

MARK = b"disentbench identity "
MOST = 4096  # bytes


def trailer(identity: Identity | None) -> bytes:
    """What stands before the seal; nothing where nothing is to be said."""
    return b"" if identity is None else MARK + _text(identity).encode()


def before_end(path: Path, seal: int) -> Identity | None:
    """What a file says before a seal of so many bytes; None if it says nothing."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MOST - seal))
            end = file.read()
    except OSError:
        return None
    return _parsed(end[: len(end) - seal].rpartition(MARK)[2])


def comment(identity: Identity) -> str:
    """The line that says it before checksums."""
    text = _text(identity)
    return f"# {_digest(text)}  {text}"


def holds(line: str) -> bool:
    """Whether such a line is as it was written."""
    _, digest, text = [*line.split(" ", 2), "", ""][:3]
    return _digest(text.removeprefix(" ")) == digest


def in_comment(sums: Path) -> Identity | None:
    """What a file of checksums says that it is for; None if it says nothing."""
    try:
        with sums.open("rb") as file:
            line = file.readline(MOST).decode(errors="replace").rstrip("\n")
    except OSError:
        return None
    return _parsed(line.partition("  ")[2]) if line.startswith("#") and holds(line) else None


def _parsed(text: str | bytes) -> Identity | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(identity: Identity) -> str:
    return json.dumps(identity, sort_keys=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
