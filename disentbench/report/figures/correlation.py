"""Whether the metrics rank runs alike: their rank correlations as a heat map."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from disentbench.report import tables
from disentbench.report.context import Report
from disentbench.report.figures import WIDE, Figure, panel
from disentbench.report.figures._directed import directed, labels
from disentbench.report.runs import Block
from disentbench.report.style import COLOURS, INK, MUTED, canvas
from disentbench.report.text import count
from disentbench.scoring.statistics import rank_correlation

FEWEST = 5  # runs
CELL = 0.2  # inches
STRONGEST = 0.62  # opacity of a correlation of 1: its number is read on light and dark pages
AGREE, DISAGREE = COLOURS[0], COLOURS[1]


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The heat map of a data set; None for fewer than two values that rank or five runs."""
    table = directed(report, block)
    table = table.loc[:, table.notna().sum() >= FEWEST]
    if table.shape[1] < 2:
        return None
    correlations, runs = rank_correlation(table.to_numpy(float))
    pairs = np.triu_indices(len(correlations), 1)
    if runs[pairs].max() < FEWEST:
        return None
    order = clustered(correlations)
    names = [table.columns[place] for place in order]
    stem = f"{block.dataset}_correlation"
    tables.write_csv(report.folder.table(stem), _long(block.dataset, table, correlations, runs))
    unknown = UNKNOWN if np.isnan(correlations[pairs]).any() else ""
    drawn = draw(correlations[np.ix_(order, order)], labels(report, names))
    return {
        "note": NOTE.format(runs=_runs(runs[pairs])) + unknown,
        "panel": panel(report, drawn, stem, f"rank correlations of {len(names)} values over runs"),
        "wide": drawn.get_figwidth() > WIDE + 0.5,
        "table": stem,
    }


def _runs(runs: np.ndarray) -> str:
    low, high = int(runs.min()), int(runs.max())
    return count(high, "run") if low == high else f"{low} to {count(high, 'run')}, as pairs have"


def _long(
    dataset: str, table: pd.DataFrame, correlations: np.ndarray, runs: np.ndarray
) -> pd.DataFrame:
    """A row for each two values, by the study's names."""
    first, second = np.triu_indices(len(correlations), 1)
    return pd.DataFrame(
        {
            "dataset": dataset,
            "value": table.columns[first],
            "other": table.columns[second],
            "spearman": correlations[first, second],
            "runs": runs[first, second],
        }
    )


def clustered(correlations: Float[np.ndarray, "value value"]) -> list[int]:
    """An order in which values stand that rank alike; the first in the table stays above."""
    if len(correlations) < 3:
        return list(range(len(correlations)))
    distances = 1 - np.nan_to_num(correlations)
    np.fill_diagonal(distances, 0)
    near = squareform(np.maximum((distances + distances.T) / 2, 0), checks=False)
    order = [int(leaf) for leaf in leaves_list(linkage(near, "average", optimal_ordering=True))]
    return order if order.index(0) < len(order) / 2 else order[::-1]


def draw(correlations: Float[np.ndarray, "value value"], names: list[str]) -> Canvas:
    """The lower triangle: a cell for each two values, coloured by sign and opaque by strength."""
    cells = len(names) - 1
    left, below = (0.15 + 0.065 * max(map(len, part)) for part in (names[1:], names[:-1]))
    size = max(CELL * cells, min(WIDE - left, 0.5 * cells))
    figure = canvas(max(WIDE, size + left), size + below)
    ax = figure.add_subplot()
    for row in range(1, len(names)):
        for column in range(row):
            _cell(ax, column, row - 1, float(correlations[row, column]))
    ax.set_xlim(0, cells)
    ax.set_ylim(cells, 0)
    ax.set_aspect("equal", anchor="W")
    ax.set_xticks(np.arange(cells) + 0.5, names[:-1], rotation=90)
    ax.set_yticks(np.arange(cells) + 0.5, names[1:])
    ax.tick_params(length=0, labelcolor=INK)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure


def _cell(ax: Axes, column: int, row: int, correlation: float) -> None:
    colour = AGREE if correlation > 0 else DISAGREE
    opacity = 0.0 if np.isnan(correlation) else STRONGEST * abs(correlation)
    ax.add_patch(
        Rectangle(
            (column + 0.03, row + 0.03), 0.94, 0.94, facecolor=colour, alpha=opacity, linewidth=0
        )
    )
    ink = MUTED if np.isnan(correlation) else INK
    text = digits(correlation)
    ax.text(column + 0.5, row + 0.5, text, color=ink, ha="center", va="center", fontsize=6.5)


def digits(correlation: float) -> str:
    """Two decimals without the nought before them, as `.87`, `−.12`, `1` and `0`."""
    if np.isnan(correlation):
        return "–"
    text = f"{abs(correlation):.2f}"
    sign = "−" if correlation < 0 and float(text) else ""
    return sign + (text.lstrip("0") if 0 < float(text) < 1 else f"{float(text):.0f}")


NOTE = (
    "Spearman’s rank correlation of every two values that have a better end, over {runs}: "
    "1 where both rank the runs alike, −1 where one reverses the other, 0 where they have nothing "
    "to do with each other. Values that are better low are turned round, so that blue pairs agree "
    "on which run is better and orange pairs do not. Values that rank alike stand together. A "
    "correlation may come from strengths that move both values, or from seeds, and says nothing "
    "of which."
)
UNKNOWN = " “–”: too few runs have both, or one is the same in all of them."
figure = Figure(
    section,
    heading="Do the metrics agree?",
    nav="Agreement",
    place=46,
    template="correlation.html",
)
