"""How the runs of each objective's best setting scatter: violins, and performance profiles.

A profile is the share of runs that score above a bar, over the bar: Agarwal et al. 2021,
arXiv:2108.13264, section 4. Below ten runs either would draw a shape that is not in the data.
"""

from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from scipy.stats import binomtest, gaussian_kde

from disentbench.metrics import Value
from disentbench.report import comparisons, style
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
from disentbench.report.runs import Block, Key
from disentbench.report.style import COLOURS, HAIR, INK, LINES, MANY, Look, alpha, canvas
from disentbench.report.text import count

LEAST = 10  # runs that have a shape
BANDS = 4  # profiles up to which their bands are told apart
POINTS = 200  # of the outline of a violin


class BestRuns(NamedTuple):
    """The finite scores of an objective's best setting, its name at a row and in a legend."""

    key: Key
    name: str
    look: Look
    scores: Float[np.ndarray, " run"]


class Profile(NamedTuple):
    """The share of runs beyond each bar and its pointwise 95 % band, steps that hold to the right.

    `bar` are the scores of the runs, the worst first; beyond the last there is none.
    """

    bar: Float[np.ndarray, " step"]
    share: Float[np.ndarray, " step"]
    low: Float[np.ndarray, " step"]
    high: Float[np.ndarray, " step"]


def profile(scores: Float[np.ndarray, " run"], sign: int) -> Profile:
    """How many of the runs are better than each score; sign -1: lower is better.

    The band is Wilson's for a share of independent runs, at each bar by itself.
    """
    bars, counts = np.unique(sign * scores, return_counts=True)
    beyond, n = len(scores) - counts.cumsum(), len(scores)
    bounds = [
        binomtest(int(k), n).proportion_ci(confidence_level=0.95, method="wilson") for k in beyond
    ]
    low, high = np.array(bounds, float).T
    return Profile(sign * bars, beyond / n, low, high)


def density(scores: Float[np.ndarray, " run"]) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the outline of a violin is and how wide, 1 at its widest, from the least score to the
    largest; None for few scores or equal ones."""
    if len(scores) < LEAST or np.ptp(scores) <= 1e-9 * np.abs(scores).max():
        return None
    at = np.linspace(scores.min(), scores.max(), POINTS)
    height = gaussian_kde(scores)(at)
    return at, height / height.max()


def violins(samples: list[BestRuns], value: Value, level: Level | None = None) -> Canvas:
    """A row for each objective: every run a point, their density about it, the median a line."""
    figure, ax = rows_canvas(WIDE, len(samples), row=0.34)
    total = sum(len(sample.scores) for sample in samples)
    for row, sample in enumerate(samples):
        colour = sample.look.colour
        if outline := density(sample.scores):
            at, height = outline
            half = 0.42 * height
            ax.fill_between(at, row - half, row + half, color=colour, alpha=0.22, linewidth=0)
        _points(ax, row, sample, total)
        ax.vlines(np.median(sample.scores), row - 0.3, row + 0.3, color=INK, linewidth=1.2)
    name_rows(ax, [sample.name for sample in samples])
    dress_value(ax, value)
    if level:
        mark_levels(ax, level)
    return figure


def _points(ax: Axes, row: int, sample: BestRuns, total: int) -> None:
    jitter = np.random.default_rng(0).uniform(-0.12, 0.12, len(sample.scores))
    ax.scatter(
        sample.scores,
        row + jitter,
        s=9,
        marker=sample.look.marker,
        color=sample.look.colour,
        alpha=alpha(len(sample.scores)),
        linewidth=0,
        zorder=3,
        rasterized=total > MANY,
    )


def profiles(samples: list[BestRuns], value: Value, sign: int, banded: bool) -> Canvas:
    """A falling line for each objective: the better, the further to the right it falls."""
    dashes: list[Any] = [dash for dash in LINES.values() for _ in COLOURS]
    looks = list(zip(samples, cycle(dashes), strict=False))
    handles = [
        Line2D([], [], color=sample.look.colour, linestyle=dash, label=sample.name)
        for sample, dash in looks
    ]
    figure = canvas(WIDE, 2.2 + style.legend_height(WIDE, handles))
    ax = figure.add_subplot()
    low, high = _ends(samples)
    for sample, dash in looks:
        bar, *steps = profile(sample.scores, sign)
        worst, best = (low, high) if sign > 0 else (high, low)
        at = np.concatenate([[worst], bar, [best]])
        share, bottom, top = (
            np.concatenate([[start], step, step[-1:]])
            for step, start in zip(steps, (1.0, *_of_all(len(sample.scores))), strict=True)
        )
        ax.step(at, share, where="post", color=sample.look.colour, linestyle=dash, zorder=3)
        if banded:
            ax.fill_between(
                at, bottom, top, step="post", color=sample.look.colour, alpha=0.12, linewidth=0
            )
    ax.set_xlim((low, high) if sign > 0 else (high, low))
    ax.set_ylim(0, 1.02)
    unit = axis_label(value)
    ax.set_xlabel(f"{value.label}, {unit}" if unit and unit != "0 to 1" else value.label)
    ax.set_ylabel(f"share of runs {'above' if sign > 0 else 'below'}")
    ax.grid(color=HAIR, linewidth=0.5)
    style.legend(figure, handles)
    return figure


def _of_all(n: int) -> tuple[float, float]:
    """The band where every run is beyond the bar."""
    low, high = binomtest(n, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(low), float(high)


def _ends(samples: list[BestRuns]) -> tuple[float, float]:
    """Where the axis of the bars begins and ends: a little beyond all scores."""
    scores = np.concatenate([sample.scores for sample in samples])
    pad = 0.04 * (np.ptp(scores) or 1.0)
    return float(scores.min() - pad), float(scores.max() + pad)


def samples(report: Report, block: Block, shown: Shown) -> list[BestRuns]:
    """The runs of each objective's best setting, the best objective first."""
    scores = [block.scores(key, shown.value.name).dropna().to_numpy() for key in block.best]
    names = titles(report.settings, block.best, LETTERS)
    return [
        BestRuns(key, name, report.looks[key[0]], values)
        for key, name, values in zip(block.best, names, scores, strict=True)
    ]


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """Violins and profiles by the ranking value; None below ten seeds."""
    if block.planned < LEAST or not block.best:
        return None
    chosen = report.chosen
    shown = report.values[chosen.name]
    best = samples(report, block, shown)
    banded = len(best) <= BANDS and not chosen.shared
    whole = ", ".join(comparisons.title(report.settings, sample.key) for sample in best)
    level = report.levels[block.dataset].get(chosen.name)
    figures = {
        "violins": (violins(best, shown.value, level), f"Runs by {chosen.label}: {whole}"),
        "profiles": (
            profiles(best, shown.value, chosen.sign, banded),
            f"Share of runs beyond each {chosen.label}: {whole}",
        ),
    }
    return {
        "panels": [
            panel(report, drawn, f"{block.dataset}_{kind}_{chosen.name}", alt)
            for kind, (drawn, alt) in figures.items()
        ],
        "note": _note(best, banded, chosen.shared, report),
    }


def _note(best: list[BestRuns], banded: bool, shared: bool, report: Report) -> str:
    shapeless = [
        comparisons.title(report.settings, sample.key)
        for sample in best
        if density(sample.scores) is None
    ]
    bands = (
        "The band is Wilson’s 95 % interval of each share, at one bar by itself, which holds in "
        "95 % of studies on average and in fewer where the share is near 0 or 1: it says nothing "
        "of a whole line."
        if banded
        else "Runs share in this value, so the lines have no bands."
        if shared
        else f"Of more than {BANDS} lines bands would hide each other and are not drawn."
    )
    return (
        "All runs of each objective’s best setting. Violins: a point is a run, the line their "
        "median, the outline a Gaussian kernel estimate of their density, as wide for all, cut "
        "at the worst and the best run; humps of a few runs come and go with the seeds. "
        + (
            f"None is drawn of fewer than {count(LEAST, 'run')} or of equal scores: "
            f"{', '.join(shapeless)}. "
            if shapeless
            else ""
        )
        + "Profiles: the share of runs better than each bar, better to the right. A line that is "
        "above another everywhere is of better runs at every bar; where lines cross, it depends on "
        f"the bar which is better. {bands} The settings were chosen on these very runs, which "
        "makes every one of them look a little better than it is."
    )


figure = Figure(
    section,
    heading="How the runs of the best settings scatter",
    nav="Distributions",
    place=12,
)
