"""The two figures of the bound: the rate split into its terms, and rate against distortion."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from disentbench.metrics import STANDARD_ERROR
from disentbench.posterior import terms
from disentbench.report import style
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, INK, MANY, MUTED, Look, Panel, alpha, canvas
from disentbench.report.text import at_most, fixed, number, places

# The total correlation is what the objectives differ in, so it has the strong colours.
COLOURS = {
    terms.INDEX_CODE_MI: ("#39607F", "white"),
    terms.TC_BETWEEN: ("#C4461F", "white"),
    terms.TC_WITHIN: ("#EBA98A", INK),
    terms.DIMENSION_WISE_KL: ("#CBD3DB", INK),
}
NAMES = [term.name for term in terms.PARTS]
WIDTH = 3.7  # inches of the rates against distortions
BAR = 0.19  # inches for each setting
HEAD = 1.05  # bars that an objective's heading takes


def decomposition(block: Block, settings: pd.DataFrame) -> Canvas:
    """Stacked bars: the mean over seeds of each term; a line below spans the seeds' rates."""
    means = block.summary.mean.reindex(settings.index).dropna(subset=["rate"])
    heads = _heads(means, settings)
    figure = canvas(3.9, 0.75 + BAR * (len(means) + HEAD * len(heads)))
    ax = figure.add_subplot()
    at = _places(means, heads)
    _ranges(ax, block, means, at)
    _stack(ax, means, at)
    shown = settings.loc[means.index]
    _names(ax, _counted(block, shown), shown, heads, at)
    drawn = [t for t in terms.PARTS if t != terms.TC_WITHIN or means[t.name].abs().max() > 0]
    labels = [t.short.replace("dimension", "dim.") for t in drawn]  # so that two columns fit
    style.legend(
        figure, [Patch(color=COLOURS[t][0], label=x) for t, x in zip(drawn, labels, strict=True)]
    )
    return figure


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
    texts = [text or label for label, text in zip(shown["label"], shown["text"], strict=True)]
    return [
        text if n == block.planned else f"{text}, {n} of {block.planned}"
        for text, n in zip(texts, block.summary.n.loc[shown.index, "rate"], strict=True)
    ]


def _names(
    ax: Axes, texts: list[str], shown: pd.DataFrame, heads: list[str], at: np.ndarray
) -> None:
    ax.set_yticks(at, texts)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    objective = shown.index.get_level_values("objective")
    for name in heads:
        first = int(np.flatnonzero(objective == name)[0])
        label = shown["label"].iloc[first]
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


def rate_distortion(block: Block, settings: pd.DataFrame, looks: dict[str, Look]) -> Canvas:
    """Every run's rate and distortion; runs on one grey line have the same ELBO."""
    table = block.runs[["distortion", "rate"]].dropna()
    handles = _counted_handles(block, table, settings, looks)
    figure = canvas(WIDTH, 2.6 + style.legend_height(WIDTH, handles))
    ax = figure.add_subplot()
    _equal_elbo(ax, table)
    for name, runs in table.groupby(level="objective", sort=False):
        means = runs.groupby(level="setting", sort=False).mean()
        means = settings.loc[name].join(means, how="inner")
        for _, line in means.groupby("rest", sort=False):
            ax.plot(line["distortion"], line["rate"], color=looks[name].colour, linewidth=0.9)
        ax.scatter(
            runs["distortion"],
            runs["rate"],
            s=18 if len(table) <= MANY else 8,
            color=looks[name].colour,
            marker=looks[name].marker,
            alpha=alpha(len(table) // 4),
            linewidth=0,
            zorder=4,
            rasterized=len(table) > MANY,
        )
    ax.set_xlabel("distortion, nats per image")
    ax.set_ylabel("rate, nats per image")
    style.legend(figure, handles)
    return figure


def _counted_handles(
    block: Block, table: pd.DataFrame, settings: pd.DataFrame, looks: dict[str, Look]
) -> list[Line2D]:
    """The objectives in the legend, and of how many of the planned runs where some are gone."""
    labels = settings["label"].groupby(level="objective").first().to_dict()
    n, planned = (t.groupby(level="objective").size() for t in (table, block.runs))
    labels |= {
        name: f"{labels[name]}, {n[name]} of {planned[name]}"
        for name in n.index[n < planned[n.index]]
    }
    present = {name: looks[name] for name in table.index.unique("objective")}
    return style.handles(present, labels)


def _equal_elbo(ax: Axes, table: pd.DataFrame) -> None:
    """Grey lines of equal ELBO through the range of the runs, named where they leave it."""
    x, y = table["distortion"], table["rate"]
    pad_x, pad_y = 0.08 * (np.ptp(x) or 1), 0.1 * (np.ptp(y) or 1)
    ax.set_xlim(x.min() - pad_x, x.max() + pad_x)
    ax.set_ylim(y.min() - pad_y, y.max() + pad_y)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    step = _round(((right + top) - (left + bottom)) / 6)
    for total in np.arange(np.ceil((left + bottom) / step) * step, right + top, step):
        ax.plot([total - top, total - bottom], [top, bottom], color=HAIR, linewidth=0.6, zorder=1)
        at = min(max(total - top, left), right)
        if left < total - top < right - 0.08 * (right - left):
            text = f"ELBO {fixed(-total, 0 if step >= 1 else 2)}"
            ax.annotate(
                text,
                (at, top),
                (2, -2),
                textcoords="offset points",
                fontsize=6,
                color=MUTED,
                va="top",
            )


def _round(step: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= step))


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The decomposition of the rate, and rate against distortion, where they were computed."""
    sound = block.summary.mean.notna().any()
    has = set(sound.index[sound])
    panels: dict[str, Any] = {}
    if has >= {*NAMES, "rate"}:
        alt = "terms of the rate of each setting, stacked"
        canvas = decomposition(block, report.settings)
        panels["decomposition"] = _kept(report, block, canvas, "decomposition", alt)
    if {"rate", "distortion"} <= has:
        alt = "rate against distortion, every run a point"
        canvas = rate_distortion(block, report.settings, report.looks)
        panels["rate_distortion"] = _kept(report, block, canvas, "rate_distortion", alt)
    return panels | {"monte_carlo": _monte_carlo(block)} if panels else None


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
