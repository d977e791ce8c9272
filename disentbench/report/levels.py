"""What a value is worth on this very data set: what chance scores, and what a perfect code."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from disentbench.report import tables
from disentbench.report.ranking import Shown
from disentbench.report.style import LINES, MUTED
from disentbench.report.text import fixed, number, places
from disentbench.storage.layout import DatasetFolder
from disentbench.storage.tables import read_own_table

NAMES = {"perfect": "perfect\ncode", "chance": "chance"}  # beside an axis


class Level(NamedTuple):
    """The score of codes equal to the factors, and of the same with shuffled rows."""

    chance: float
    perfect: float


Levels = dict[str, Level]  # by the name of a value


def read_levels(files: DatasetFolder) -> Levels:
    """The levels of one data set, from the tables in its folder; none where that is absent.

    The tables have the columns metric (the name of a value), chance and perfect.
    """
    rows = [row for path in files.all_levels() for row in read_own_table(path).itertuples()]
    return {row.metric: Level(float(row.chance), float(row.perfect)) for row in rows}


def text(levels: dict[str, Levels], value: str, which: str) -> str:
    """A level for a table: one number, or one for each data set where they differ."""
    texts = {
        dataset: number(getattr(values[value], which))
        for dataset, values in levels.items()
        if value in values
    }
    if len(set(texts.values())) < 2:
        return next(iter(texts.values()), "–")
    return ", ".join(f"{words} ({dataset})" for dataset, words in texts.items())


def rows(
    levels: Levels, columns: dict[str, Shown], constant: dict[str, float]
) -> list[tuple[str, list[str]]]:
    """`a perfect code`, `chance` and `a constant code` as rows below the leaderboard.

    None where nothing is known; `constant` holds the values that a constant code is good at.
    """
    known = {value: level for value, level in levels.items() if value in columns}
    named = {
        "a perfect code": {value: level.perfect for value, level in known.items()},
        "chance": {value: level.chance for value, level in known.items()},
        "a constant code": constant,
    }
    return [
        (name, [_cell(row.get(value)) for value in columns]) for name, row in named.items() if row
    ]


def _cell(level: float | None) -> str:
    return "" if level is None else fixed(level, places(level, most=3))


def write(stem: Path, dataset: str, levels: Levels, constant: dict[str, float]) -> None:
    """{stem}.csv with every digit of the levels of a data set, where some are known."""
    names = [*levels, *(value for value in constant if value not in levels)]
    unknown = Level(np.nan, np.nan)
    rows = [
        (dataset, name, *levels.get(name, unknown), constant.get(name, np.nan)) for name in names
    ]
    columns = ["dataset", "value", *Level._fields, "constant"]
    if rows:
        tables.write_csv(stem, pd.DataFrame(rows, columns=columns))


def mark(ax: Axes, level: Level) -> None:
    """Draw chance and the perfect code as dotted lines, named beside the axes.

    One that lies beyond the axis is named at its end, with its number, and not reached for.
    """
    low, high = ax.get_ylim()
    known = {name: getattr(level, which) for which, name in NAMES.items()}
    inside = {name: y for name, y in known.items() if low <= y <= high}
    for y in inside.values():
        ax.axhline(y, color=MUTED, linewidth=0.9, linestyle=LINES["dotted"], zorder=2)
    for words, y in _together(inside, 0.18 * (high - low)).items():
        _beside(ax, words, y, "data", "center")
    above = [f"{name}\n{number(y)} ↑" for name, y in known.items() if y > high]
    below = [f"{name}\n{number(y)} ↓" for name, y in known.items() if y < low]
    _beside(ax, "\n".join(above), 1.0, "axes fraction", "top")
    _beside(ax, "\n".join(below), 0.0, "axes fraction", "bottom")
    ax.set_ylim(low, high)


def _together(inside: dict[str, float], near: float) -> dict[str, float]:
    """Names whose lines lie so near each other that they need one place."""
    if len(inside) < 2 or np.ptp(list(inside.values())) > near:
        return inside
    return {",\n".join(inside): float(np.mean(list(inside.values())))}


def _beside(ax: Axes, words: str, y: float, of: str, va: str) -> None:
    ax.annotate(
        words,
        (1, y),
        (3, 0),
        xycoords=("axes fraction", of),
        textcoords="offset points",
        fontsize=6,
        color=MUTED,
        va=va,
        annotation_clip=False,
    )
