"""Text of other files of the repository in pages of the site, and links that are true on both."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Files that a page of the site shows; elsewhere a link opens the file itself.
HOMES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "configs/README.md": "protocols.md",
    "benchmarks/RESULTS.md": "measurements.md",
    "results/README.md": "reference.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def text(file: str, first: str = "", last: str = "") -> str:
    """A file's text, from below the line `first` to above the line `last`, with its links."""
    whole = "\n" + (ROOT / file).read_text(encoding="utf-8")
    after = _below(whole, first, file) if first else whole
    part = after[: -len(_below(after, last, file)) - len(last) - 1] if last else after
    return linked(part, (ROOT / file).parent)


def _below(whole: str, line: str, file: str) -> str:
    _, found, rest = whole.partition(f"\n{line}\n")
    if not found:
        raise ValueError(f"{file} has no line {line!r}, from which or to which a page shows it")
    return rest


def linked(text: str, folder: Path) -> str:
    """Text with links that are relative to a folder, as a page in docs/ has them."""
    return LINK.sub(lambda match: _link(match, folder), text)


def _link(match: re.Match[str], folder: Path) -> str:
    """One link; a page that is called by its path is called by its title.

    A folder, and a text that is on no page, are named without a link.
    """
    picture, words, target, anchor = match.groups(default="")
    if "://" in target or target.startswith("mailto:"):
        return match[0]
    path = (folder / target).resolve().relative_to(ROOT)
    home = HOMES.get(path.as_posix())
    if not home and (not path.suffix or (path.suffix == ".md" and path.parts[0] != DOCS.name)):
        return f"`{path}`"
    inside = home or os.path.relpath(path, DOCS.name)
    by_path = path.suffix == ".md" and Path(words).name == path.name
    return f"{picture}[{'' if by_path else words}]({inside}{anchor})"
