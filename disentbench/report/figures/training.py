"""Training curves: each term of the loss by step, for the best setting of every objective.

Terms that are estimated on minibatches depend on the estimator by many nats, so that each estimator
has axes of its own. Runs that diverged are drawn apart.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from disentbench.posterior import terms
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.figures._losses import (
    DIVERGED,
    ESTIMATOR,
    IS_MEDIAN,
    OBJECTIVE,
    OWN,
    Histories,
    Lost,
    band,
    read_histories,
    thinned,
)
from disentbench.report.figures._names import short
from disentbench.report.figures._scale import plain, tick
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, LINES, Look, Panel, canvas
from disentbench.report.text import count, fixed

TITLES = {
    "distortion": "Distortion",
    terms.RATE.trained: terms.RATE.title,
    "loss": "Loss (each objective’s own)",
    "critic_loss": "Loss of the critic",
    **{term.trained: term.title for term in terms.ESTIMATED},
}
ESTIMATED = [term.trained for term in terms.ESTIMATED]
ABBREVIATIONS = {"tc", "kl", "mi", "mmd", "hfs"}
LOGARITHMIC = ("distortion", "loss")  # they begin tenfold above where they end
MEDIAN: dict[str, Any] = {"linewidth": 1.3, "zorder": 3}
OTHER: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.35, "zorder": 2}
BANDS_FROM = 5  # runs from which quartiles say more than the runs themselves
APART = 9  # points between numbers that can be read
LETTERS = 36  # of a title over a panel
WIDER_FROM = 10  # runs from which there is a band of 90 %, too


class Curve(NamedTuple):
    """A term of the loss, with the estimator where it is estimated."""

    term: str
    estimator: str = ""
    grouped: bool = True  # whether an objective of the study has groups of latents


def title(curve: Curve) -> str:
    """A curve's name for readers."""
    name = TITLES.get(curve.term) or _named(curve.term)
    if curve.term == terms.TC_BETWEEN.trained and not curve.grouped:
        name = terms.TOTAL_CORRELATION.title
    name = name[:1].upper() + name[1:]
    return f"{name}, estimated by {curve.estimator}" if curve.estimator else name


def _named(term: str) -> str:
    """What an objective shows, by the name that it gives it."""
    words = [word.upper() if word in ABBREVIATIONS else word for word in term.split("_")]
    return " ".join(words)


def curves(losses: pd.DataFrame, *, grouped: bool = True) -> list[Curve]:
    """What to draw: the terms that we can name first, the others as they stand."""
    named = [term for term in TITLES if term in losses]
    others = [column for column in losses if column not in (*OWN, *TITLES)]
    return [
        Curve(term, estimator, grouped)
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
    """Every objective's runs: their quantiles where they are many, else each of them."""
    term, shown = curve.term, of_curve(losses, curve)
    for name, runs in shown.groupby(OBJECTIVE, sort=False):
        if runs["seed"].nunique() < BANDS_FROM:
            _lines(ax, runs, term, looks[name])
        else:
            _bands(ax, runs, term, looks[name])
    ax.set_title(title(curve))
    if term in TITLES:  # what an objective shows besides has a unit of its own
        ax.set_ylabel("nats per image")
    _dress(ax, term in LOGARITHMIC and bool((shown[term] > 0).all()))


def of_curve(losses: pd.DataFrame, curve: Curve) -> pd.DataFrame:
    """The rows in which a term is, of the estimator that is shown."""
    if curve.estimator:
        losses = losses[losses[ESTIMATOR] == curve.estimator]
    return losses.dropna(subset=[curve.term])


def _lines(ax: Axes, runs: pd.DataFrame, term: str, look: Look) -> None:
    """The median run as a line, the others as thin ones."""
    for (median, _), run in runs.groupby([IS_MEDIAN, "seed"]):
        kept = run.iloc[thinned(len(run))]
        weight = MEDIAN if median else OTHER
        ax.plot(kept["step"], kept[term], color=look.colour, linestyle=LINES[look.line], **weight)


def _bands(ax: Axes, runs: pd.DataFrame, term: str, look: Look) -> None:
    """The median of the runs as a line, their middle half as a band, and 90 % of many paler."""
    steps, values = band(runs, term)
    wider = runs["seed"].nunique() >= WIDER_FROM
    for low, high, alpha in ((0, 4, 0.1), (1, 3, 0.22))[not wider :]:
        ax.fill_between(
            *(steps, values[:, low], values[:, high]),
            color=look.colour,
            alpha=alpha,
            linewidth=0,
            zorder=2,
        )
    ax.plot(steps, values[:, 2], color=look.colour, linestyle=LINES[look.line], **MEDIAN)


def _dress(ax: Axes, logarithmic: bool) -> None:
    ax.set_xlabel("step")
    ax.grid(axis="y", color=HAIR, linewidth=0.5)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=(1, 2, 5, 10)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: fixed(step, 0)))
    if logarithmic:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 2.5, 5, 10)))
    plain(ax.yaxis)


def drawn_lost(lost: list[Lost], look: Look, first: int) -> Canvas:
    """The losses of an objective's runs that diverged, numbered from `first` at their ends."""
    figure = canvas(3.3, 2.1)
    ax = figure.add_subplot()
    ends = {}
    for place, run in enumerate(lost, first):
        kept = run.losses.iloc[thinned(len(run.losses))]
        ax.plot(kept.index, kept, color=look.colour, linewidth=0.9)
        if len(kept):
            ends[place] = (float(kept.index[-1]), float(kept.iloc[-1]))
            ax.plot(*ends[place], color=look.colour, marker="x", markersize=4)
    ax.set_ylabel("nats per image")
    _dress(ax, all((run.losses > 0).all() for run in lost))
    for at, numbers in _numbered(ax, ends):
        ax.annotate(_ranges(numbers), at, (3, 2), textcoords="offset points", fontsize=7)
    return figure


def _numbered(
    ax: Axes, ends: dict[int, tuple[float, float]]
) -> list[tuple[tuple[float, float], list[int]]]:
    """Where numbers stand; those of ends that are nearly one stand together."""
    groups: list[tuple[tuple[float, float], list[int]]] = []
    for place, end in ends.items():
        x, y = ax.transData.transform(end)
        for at, numbers in groups:
            left, low = ax.transData.transform(at)
            if abs(x - left) < APART and abs(y - low) < APART:
                numbers.append(place)
                break
        else:
            groups.append((end, [place]))
    return groups


def _ranges(numbers: list[int]) -> str:
    """`1, 3–5`: numbers in their order, those that follow each other as one."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and number == rows[-1][-1] + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    return ", ".join(f"{row[0]}–{row[-1]}" if len(row) > 1 else str(row[0]) for row in rows)


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The terms of the loss at each objective's best setting, and what diverged."""
    histories = read_histories(report, block)
    if histories.losses.empty and not histories.lost:
        return None
    losses, name = histories.losses, f"{block.dataset}_training"
    runs = [] if losses.empty else losses.groupby(OBJECTIVE)["seed"].nunique()
    return {
        "panels": [
            panel(
                report,
                drawn(losses, curve, report.looks),
                "_".join(filter(None, (name, curve.term, curve.estimator))),
                _alt(report, losses, curve),
            )
            for curve in ([] if losses.empty else curves(losses, grouped=_grouped(report)))
        ],
        "bands": any(n >= BANDS_FROM for n in runs),
        "wider": any(n >= WIDER_FROM for n in runs),
        "lines": any(n < BANDS_FROM for n in runs),
        "lost": list(_lost_panels(report, histories.lost, name)),
        "lost_runs": [_said(report, run) for run in _by_objective(histories.lost)],
        "diverged": _diverged(histories),
    }


def _grouped(report: Report) -> bool:
    study = report.study
    of_settings = [one for name in study.objectives for _, one in study.settings(name)]
    return any(objective.structure().groups for objective in of_settings)


def _alt(report: Report, losses: pd.DataFrame, curve: Curve) -> str:
    """What a panel shows, and where each objective's median run or median ends."""
    ends = [
        f"{report.labels[name]} {tick(band(runs, curve.term).values[-1, 2], 3)}"
        for name, runs in of_curve(losses, curve).groupby(OBJECTIVE, sort=False)
    ]
    return f"{title(curve)} by training step; median at the end: {', '.join(ends)}"


def _by_objective(lost: list[Lost]) -> list[Lost]:
    names = dict.fromkeys(run.pack.objective for run in lost)
    return [run for name in names for run in lost if run.pack.objective == name]


def _lost_panels(report: Report, lost: list[Lost], name: str) -> Iterator[Panel]:
    """A panel for each objective of which runs diverged; the numbers go on through all."""
    first = 1
    for objective in dict.fromkeys(run.pack.objective for run in lost):
        runs = [run for run in lost if run.pack.objective == objective]
        figure = drawn_lost(runs, report.looks[objective], first)
        label = report.labels[objective]
        figure.axes[0].set_title(short(f"Loss of {label}", LETTERS))
        alt = f"Loss by training step of {count(len(runs), 'run')} of {label} until divergence"
        yield panel(report, figure, f"{name}_diverged_{objective}", alt)
        first += len(runs)


def _said(report: Report, run: Lost) -> str:
    """Which run diverged, and when."""
    pack = run.pack
    text = report.settings.loc[(pack.objective, pack.setting), "text"]
    named = ", ".join(filter(None, (report.labels[pack.objective], text, f"seed {run.seed}")))
    if run.noticed is None:
        return f"{named}: its losses stayed finite, and it ended far worse than untrained"
    return f"{named}: noticed at step {fixed(run.noticed, 0)}"


def _diverged(histories: Histories) -> str:
    """How many runs diverged, and how many of them are drawn."""
    drawn, total = len(histories.lost), histories.diverged
    if not total:
        return ""
    if drawn == total:
        return f"{count(total, 'run')} diverged."
    return f"{count(total, 'run')} diverged, of which {drawn} are drawn: at most {DIVERGED}."


figure = Figure(
    section,
    heading="Training",
    nav="Training",
    place=50,
    template="training.html",
    absent="No history of the best runs is left.",
)
