"""The figures of two results side by side: differences of means, and run by run."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from disentbench.report import style
from disentbench.report.compare_tables import Compared, title
from disentbench.report.figures import WIDE
from disentbench.report.ranking import Shown
from disentbench.report.style import COLOURS, HAIR, INK, MANY, MUTED, Panel, alpha, canvas
from disentbench.report.text import count
from disentbench.storage.layout import ReportFolder

MOST = 30  # settings in one figure
LETTERS = 30  # of a name
CLEAR, ITSELF, OPEN = COLOURS[0], COLOURS[5], MUTED


def drawn(of: Compared, folder: ReportFolder, stem: str) -> dict[str, list[Panel]]:
    """The forests and the scatters of the prominent values, of those that differ."""
    return {
        "forests": [p for shown in of.prominent for p in _forest(of, shown, folder, stem)],
        "scatters": [p for shown in of.prominent for p in _scatter(of, shown, folder, stem)],
    }


def _forest(of: Compared, shown: Shown, folder: ReportFolder, stem: str) -> Iterator[Panel]:
    table = of.tables["differences"]
    table = table[(table["metric"] == shown.value.name) & table["difference"].notna()]
    if len(table):
        alt = f"Difference of the means of {shown.value.label}, B minus A, by setting"
        names = [named(row, of.several) for row in table.iloc[:MOST].itertuples()]
        name = f"{stem}_difference_{shown.value.name}"
        yield panel(folder, forest(table.iloc[:MOST], names, shown), name, alt)


def _scatter(of: Compared, shown: Shown, folder: ReportFolder, stem: str) -> Iterator[Panel]:
    values = of.comparison.compared
    values = values[(values["metric"] == shown.value.name) & np.isfinite(values["size"])]
    values = values[np.isfinite(values["a"])]
    if values["differs"].any():
        alt = f"{shown.value.label} of {count(len(values), 'run')} in A and in B"
        canvas = scatter(values["a"].to_numpy(), values["b"].to_numpy(), shown)
        yield panel(folder, canvas, f"{stem}_runs_{shown.value.name}", alt)


def named(row: Any, several: bool) -> str:
    """A setting of a row, with its data set where there are several."""
    words = title(row.objective, row.setting)
    return f"{row.dataset}: {words}" if several else words


def panel(folder: ReportFolder, figure: Canvas, name: str, alt: str) -> Panel:
    """A figure on the page and in files beside it."""
    name = style.file_name(name)
    style.save(figure, folder, name)
    return Panel(alt, style.svg(figure, name), name)


def forest(table: pd.DataFrame, names: list[str], shown: Shown) -> Canvas:
    """The difference of each setting with its interval, the clearest above.

    Filled: clear after the correction; half-tone: by itself alone; hollow: open.
    """
    figure = canvas(WIDE, 0.75 + 0.175 * len(table))
    ax = figure.add_subplot()
    ax.axvline(0, color=INK, linewidth=0.7, zorder=1)
    at = np.arange(len(table))
    for y, row in zip(at, table.itertuples(), strict=True):
        colour = {"clear": CLEAR, "by itself": ITSELF}.get(row.verdict, OPEN)
        ax.hlines(y, row.low, row.high, color=colour, linewidth=1.3, zorder=2)
        filled = colour if row.verdict == "clear" else "white"
        ax.plot(row.difference, y, "o", color=colour, markerfacecolor=filled, markersize=4)
    ax.set_yticks(at, list(map(short, names)), fontsize=7)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=HAIR, linewidth=0.5)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel(f"{short(shown.value.label)}, B − A{_unit(shown)}", loc="right")
    return figure


def scatter(a: np.ndarray, b: np.ndarray, shown: Shown) -> Canvas:
    """Each common run, its value in A across and in B up; on the diagonal nothing has changed."""
    figure = canvas(WIDE, WIDE)
    ax = figure.add_subplot()
    low, high = _ends(np.concatenate([a, b]))
    ax.plot([low, high], [low, high], color=MUTED, linewidth=0.8, zorder=1)
    ax.scatter(
        *(a, b),
        s=14 if len(a) <= MANY else 5,
        color=CLEAR,
        alpha=alpha(len(a)),
        linewidths=0,
        rasterized=len(a) > MANY,
        zorder=2,
    )
    _square(ax, low, high)
    ax.set_xlabel(f"{short(shown.value.label)} in A{_unit(shown)}")
    ax.set_ylabel(f"{short(shown.value.label)} in B{_unit(shown)}")
    return figure


def _square(ax: Axes, low: float, high: float) -> None:
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    ax.grid(color=HAIR, linewidth=0.5)
    ax.locator_params(nbins=5)


def _ends(values: np.ndarray) -> tuple[float, float]:
    """The ends of an axis that holds all values with some room."""
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - room, high + room


def _unit(shown: Shown) -> str:
    return f" ({shown.value.unit})" if shown.value.unit else ""


def short(name: str) -> str:
    """A name that leaves room for the figure; the table has the whole."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
