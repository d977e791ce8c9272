"""Markdown of plain data: tables, and words that stand for themselves."""

import re
from collections.abc import Iterable, Sequence

SPECIAL = re.compile(r"([\\*_<>$\[\]|#~])")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown, each in one line."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def plain(text: str) -> str:
    """Text in which nothing but single backticks has a meaning, as docstrings are written."""
    parts = text.split("`")
    return "`".join(
        SPECIAL.sub(r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts)
    )


def code(text: object) -> str:
    """A word of a study or a command."""
    return f"`{text}`"


def paragraphs(docstring: str) -> str:
    """A docstring as Markdown: what it indents is shown as it stands."""
    blocks = re.split(r"\n\s*\n", docstring.strip("\n"))
    return "\n\n".join(f"```text\n{b}\n```" if b.startswith("    ") else plain(b) for b in blocks)
