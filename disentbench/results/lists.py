"""Lists to be read: the first of many lines, and how many more there are."""

from collections.abc import Iterable


def cut(lines: list[str], most: int, total: int | None = None) -> list[str]:
    """The first lines of a list of `total`, of which `lines` need not be all."""
    more = (len(lines) if total is None else total) - most
    return lines[:most] + ([f"and {more:,} more"] if more > 0 else [])


def titled(title: str, lines: Iterable[str], most: int) -> list[str]:
    """A title over a list, cut where it is long; nothing if there is nothing in it."""
    lines = list(lines)
    return [title, *(f"  {line}" for line in cut(lines, most))] if lines else []
