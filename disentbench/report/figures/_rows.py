"""Axes on which every setting is a row: its name, and vertical lines that all rows share."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from disentbench.metrics import Value
from disentbench.report.levels import Level
from disentbench.report.style import HAIR, INK, LINES, MUTED, canvas
from disentbench.report.text import number

ROW = 0.155  # inches
LEVELS = {"chance": "chance", "perfect": "perfect code"}
LETTERS = 25  # of a name that leaves the axes half of a column's width


def rows_canvas(
    width: float, rows: int, row: float = ROW, head: float = 0.62
) -> tuple[Canvas, Axes]:
    """A figure as high as its rows need, the first of them on top."""
    figure = canvas(width, head + row * max(rows, 2))
    ax = figure.add_subplot()
    ax.set_ylim(max(rows, 2) - 0.4, -0.6)
    return figure, ax


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """The names of the rows, without ticks or a spine beside them."""
    ax.set_yticks(np.arange(len(names)), names)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=7)
    ax.spines["left"].set_visible(False)


def dress_value(ax: Axes, value: Value) -> None:
    """The value as the title, its unit below the axis, a light grid."""
    arrow = {"higher": " ↑", "lower": " ↓"}.get(value.better, "")
    ax.set_title(value.label[:1].upper() + value.label[1:] + arrow, pad=11)
    ax.set_xlabel(axis_label(value))
    ax.xaxis.set_major_locator(
        MaxNLocator(5, integer=value.whole, steps=(1, 2, 2.5, 5, 10), min_n_ticks=1)
    )
    ax.grid(axis="x", color=HAIR, linewidth=0.5)


def axis_label(value: Value) -> str:
    """What is written beside an axis: the unit, or the ends of a value between 0 and 1."""
    unit = f"{value.unit} per image" if value.unit == "nats" else value.unit
    return unit or ("0 to 1" if (value.low, value.high) == (0, 1) else "")


def mark_levels(ax: Axes, level: Level) -> None:
    """Chance and the perfect code as dotted lines with their names above the axes.

    One that lies beyond the axis is named at its end, with its number, and not reached for.
    """
    low, high = ax.get_xlim()
    known = {LEVELS[which]: x for which, x in level._asdict().items() if np.isfinite(x)}
    inside = {name: x for name, x in known.items() if low <= x <= high}
    for x in inside.values():
        ax.axvline(x, color=MUTED, linewidth=0.9, linestyle=LINES["dotted"], zorder=2)
    below = [f"← {name} {number(x)}" for name, x in known.items() if x < low]
    above = [f"{name} {number(x)} →" for name, x in known.items() if x > high]
    for name, x in _together(inside, 0.3 * (high - low)).items():
        share = (x - low) / (high - low)
        _above(ax, name, share, "left" if share < 0.2 else "right" if share > 0.8 else "center")
    _above(ax, ", ".join(below), 0.0, "left")
    _above(ax, ", ".join(above), 1.0, "right")
    ax.set_xlim(low, high)


def _together(inside: dict[str, float], near: float) -> dict[str, float]:
    """Names whose lines lie so near each other that they need one place."""
    if len(inside) < 2 or np.ptp(list(inside.values())) > near:
        return inside
    return {", ".join(inside): float(np.mean(list(inside.values())))}


def _above(ax: Axes, words: str, share: float, ha: str) -> None:
    ax.annotate(
        words,
        (share, 1),
        (0, 1.5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=6,
        color=MUTED,
        ha=ha,
        va="bottom",
        annotation_clip=False,
    )
