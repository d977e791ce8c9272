"""How much of each score's variance the objective, its strength and the seed explain."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from disentbench.report import style, tables
from disentbench.report.context import Report
from disentbench.report.figures import WIDE, Figure, panel
from disentbench.report.figures._directed import directed, labels
from disentbench.report.figures._table5 import published
from disentbench.report.runs import Block
from disentbench.report.style import COLOURS, HAIR, INK, canvas
from disentbench.report.text import fixed
from disentbench.scoring.statistics import Shares, variance_shares

BAR = 0.2  # inches
PARTS = {  # a share, its name, its colour
    "objective": ("objective", COLOURS[0]),
    "strength": ("strength", COLOURS[2]),
    "seed": ("seed", COLOURS[4]),
    "rest": ("rest", HAIR),
}
TOTALS = ("objective", "settings")  # of which there are published shares


class ExplainedRow(NamedTuple):
    """A value's shares in per cent, as text, with those of noise; what was published of it."""

    label: str
    runs: str
    shares: list[tuple[str, str]]
    others: list[str]
    published: list[str]


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The shares of a data set's scores; None for one setting or one seed."""
    table = directed(report, block)
    shares = {name: of(table[name]) for name in table}
    shares = {name: found for name, found in shares.items() if np.isfinite(found.rest)}
    settings, seeds = len(block.summary.mean), block.planned
    if settings < 2 or seeds < 2 or not shares:
        return None
    stem, beside = f"{block.dataset}_variance", published(report.study, block.dataset)
    known = beside.shares if beside else {}
    names = labels(report, list(shares))
    tables.write_csv(report.folder.table(stem), _csv(block.dataset, shares, known))
    drawn = draw(list(shares.values()), names)
    return {
        "panel": panel(report, drawn, stem, f"shares of variance of {len(names)} values"),
        "rows": [
            _row(label, found, known.get(name))
            for label, (name, found) in zip(names, shares.items(), strict=True)
        ],
        "published": beside if any(name in known for name in shares) else None,
        "one_objective": len(report.study.objectives) == 1,
        "shared": [
            report.columns[name].value.label for name in shares if report.columns[name].shared
        ],
        "table": stem,
    }


def of(values: pd.Series) -> Shares:
    """The shares of one value over the runs [(objective, setting, seed)] of a data set."""
    levels = (values.index.get_level_values(name) for name in ("objective", "setting"))
    objectives, settings = (pd.factorize(level)[0] for level in levels)
    seeds = values.index.get_level_values("seed").to_numpy(int)
    return variance_shares(values.to_numpy(float), objectives, settings, seeds)


def draw(shares: list[Shares], names: list[str]) -> Canvas:
    """A bar for each value from 0 to 100 %; the marks are what noise alone would explain."""
    handles = [
        *(Patch(color=colour, label=name) for name, colour in PARTS.values()),
        Line2D([], [], color=INK, linestyle="", marker="|", markersize=7, label="noise alone"),
    ]
    height = 0.55 + BAR * len(shares) + style.legend_height(WIDE, handles)
    figure = canvas(WIDE, height)
    ax = figure.add_subplot()
    at, left = np.arange(len(shares)), np.zeros(len(shares))
    for name, (_, colour) in PARTS.items():
        width = np.array([100 * getattr(found, name) for found in shares])
        ax.barh(at, width, left=left, height=0.72, color=colour, edgecolor="white", linewidth=0.4)
        left += width
    _floors(ax, shares, at)
    ax.set_yticks(at, names)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.set_ylim(len(shares) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("% of the variance over all runs")
    style.legend(figure, handles)
    return figure


def _floors(ax: Axes, shares: list[Shares], at: np.ndarray) -> None:
    """Mark what objective and strength together would explain of noise."""
    floors = np.array([100 * found.settings_floor for found in shares])
    ax.vlines(floors, at - 0.44, at + 0.44, color=INK, linewidth=1.1, zorder=4)


def _row(label: str, found: Shares, known: tuple[int, int] | None) -> ExplainedRow:
    shares = (
        (found.objective, found.objective_floor),
        (found.settings, found.settings_floor),
        (found.seed, found.seed_floor),
    )
    others = (found.rest, found.objective_adjusted, found.settings_adjusted)
    return ExplainedRow(
        label,
        fixed(found.runs, 0),
        [(_percent(share), _percent(floor)) for share, floor in shares],
        [_percent(share) for share in others],
        [f"{per_cent}" for per_cent in known] if known else ["–", "–"],
    )


def _percent(share: float) -> str:
    return fixed(100 * share, 1)


def _csv(
    dataset: str, shares: dict[str, Shares], known: dict[str, tuple[int, int]]
) -> pd.DataFrame:
    """Every share to its last digit, as shares of 1, and the published ones."""
    nothing = (np.nan, np.nan)
    rows = [
        {"dataset": dataset, "value": name, **found._asdict(), "settings": found.settings}
        | {
            f"published_{part}": per_cent / 100
            for part, per_cent in zip(TOTALS, known.get(name, nothing), strict=True)
        }
        for name, found in shares.items()
    ]
    table = pd.DataFrame(rows)
    return table if known else table.loc[:, ~table.columns.str.startswith("published")]


figure = Figure(
    section,
    heading="What explains the scores?",
    nav="Variance",
    place=47,
    template="variance.html",
)
