"""How each latent responds to each factor: the mean of its posterior means over all images.

After Chen et al. 2018 (arXiv:1802.04942), who show where a latent responds to positions, scale and
rotation.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import PathPatch
from matplotlib.path import Path as MplPath

from disentbench.report import comparisons
from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.figures import WIDE, Figure, panel
from disentbench.report.figures._names import short, shorts
from disentbench.report.figures._responses import (
    Answer,
    FactorCurve,
    PlaceMap,
    Response,
    read_response,
)
from disentbench.report.runs import Block, Key
from disentbench.report.style import COLOURS, HAIR, MUTED
from disentbench.report.text import fixed, places

ROWS, COLUMNS = 10, 8  # at most
DOTTED = 8  # classes up to which each is a dot, in a figure of few cells
FEW = 50  # cells
LEFT, WIDTH, TALL, HEAD = 0.7, 0.65, 0.5, 0.48  # inches: words, a column, a row, the titles
LETTER = 0.058  # inches, of a heading
INSET = 0.05  # of a cell, on each side
# From low by nothing to high: the middle is the page itself, light or dark. No image: half a grey.
FADING = LinearSegmentedColormap.from_list(
    "response", ["#0072B2FF", "#0072B2A0", "#80808000", "#D55E00A0", "#D55E00FF"]
).with_extremes(bad="#80808050")


class Chart(NamedTuple):
    """What is drawn of a run: the rows and, of each, the columns that fit."""

    title: str
    rows: list[Answer]
    columns: list[int]
    idle: int
    more_rows: int
    more_columns: int
    shapes: int


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The responses of the median run of each objective's best setting."""
    known = {key: _of_best(report, block, key) for key in block.best}
    runs = {key: shown for key, shown in known.items() if shown}
    if not runs:
        return None
    name, alt = f"{block.dataset}_response", "mean of each latent over the classes of each factor"
    panels = [
        panel(report, drawn(shown), f"{name}_{key[0]}", f"{shown.title}: {alt}")
        for key, shown in runs.items()
    ]
    return {"panels": panels} | _notes(list(runs.values()))


def _of_best(report: Report, block: Block, key: Key) -> Chart | None:
    """The median run of a best setting; None where its latents are gone or say nothing."""
    seed = run_tables.median_seed(block, *key, report.chosen)
    pack = report.study.pack_of(block.dataset, *key, seed)
    latents = report.files.pack(pack).latents
    response = read_response(latents, seed - pack.first) if latents.exists() else None
    title = f"{comparisons.title(report.settings, key)}, seed {seed}"
    return chosen(response, title) if response else None


def chosen(response: Response, title: str) -> Chart:
    """The rows and columns that a figure has room for: those in which most is explained."""
    told = np.array([row.share for row in response.rows])
    rows = np.sort(np.argsort(-told.max(axis=1), kind="stable")[:ROWS])
    columns = np.sort(np.argsort(-told.max(axis=0), kind="stable")[:COLUMNS])
    return Chart(
        title,
        [response.rows[i] for i in rows],
        [int(k) for k in columns],
        response.idle,
        len(told) - len(rows),
        told.shape[1] - len(columns),
        response.shapes,
    )


def drawn(shown: Chart) -> Canvas:
    """One run: a row for each latent, a column for each factor, all in one system of axes."""
    width = max(WIDE, LEFT + WIDTH * len(shown.columns))
    column = min(0.9, (width - LEFT) / len(shown.columns))
    foot = 0.2 if shown.shapes else 0.04
    tall = HEAD + TALL * len(shown.rows) + foot
    figure = Canvas(figsize=(width, tall))
    figure.text(0.04 / width, 1 - 0.14 / tall, short(shown.title, int(13 * width)), **TITLE)
    right = LEFT + column * len(shown.columns)
    box = (LEFT / width, foot / tall, (right - LEFT) / width, TALL * len(shown.rows) / tall)
    ax = figure.add_axes(box, xlim=(0, len(shown.columns)), ylim=(len(shown.rows), 0))
    ax.set_axis_off()
    for j, words in enumerate(_headings(shown, int(column / LETTER))):
        ax.text(j + 0.5, -0.06, words, **HEADING)
    for i, row in enumerate(shown.rows):
        _words(ax, i, row, column)
    draw(ax, shown)
    for line in range(shown.shapes):
        words, x = f"shape {line + 1}", LEFT + 0.03 + 0.52 * line
        if x + 0.5 < width:
            figure.text(x / width, 0.06 / tall, words, color=_colour(line), fontsize=6.5)
    return figure


TITLE = {"fontweight": "bold", "fontsize": 8.5, "va": "center"}
HEADING = {"ha": "center", "va": "bottom", "fontsize": 7, "linespacing": 0.95}


def _headings(shown: Chart, most: int) -> list[str]:
    """What stands above the columns, in so many letters; of places x over y."""
    cells = [shown.rows[0].cells[k] for k in shown.columns]
    curves = iter(shorts([cell.factor for cell in cells if isinstance(cell, FactorCurve)], most))
    return [
        next(curves)
        if isinstance(cell, FactorCurve)
        else f"{short(cell.x, most)}\n× {short(cell.y, most - 2)}"
        for cell in cells
    ]


def _words(ax: Axes, i: int, row: Answer, column: float) -> None:
    """A row's name and the range of its cells, left of them."""
    x, decimals = -0.05 / column, places([row.high - row.low], most=2)
    low, high = (fixed(value, decimals) for value in (row.low, row.high))
    ax.text(x, i + 0.36, short(row.name, 11), ha="right", va="center", fontsize=7.5)
    if row.detail:
        words = short(row.detail, 13)
        ax.text(x, i + 0.14, words, ha="right", va="center", fontsize=5.5, color=MUTED)
    words = f"{low} to {high}"
    ax.text(x, i + 0.64, words, ha="right", va="center", fontsize=6, color=MUTED)


def draw(ax: Axes, shown: Chart) -> None:
    """All cells: maps about the row's middle, lines within its range.

    Lines of a colour are one path, which keeps the figure small.
    """
    few = len(shown.rows) * len(shown.columns) <= FEW
    middles: list[np.ndarray] = []
    bands: list[np.ndarray] = []
    lines: dict[tuple[int, bool], list[np.ndarray]] = {}
    for i, row in enumerate(shown.rows):
        for j, k in enumerate(shown.columns):
            cell = row.cells[k]
            if isinstance(cell, PlaceMap):
                _map(ax, i, j, row, cell.mean)
                continue
            middles.append(_scaled(i, j, row, np.full(2, row.middle), ends=True))
            for line, (mean, sd) in enumerate(zip(cell.mean, cell.sd, strict=True)):
                dotted = few and len(mean) <= DOTTED
                lines.setdefault((line, dotted), []).append(_scaled(i, j, row, mean))
                if not cell.of:
                    edges = (_scaled(i, j, row, mean + sign * sd) for sign in (-1, 1))
                    bands.append(_closed(*edges))
    if middles:
        _line(ax, middles, HAIR, 0.6, "")
    if bands:
        area = MplPath.make_compound_path(*(MplPath(band, closed=True) for band in bands))
        ax.add_patch(PathPatch(area, facecolor=COLOURS[0], alpha=0.22, linewidth=0))
    for (line, dotted), curves in lines.items():
        _line(ax, curves, _colour(line), 1.0, "o" if dotted else "")


def _map(ax: Axes, i: int, j: int, row: Answer, mean: Float[np.ndarray, "y x"]) -> None:
    top, bottom, left, right = i + INSET, i + 1 - INSET, j + INSET, j + 1 - INSET
    bound = max(row.high - row.middle, row.middle - row.low)
    ax.imshow(
        np.ma.masked_invalid(mean),
        cmap=FADING,
        vmin=row.middle - bound,
        vmax=row.middle + bound,
        extent=(left, right, bottom, top),
        interpolation="nearest",
        aspect="auto",
    )
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    _line(ax, [np.array(corners)], HAIR, 0.5, "")


def _scaled(
    i: int, j: int, row: Answer, values: Float[np.ndarray, " class"], *, ends: bool = False
) -> Float[np.ndarray, "class 2"]:
    """Values as a curve in a cell: classes side by side, heights within the row's range."""
    n = len(values)
    places = np.linspace(0, 1, n) if ends else (np.arange(n) + 0.5) / n
    heights = (values - row.low) / (row.high - row.low)
    side = 1 - 2 * INSET
    return np.stack([j + INSET + side * places, i + 1 - INSET - side * heights], axis=1)


def _closed(
    low: Float[np.ndarray, "class 2"], high: Float[np.ndarray, "class 2"]
) -> Float[np.ndarray, "corner 2"]:
    """The outline of a band."""
    return np.concatenate([low, high[::-1], low[:1]])


def _line(ax: Axes, curves: list[np.ndarray], colour: str, width: float, marker: str) -> None:
    """Curves apart from each other, as one line."""
    gaps = [np.concatenate([curve, np.full((1, 2), np.nan)]) for curve in curves]
    x, y = np.concatenate(gaps).T
    ax.plot(x, y, color=colour, linewidth=width, marker=marker, markersize=2)


def _colour(line: int) -> str:
    return COLOURS[line % len(COLOURS)]


def _notes(runs: list[Chart]) -> dict[str, str]:
    """What the cells are, and what of the runs is not drawn."""
    cells = [row.cells[k] for run in runs for row in run.rows for k in run.columns]
    curves = [cell for cell in cells if isinstance(cell, FactorCurve)]
    told = {
        PLACES: len(curves) < len(cells),
        "A rotation has a line for each shape.": any(cell.of == "shape" for cell in curves),
        "A discrete group has a line for the probability of each of its classes, and a map for "
        "that which varies most.": any(cell.of == "class" for cell in curves),
        "What hardly varies over the images (variance at most 0.01) is idle and left out.": any(
            run.idle for run in runs
        ),
        f"Of more than {ROWS} latents those are drawn of which factors explain most.": any(
            run.more_rows for run in runs
        ),
        f"Of more than {COLUMNS} columns those are drawn that explain most.": any(
            run.more_columns for run in runs
        ),
    }
    return {"note": NOTE, "how": " ".join([HOW, *(words for words, so in told.items() if so)])}


NOTE = (
    "Of the same median runs, the mean of each latent’s posterior means over all images of a "
    "class, for the classes of each factor in their order, after Chen et al. (2018); the band is "
    "one standard deviation, what the other factors do. A row has one range in all its columns, "
    "written beside it, so that flat means that the latent does not respond to the factor alone; "
    "it may still respond to it together with another."
)
HOW = "Latents stand in the order of the column that explains most of them."
PLACES = (
    "Maps are of the mean at each place, blue below the latent’s mean over all images, orange "
    "above it, and as the page where it is near."
)
figure = Figure(
    section, heading="How each latent responds to each factor", nav="Response", place=45
)
