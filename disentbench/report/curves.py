"""Training curves: each term of the loss by step, for the best setting of every objective."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from disentbench.report import origin, style
from disentbench.report.runs import Block, Rule, median_seed
from disentbench.report.style import HAIR, canvas
from disentbench.report.text import fixed
from disentbench.study import Pack, Study

TITLES = {
    "distortion": "Distortion",
    "rate": "Rate",
    "loss": "Loss (each objective’s own)",
    "index_code_mi": "Index-code MI, minibatch estimate",
    "tc_between": "TC between, minibatch estimate",
    "tc_within": "TC within, minibatch estimate",
}
LOGARITHMIC = ("distortion", "loss")  # they begin tenfold above where they end
MEDIAN = {"linewidth": 1.3, "zorder": 3}
OTHER = {"linewidth": 0.6, "alpha": 0.35, "zorder": 2}
POINTS = 200  # of a line; a figure of this size shows no more


def pack_of(study: Study, dataset: str, objective: str, setting: str, seed: int) -> Pack:
    """The pack that holds a run."""
    wanted = (dataset, objective, setting)
    return next(
        pack
        for pack in study.packs
        if (pack.dataset, pack.objective, pack.setting) == wanted and seed in pack.seeds
    )


def histories(study: Study, results: Path, part: Block, chosen: Rule) -> pd.DataFrame:
    """The losses of the packs that hold the median run of each best setting.

    Adds `objective`, and `median`: whether the row is of the median run.
    """
    tables = []
    for objective, setting in part.best:
        seed = median_seed(part, objective, setting, chosen)
        pack = pack_of(study, part.dataset, objective, setting, seed)
        losses = origin.history(study, results, pack)
        if losses is not None:
            tables.append(losses.assign(objective=objective, median=losses["seed"] == seed))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def terms(losses: pd.DataFrame) -> list[str]:
    """The columns to draw: those we can name first, the others as they stand."""
    own = [column for column in losses if column not in ("seed", "step", "objective", "median")]
    return [t for t in TITLES if t in own] + [t for t in own if t not in TITLES]


def panel(losses: pd.DataFrame, term: str, looks) -> Figure:
    """One term as a figure of its own."""
    figure = canvas(3.3, 2.1)
    draw(figure.add_subplot(), losses, term, looks)
    return figure


def sheet(losses: pd.DataFrame, looks, labels: dict[str, str]) -> Figure:
    """All terms as one figure with a legend, for print."""
    names = terms(losses)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = canvas(2.9 * columns, 2.0 * rows + 0.25 * -(-len(looks) // 5))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, term in zip(axes, names, strict=False):
        draw(ax, losses, term, looks)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    drawn = set(losses["objective"])
    present = {name: looks[name] for name in looks if name in drawn}
    handles = style.handles(present, labels)
    for handle in handles:
        handle.set_marker("")
    style.legend(figure, handles)
    return figure


def draw(ax: Axes, losses: pd.DataFrame, term: str, looks) -> None:
    """The median run as a line, the other seeds of its pack as thin ones."""
    for name, own in losses.dropna(subset=[term]).groupby("objective", sort=False):
        for (median, _), run in own.groupby(["median", "seed"]):
            kept = run.iloc[:: -(-len(run) // POINTS)]
            weight = MEDIAN if median else OTHER
            ax.plot(kept["step"], kept[term], color=looks[name].colour, **weight)
    ax.set_title(TITLES.get(term, term))
    ax.set_xlabel("step")
    ax.set_ylabel("nats per image")
    ax.grid(axis="y", color=HAIR, linewidth=0.5)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=(1, 2, 5, 10)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: fixed(step, 0)))
    if term in LOGARITHMIC and (losses[term] > 0).all():
        _logarithmic(ax)


def _logarithmic(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
