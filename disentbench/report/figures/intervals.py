"""Every setting as a row, best first: the mean over seeds, its 95 % interval, every run a tick.

The figure of rliable: Agarwal et al. 2021, arXiv:2108.13264.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from disentbench.report import comparisons, references
from disentbench.report.context import Report
from disentbench.report.figures import WIDE, Figure, panel
from disentbench.report.figures._names import titles
from disentbench.report.figures._rows import (
    LETTERS,
    axis_label,
    dress_value,
    mark_levels,
    name_rows,
    rows_canvas,
)
from disentbench.report.levels import Level
from disentbench.report.ranking import Shown
from disentbench.report.references import Reference
from disentbench.report.runs import Block, Key
from disentbench.report.style import INK, MANY, MUTED, Look, Panel, alpha
from disentbench.report.text import count, fixed, number, places

MOST = 60  # rows that a figure has
SEVERAL = 20  # seeds from which intervals are narrow
SIGNS = {"higher": 1, "lower": -1, "neither": 0}


class Rows(NamedTuple):
    """The rows of a value in their order: `table` has mean, low, high and n of each setting."""

    shown: Shown
    table: pd.DataFrame
    runs: pd.Series  # every run's value, by (objective, setting, seed)

    @property
    def keys(self) -> list[Key]:
        return list(self.table.index)


def rows(block: Block, shown: Shown, usual: list[Key]) -> Rows:
    """Every setting by one value: best first, those of which too few runs are left after them.

    By a value without a better end they stand in the `usual` order; those without a mean are last.
    """
    name, sign = shown.value.name, SIGNS[shown.value.better]
    summary = block.summary._asdict()
    columns = {key: summary[key][name] for key in ("mean", "low", "high", "n")}
    table = pd.DataFrame(columns).loc[usual]
    few = (table["n"] < block.needed) if sign else (table["n"] == 0)
    order = np.lexsort((-sign * table["mean"].fillna(0), few, table["n"] == 0))
    return Rows(shown, table.iloc[order], block.runs[name])


def kept(ordered: Rows) -> Rows:
    """The rows that a figure has room for: the first setting of each objective, and the first of
    all, in their order."""
    if len(ordered.table) <= MOST:
        return ordered
    leads = ~ordered.table.index.get_level_values("objective").duplicated()
    places = np.sort(np.argsort(~leads, kind="stable")[:MOST])
    return ordered._replace(table=ordered.table.iloc[places])


def drawn(
    ordered: Rows,
    settings: pd.DataFrame,
    looks: dict[str, Look],
    planned: int,
    *,
    level: Level | None = None,
    published: Sequence[Reference] = (),
) -> Canvas:
    """One value as a figure of its own."""
    figure, ax = rows_canvas(WIDE, len(ordered.table))
    _runs(ax, ordered, looks)
    size = 4.2 if planned < SEVERAL else 3.0  # of a mark that its interval is seen beside
    for y, (key, row) in enumerate(ordered.table.iterrows()):
        look = looks[key[0]]
        ax.hlines(y, row["low"], row["high"], color=look.colour, linewidth=1.8, zorder=3)
        ax.plot(row["mean"], y, look.marker, color=look.colour, markersize=size, zorder=4)
        if not row["n"]:
            note = {"color": MUTED, "fontsize": 6, "va": "center"}
            ax.text(0.02, y, "no run has it", transform=ax.get_yaxis_transform(), **note)
    name_rows(ax, _names(ordered, settings, planned))
    dress_value(ax, ordered.shown.value)
    _published(ax, ordered, published)
    if level:
        mark_levels(ax, level)
    return figure


def _runs(ax: Axes, ordered: Rows, looks: dict[str, Look]) -> None:
    """Every run as a tick in its row."""
    places = pd.Series(np.arange(len(ordered.table)), ordered.table.index, name="y")
    table = ordered.runs.rename("x").to_frame().join(places, how="inner").dropna()
    for name, runs in table.groupby(level="objective", sort=False):
        ax.scatter(
            runs["x"],
            runs["y"],
            s=26,
            marker="|",
            color=looks[name].colour,
            alpha=max(0.25, alpha(len(table) // 4)),
            linewidth=0.8,
            zorder=2,
            rasterized=len(table) > MANY,
        )


def _names(ordered: Rows, settings: pd.DataFrame, planned: int) -> list[str]:
    """The settings, and of how many of the planned runs where some are gone."""
    lacks = [f", {n} of {planned}" if n < planned else "" for n in ordered.table["n"]]
    room = LETTERS - max(map(len, lacks), default=0)
    names = titles(settings, ordered.keys, room)
    return [name + lack for name, lack in zip(names, lacks, strict=True)]


def _published(ax: Axes, ordered: Rows, published: Sequence[Reference]) -> None:
    """A published number as a grey bar across the row of its setting, a range as a band."""
    there = [one for one in published if one.key in ordered.table.index]
    if not there:
        return
    for one in there:
        y = ordered.keys.index(one.key)
        ax.fill_betweenx([y - 0.5, y + 0.5], one.low, one.high, color=INK, alpha=0.2)
        ends = sorted({one.low, one.high})
        ax.vlines(ends, y - 0.5, y + 0.5, color=MUTED, linewidth=1.6, zorder=1)
    label = axis_label(ordered.shown.value)
    ax.set_xlabel(f"{label}; grey: published" if label else "grey: published")


def alt(ordered: Rows, settings: pd.DataFrame) -> str:
    """The rows in words: names in full and the means."""
    decimals = places(ordered.table["mean"], most=3)
    means = [
        f"{comparisons.title(settings, key)} {fixed(mean, decimals)}"
        for key, mean in zip(ordered.keys, ordered.table["mean"], strict=True)
    ]
    return f"Mean {ordered.shown.value.label} of each setting: {'; '.join(means)}"


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The ranking value, then the others that the field reads first; None with one setting."""
    values = {
        name: shown
        for name, shown in report.columns.items()
        if (shown.value.prominence and not shown.value.of_groups)
        or (report.rule and report.rule.name == name)
    }
    values = {name: shown for name, shown in values.items() if block.summary.mean[name].count()}
    if not values or len(report.settings) < 2:
        return None
    usual = list(report.settings.index)
    if report.rule and report.rule.name in values:
        first = values[report.rule.name]
        usual = rows(block, first, usual).keys
        values = {report.rule.name: first} | values
    tables = [kept(rows(block, shown, usual)) for shown in values.values()]
    published = references.references(report.study, block.dataset)
    drawn_panels = [_panel(report, block, ordered, published) for ordered in tables]
    first = [bool(SIGNS[table.shown.value.better]) for table in tables]
    first[0] |= not any(first)
    return {
        "panels": [one for one, ranks in zip(drawn_panels, first, strict=True) if ranks],
        "others": [one for one, ranks in zip(drawn_panels, first, strict=True) if not ranks],
        "notes": _notes(block, tables, len(usual), report),
        "published": [_said(report, one) for one in published if one.value in values],
    }


def _panel(report: Report, block: Block, ordered: Rows, published: Sequence[Reference]) -> Panel:
    name = ordered.shown.value.name
    figure = drawn(
        ordered,
        report.settings,
        report.looks,
        block.planned,
        level=report.levels[block.dataset].get(name),
        published=[one for one in published if one.value == name],
    )
    words = alt(ordered, report.settings)
    return panel(report, figure, f"{block.dataset}_intervals_{name}", words)


def _notes(block: Block, tables: list[Rows], settings: int, report: Report) -> list[str]:
    """What holds of these figures alone."""
    shared = [t.shown.value.label for t in tables if t.shown.shared]
    few = any((t.table["n"] < block.needed).any() for t in tables)
    levels = report.levels[block.dataset].keys() & {t.shown.value.name for t in tables}
    said = {
        "One run of a setting has no interval.": block.planned < 2,
        f"Runs share in {', '.join(shared)}, which compares them: it has marks and no intervals."
        "": shared,
        f"Settings of which fewer than {count(block.needed, 'run')} have the value stand below "
        "the others.": few,
        "Dotted: what chance and what a perfect code score on this data set; an arrow names one "
        "that lies beyond the axis.": levels,
        f"Of {settings} settings a figure shows {MOST}: the best of each objective, and the best "
        "of all; the table has every one.": settings > MOST,
    }
    return [sentence for sentence, holds in said.items() if holds]


def _said(report: Report, published: Reference) -> str:
    """A published number in words."""
    label = report.columns[published.value].value.label
    ends = [number(end) for end in dict.fromkeys([published.low, published.high])]
    setting = comparisons.title(report.settings, published.key)
    return f"{label} of {setting}: {' to '.join(ends)}. {published.source}."


figure = Figure(
    section,
    heading="Every setting with its interval",
    nav="Intervals",
    place=8,
    template="intervals.html",
    absent="There is one setting, or no run has a value: nothing stands beside another.",
)
