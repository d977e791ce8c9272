"""What a file says it is: a few words under a few keys, as JSON, where its readers do not look.

A sealed file has them before its seal. Of tables they are a comment before the checksums beside
them, `# DIGEST  {...}`, with the digest of all that follows it; sha256sum passes over it.
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
    if not path.is_file():  # a pipe has no end
        return None
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MOST - seal))
            end = file.read()
    except OSError:
        return None
    return _parsed(end[: len(end) - seal].rpartition(MARK)[2])


def commented(identity: Identity | None, sums: str) -> str:
    """Checksums, a line each, after the line that says what they are for."""
    content = f"{_text(identity or {})}\n{sums}"
    return f"# {_digest(content)}  {content}"


def holds(sums: str) -> bool:
    """Whether checksums with such a line are all that was written, and as it was."""
    digest, _, content = sums.removeprefix("# ").partition("  ")
    return _digest(content) == digest


def in_comment(sums: Path) -> Identity | None:
    """What a file of checksums says that it is for; None if it says nothing."""
    if not sums.is_file():
        return None
    try:
        content = sums.read_text(errors="replace")
    except OSError:
        return None
    said = content.partition("  ")[2].partition("\n")[0]
    return (_parsed(said) or None) if content.startswith("#") and holds(content) else None


def _parsed(text: str | bytes) -> Identity | None:
    try:
        identity = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return identity if isinstance(identity, dict) else None


def _text(identity: Identity) -> str:
    return json.dumps(identity, sort_keys=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
