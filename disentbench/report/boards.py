"""The leaderboard and the table of all settings as the page shows them, the first columns first."""

import math
from typing import NamedTuple

import numpy as np

from disentbench.report import levels
from disentbench.report.context import Report
from disentbench.report.ranking import Shown
from disentbench.report.runs import Block, Key
from disentbench.report.tables import BESIDE, Cell, SettingRow
from disentbench.report.text import fixed, places

CROSS_FITTED = "cross_fitted"
SHEET = 6  # columns of values side by side on paper
ARROWS = {"higher": "\u00a0↑", "lower": "\u00a0↓", "neither": ""}


class Column(NamedTuple):
    """A value's column; `brief` ones are shown without being asked for."""

    name: str
    label: str
    unit: str
    better: str
    brief: bool

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return ARROWS[self.better]


class BoardRow(NamedTuple):
    """A setting with its cells, and beside each its mean with every digit."""

    setting: SettingRow
    key: Key
    cells: list[tuple[Cell, str]]


class Board(NamedTuple):
    """The settings by value; `levels` are rows below them, such as what chance scores."""

    columns: list[Column]
    rows: list[BoardRow]
    levels: list[tuple[str, list[str]]]

    @property
    def hidden(self) -> int:
        """How many columns are shown only when asked for."""
        return len(self._more)

    @property
    def sheets(self) -> list[list[int]]:
        """The places of these columns, as many at a time as fit on paper."""
        more = self._more
        return [more[start : start + SHEET] for start in range(0, len(more), SHEET)]

    @property
    def _more(self) -> list[int]:
        return [place for place, column in enumerate(self.columns) if not column.brief]


def board(
    report: Report,
    block: Block,
    keys: list[Key],
    lines: list[SettingRow],
    constant: dict[str, float] | None = None,
) -> Board:
    """Some settings of a data set, whose `lines` have the values of `ordered`.

    With `constant`, what a constant code scores, come levels.
    """
    shown = ordered(report)
    means = block.summary.mean.reindex(keys)[list(shown)].to_numpy()
    rows = [
        BoardRow(line, key, list(zip(line.cells, map(digits, numbers), strict=True)))
        for line, key, numbers in zip(lines, keys, means, strict=True)
    ]
    columns = [_column(report, name, known) for name, known in shown.items()]
    below = [] if constant is None else levels.rows(report.levels[block.dataset], shown, constant)
    return _with_cross_fitted(report, block, Board(columns, rows, below))


def ordered(report: Report) -> dict[str, Shown]:
    """The values, the one that ranks first and those that are always shown next."""
    ranking = [report.rule.name] if report.rule else []
    first = [name for name in (*ranking, *BESIDE) if name in report.columns]
    names = dict.fromkeys([*first, *report.columns])
    return {name: report.columns[name] for name in names}


def brief(report: Report) -> list[str]:
    """The names of the values that are shown without being asked for."""
    ranking = {report.rule.name} if report.rule else set()
    names = [name for name in report.columns if name in ranking | set(BESIDE)]
    return names or list(report.columns)[:3]


def _column(report: Report, name: str, known: Shown) -> Column:
    value = known.value
    return Column(name, value.label, value.unit, value.better, name in brief(report))


def digits(number: float) -> str:
    """A number with every digit, for a machine; empty where there is none."""
    return repr(float(number)) if math.isfinite(number) else ""


def _with_cross_fitted(report: Report, block: Block, shown: Board) -> Board:
    """The board with the scores on seeds that did not choose the setting, where they are known."""
    choice, rows = block.choice, {row.key for row in shown.rows}
    known = {key: choice[key[0]] for key in rows if key[0] in choice and choice[key[0]].key == key}
    if not known or report.rule is None or shown.columns[0].name != report.rule.name:
        return shown
    ranking = shown.columns[0]
    column = Column(
        CROSS_FITTED, f"{ranking.label}, cross-fitted", ranking.unit, ranking.better, True
    )
    means = {key: choice.cross_fitted for key, choice in known.items()}
    decimals = places(np.array(list(means.values())), most=3)
    rows_with = [
        row._replace(cells=[row.cells[0], _cell(row, means, decimals), *row.cells[1:]])
        for row in shown.rows
    ]
    below = [(name, [cells[0], "", *cells[1:]]) for name, cells in shown.levels]
    return Board([ranking, column, *shown.columns[1:]], rows_with, below)


def _cell(row: BoardRow, means: dict[Key, float], decimals: int) -> tuple[Cell, str]:
    mean = means.get(row.key, math.nan)
    return Cell(fixed(mean, decimals), "", "", row.setting.n, False), digits(mean)
