"""Names that fit beside an axis: shortened in the middle, the whole name being in the tables."""

from collections.abc import Iterable
from unicodedata import combining, east_asian_width

import pandas as pd

from disentbench.report import comparisons
from disentbench.report.runs import Key

ELLIPSIS = "…"
LEAST = 6  # letters of a name that a setting beside it leaves


def width(text: str) -> int:
    """How many Latin letters a text is about as wide as; Chinese ones count twice."""
    return sum(1 + (east_asian_width(c) in "WF") for c in text if not combining(c))


def short(text: str, most: int) -> str:
    """A text at most so wide, with an ellipsis for its middle where it is longer."""
    return _cut(text, most, (most - 1) // 2)


def shorts(texts: Iterable[str], most: int) -> list[str]:
    """Texts at most so wide, cut where they stay apart: in the middle, or else at both ends."""
    texts = list(texts)
    middle = (most - 1) // 2
    heads = sorted(range(most), key=lambda head: abs(head - middle))
    cuts = [[_cut(text, most, head) for text in texts] for head in heads]
    best = max(cuts, key=_distinct)  # the first, from the middle on, of equals
    if _distinct(best) == _distinct(texts):
        return best
    starts = range(1, max(map(len, texts)))
    inner = [[_inner(text, most, start) for text in texts] for start in starts]
    return max([best, *inner], key=_distinct)


def _distinct(texts: list[str]) -> int:
    return len(set(texts))


def _inner(text: str, most: int, start: int) -> str:
    """What of a longer text stands from its letter `start` on, an ellipsis on either side."""
    if width(text) <= most:
        return text
    inner = text[start:]
    if width(inner) < most:
        return ELLIPSIS + inner
    while width(inner) > most - 2:
        inner = inner[:-1]
    return f"{ELLIPSIS}{inner}{ELLIPSIS}"


def _cut(text: str, most: int, head: int) -> str:
    """What is before and after an ellipsis, `head` wide before it, `most` in all."""
    if width(text) <= most:
        return text
    start, end = text, text
    while width(start) > head:
        start = start[:-1]
    while width(end) > most - 1 - head:
        end = end[1:]
    return start.rstrip() + ELLIPSIS + end.lstrip()


def titles(settings: pd.DataFrame, keys: list[Key], most: int) -> list[str]:
    """Settings as in `β-TCVAE (β = 4)`, at most so wide; it is the objective that is shortened."""
    texts = [settings.loc[key, "text"] for key in keys]
    rooms = [most - width(f" ({text})") if text else most for text in texts]
    whole = [comparisons.title(settings, key) for key in keys]
    if all(width(title) <= most for title in whole):
        return whole
    if min(rooms) < LEAST:
        return shorts(whole, most)
    labels = dict.fromkeys(settings.loc[key, "label"] for key in keys)
    names = dict(zip(labels, shorts(labels, min(rooms)), strict=True))
    shown = [names[settings.loc[key, "label"]] for key in keys]
    pairs = zip(shown, texts, whole, strict=True)
    return [
        title if width(title) <= most else f"{name} ({text})" if text else name
        for name, text, title in pairs
    ]
