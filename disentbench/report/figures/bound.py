"""The two figures of the bound: the rate split into its terms, and rate against distortion."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from disentbench.metrics import STANDARD_ERROR
from disentbench.posterior import terms
from disentbench.posterior.terms import Term
from disentbench.report import style
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.figures._names import shorts
from disentbench.report.figures._rate_distortion import both, rate_distortion
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, INK, MANY, ON_DEEP, ON_PALE, Panel, canvas
from disentbench.report.text import at_most, fixed, number, places

# The total correlation is what the objectives differ in, so it has the strong colours.
COLOURS = {
    terms.INDEX_CODE_MI: ("#39607F", ON_DEEP),
    terms.TC_BETWEEN: ("#C4461F", ON_DEEP),
    terms.TC_WITHIN: ("#EBA98A", ON_PALE),
    terms.DIMENSION_WISE_KL: ("#CBD3DB", ON_PALE),
}
NAMES = [term.name for term in terms.PARTS]
LETTERS = 24  # of a name that leaves the bars their room
BAR = 0.19  # inches for each setting
FEWEST = 2  # bars for which there is room, as a legend and an axis would leave one none
HEAD = 1.05  # bars that an objective's heading takes


def decomposition(block: Block, settings: pd.DataFrame) -> Canvas:
    """Stacked bars: the mean over seeds of each term; a line below spans the seeds' rates."""
    means = block.summary.mean.reindex(settings.index).dropna(subset=["rate"])
    heads = _heads(means, settings)
    figure = canvas(3.9, 0.75 + BAR * max(FEWEST, len(means) + HEAD * len(heads)))
    ax = figure.add_subplot()
    at = _places(means, heads)
    _ranges(ax, block, means, at)
    _stack(ax, means, at)
    shown = settings.loc[means.index]
    _names(ax, _counted(block, shown), shown, heads, at)
    style.legend(figure, [Patch(color=COLOURS[t][0], label=x) for t, x in _labels(means).items()])
    return figure


def _labels(means: pd.DataFrame) -> dict[Term, str]:
    """The terms in the legend; without groups the one between them is the total correlation."""
    labels = {t: t.short.replace("dimension", "dim.") for t in terms.PARTS}  # two columns fit
    if not means[terms.TC_WITHIN.name].abs().max() > 0:
        del labels[terms.TC_WITHIN]
        labels[terms.TC_BETWEEN] = terms.TOTAL_CORRELATION.short
    return labels


def _heads(means: pd.DataFrame, settings: pd.DataFrame) -> list[str]:
    """The objectives that have more than one bar: each gets a line of its own above them."""
    sizes = means.groupby(level="objective", sort=False).size()
    return [name for name in sizes.index if settings.loc[name, "text"].any()]


def _places(means: pd.DataFrame, heads: list[str]) -> np.ndarray:
    """Where each bar stands, from the top down, below its objective's heading."""
    objective = means.index.get_level_values("objective")
    new = np.append([True], objective[1:] != objective[:-1])
    gap = np.where(new & objective.isin(heads), HEAD, 0.0)
    gap[0] = 0
    return np.arange(len(means)) + gap.cumsum()


def _stack(ax: Axes, means: pd.DataFrame, at: np.ndarray) -> None:
    left = np.zeros(len(means))
    wide = 0.085 * ax.get_xlim()[1]  # room for a number
    for term in terms.PARTS:
        colour, ink = COLOURS[term]
        width = means[term.name].clip(lower=0).to_numpy()  # an estimate of nought may be below it
        ax.barh(at, width, left=left, height=0.74, color=colour, linewidth=0)
        for y, start, size in zip(at, left, width, strict=True):
            if size > wide:
                text = fixed(size, places(means["rate"], most=2))
                ax.text(
                    start + size / 2, y, text, color=ink, ha="center", va="center", fontsize=6.5
                )
        left += width


def _ranges(ax: Axes, block: Block, means: pd.DataFrame, at: np.ndarray) -> None:
    """Draw a line below each bar from the lowest to the highest rate; the mean stands beside it."""
    rates = block.runs["rate"].groupby(level=["objective", "setting"]).agg(["min", "max"])
    rates = rates.reindex(means.index)
    ax.hlines(at + 0.47, rates["min"], rates["max"], color=INK, linewidth=0.9)
    bars = means[NAMES].clip(lower=0).sum(axis=1)  # the rate, unless a check has failed
    ends = np.maximum(np.maximum(rates["max"], means["rate"]), bars)
    ax.set_xlim(0, 1.1 * ends.max())
    for y, end, rate in zip(at, ends, means["rate"], strict=True):
        text = number(rate)
        ax.text(end + 0.015 * ends.max(), y, text, va="center", fontsize=7, fontweight="bold")


def _counted(block: Block, shown: pd.DataFrame) -> list[str]:
    """Each setting, and of how many of the planned runs its bar is where some are gone."""
    counts = block.summary.n.loc[shown.index, "rate"]
    lacks = ["" if n == block.planned else f", {n} of {block.planned}" for n in counts]
    texts = [text or label for label, text in zip(shown["label"], shown["text"], strict=True)]
    names = shorts(texts, LETTERS - max(map(len, lacks)))
    return [name + lack for name, lack in zip(names, lacks, strict=True)]


def _names(
    ax: Axes, texts: list[str], shown: pd.DataFrame, heads: list[str], at: np.ndarray
) -> None:
    ax.set_yticks(at, texts)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    objective = shown.index.get_level_values("objective")
    firsts = [int(np.flatnonzero(objective == name)[0]) for name in heads]
    for first, label in zip(firsts, shorts(shown["label"].iloc[firsts], LETTERS), strict=True):
        ax.text(
            -0.012,
            at[first] - 0.85,
            label,
            transform=ax.get_yaxis_transform(),
            ha="right",
            va="center",
            fontweight="bold",
        )
    ax.set_ylim(at[-1] + 0.6, at[0] - (1.3 if objective[0] in heads else 0.6))
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("rate, nats per image")
    ax.grid(axis="x", color=HAIR, linewidth=0.5)


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The decomposition of the rate, and rate against distortion, where they were computed."""
    sound = block.summary.mean.notna().any()
    has = set(sound.index[sound])
    panels: dict[str, Any] = {"decomposition": None, "rate_distortion": None}
    if has >= {*NAMES, "rate"}:
        alt = "terms of the rate of each setting, stacked"
        canvas = decomposition(block, report.settings)
        panels["decomposition"] = _kept(report, block, canvas, "decomposition", alt)
    if {"rate", "distortion"} <= has and len(both(block)) > 1:
        alt = "rate against distortion of each setting, with its strength"
        canvas = rate_distortion(block, report.settings, report.looks)
        panels["rate_distortion"] = _kept(report, block, canvas, "rate_distortion", alt)
        panels["many"] = len(both(block)) > MANY
    return panels | {"monte_carlo": _monte_carlo(block)} if any(panels.values()) else None


def _kept(report: Report, block: Block, canvas: Canvas, name: str, alt: str) -> Panel:
    """A figure of this data set."""
    return panel(report, canvas, f"{block.dataset}_{name}", alt)


def _monte_carlo(block: Block) -> str:
    """The largest standard error that sampling left in a term of the rate; empty if unknown."""
    names = [name + STANDARD_ERROR for name in (*NAMES, terms.TOTAL_CORRELATION.name)]
    errors = block.runs.filter(names).max().max()
    return at_most(float(errors)) if errors > 0 else ""


figure = Figure(
    section,
    heading="The bound, term by term",
    nav="Bound",
    place=20,
    template="bound.html",
    absent="Not computed: this needs the metrics <code>decomposition</code> and <code>elbo</code>.",
)
