"""Training curves: each term of the loss by step, for the best setting of every objective.

Terms that are estimated on minibatches depend on the estimator by many nats, so that each estimator
has axes of its own.
"""

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from disentbench.posterior import terms
from disentbench.report import records
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.runs import Block, Key, Rule, median_seed
from disentbench.report.style import HAIR, Look, canvas
from disentbench.report.text import fixed
from disentbench.storage.layout import StudyFolder
from disentbench.study import Study

TITLES = {
    "distortion": "Distortion",
    terms.RATE.trained: terms.RATE.title,
    "loss": "Loss (each objective’s own)",
    "critic_loss": "Loss of the critic",
    **{term.trained: term.title for term in terms.ESTIMATED},
}
ESTIMATED = [term.trained for term in terms.ESTIMATED]
# Columns that are no term; in brackets, what the history has not.
OBJECTIVE, ESTIMATOR, IS_MEDIAN = "(objective)", "(estimator)", "(median)"
OWN = ("seed", "step", OBJECTIVE, ESTIMATOR, IS_MEDIAN)
ABBREVIATIONS = {"tc", "kl", "mi", "mmd", "hfs"}
LOGARITHMIC = ("distortion", "loss")  # they begin tenfold above where they end
MEDIAN: dict[str, Any] = {"linewidth": 1.3, "zorder": 3}
OTHER: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.35, "zorder": 2}
POINTS = 200  # of a line; a figure of this size shows no more


class Curve(NamedTuple):
    """A term of the loss, with the estimator where it is estimated."""

    term: str
    estimator: str = ""


def title(curve: Curve) -> str:
    """A curve's name for readers."""
    name = TITLES.get(curve.term) or _named(curve.term)
    return f"{name}, estimated by {curve.estimator}" if curve.estimator else name


def _named(term: str) -> str:
    """What an objective shows, by the name that it gives it."""
    words = [word.upper() if word in ABBREVIATIONS else word for word in term.split("_")]
    return " ".join(words)


def histories(
    study: Study, files: StudyFolder, block: Block, chosen: Rule, estimators: dict[Key, str | None]
) -> pd.DataFrame:
    """The losses of the packs that hold the median run of each best setting.

    Adds the objective, its estimator, and whether the row is of the median run.
    """
    tables = []
    for objective, setting in block.best:
        seed = median_seed(block, objective, setting, chosen)
        pack = study.pack_of(block.dataset, objective, setting, seed)
        losses = records.history(files.pack(pack))
        if losses is not None:
            estimator = estimators[objective, setting] or ""
            named = {OBJECTIVE: objective, ESTIMATOR: estimator, IS_MEDIAN: losses["seed"] == seed}
            tables.append(losses.assign(**named))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def curves(losses: pd.DataFrame) -> list[Curve]:
    """What to draw: the terms that we can name first, the others as they stand."""
    named = [term for term in TITLES if term in losses]
    others = [column for column in losses if column not in (*OWN, *TITLES)]
    return [
        Curve(term, estimator)
        for term in named + others
        for estimator in (_estimators(losses, term) if term in ESTIMATED else [""])
    ]


def _estimators(losses: pd.DataFrame, term: str) -> list[str]:
    return list(losses.loc[losses[term].notna(), ESTIMATOR].unique())


def drawn(losses: pd.DataFrame, curve: Curve, looks: dict[str, Look]) -> Canvas:
    """One term as a figure of its own."""
    figure = canvas(3.3, 2.1)
    draw(figure.add_subplot(), losses, curve, looks)
    return figure


def draw(ax: Axes, losses: pd.DataFrame, curve: Curve, looks: dict[str, Look]) -> None:
    """The median run as a line, the other seeds of its pack as thin ones."""
    term = curve.term
    if curve.estimator:
        losses = losses[losses[ESTIMATOR] == curve.estimator]
    for name, lines in losses.dropna(subset=[term]).groupby(OBJECTIVE, sort=False):
        for (median, _), run in lines.groupby([IS_MEDIAN, "seed"]):
            kept = run.iloc[:: -(-len(run) // POINTS)]
            weight = MEDIAN if median else OTHER
            ax.plot(kept["step"], kept[term], color=looks[name].colour, **weight)
    ax.set_title(title(curve))
    ax.set_xlabel("step")
    if term in TITLES:  # what an objective shows besides has a unit of its own
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


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The terms of the loss at each objective's best setting."""
    if not block.best:
        return None
    losses = histories(report.study, report.files, block, report.chosen, report.estimators)
    if losses.empty:
        return None
    name = f"{block.dataset}_training"
    return {
        "panels": [
            panel(
                report,
                drawn(losses, curve, report.looks),
                "_".join(filter(None, (name, *curve))),
                f"{title(curve)} by training step",
            )
            for curve in curves(losses)
        ]
    }


figure = Figure(
    section,
    heading="Training",
    nav="Training",
    place=50,
    template="training.html",
    absent="No history of the best runs is left.",
)
