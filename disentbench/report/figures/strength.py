"""Every value against the strength of each objective: the seeds as points, their mean as a line."""

from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from disentbench.report import levels
from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.figures._scale import Scale, beside, dodged, strengths
from disentbench.report.levels import Levels
from disentbench.report.runs import Block, Shown
from disentbench.report.style import HAIR, LINES, MANY, Look, Panel, alpha, canvas
from disentbench.report.text import symbol

INLINED = 500  # runs of a study up to which the panels of all its metrics are on the page
ROOM = 7  # points for a row of counts
BAND_FROM = 5  # seeds from which a confidence band says more than the points alone


@dataclass(frozen=True)
class Swept:
    """What is drawn: a data set's runs against one swept key, in the objectives' looks."""

    block: Block
    key: str
    settings: pd.DataFrame
    looks: dict[str, Look]
    levels: Levels

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Every run with its setting, the key that this sweeps first, and where it stands, x."""
        names = self.block.runs.index.to_frame(index=False)
        placed = names.join(self.settings[["key", "x"]], on=["objective", "setting"])
        return placed[["objective", "setting", "key", "x"]]

    @cached_property
    def lines(self) -> pd.DataFrame:
        """Where each setting that sweeps the key stands, and on which line of its objective."""
        placed = self.settings[self.settings["key"] == self.key]
        rests = placed.groupby(level="objective", sort=False)["rest"]
        return placed[["x"]].assign(line=rests.transform(lambda rest: pd.factorize(rest)[0]))


class Spread(NamedTuple):
    """Room between two strengths, and how many points share the panel."""

    gap: float
    total: int


def keys(settings: pd.DataFrame) -> list[str]:
    """What is swept, each key once; one empty key where nothing is."""
    return [key for key in dict.fromkeys(settings["key"]) if key] or [""]


def dashes(settings: pd.DataFrame) -> list[str]:
    """How the lines of one colour differ where an objective sweeps more than one setting."""
    rests = settings.groupby(level="objective", sort=False)["rest"].unique()
    labels = settings["label"].groupby(level="objective").first()
    return [
        f"{labels[name]}: "
        + ", ".join(f"{rest} {line}" for rest, line in zip(own, cycle(LINES), strict=False))
        for name, own in rests.items()
        if len(own) > 1
    ]


def drawn(sweep: Swept, shown: Shown) -> Canvas:
    """One value as a figure of its own."""
    figure = canvas(3.3, 2.35)
    draw(figure.add_subplot(), sweep, shown)
    return figure


def draw(ax: Axes, sweep: Swept, shown: Shown) -> None:
    """One value against one swept key; objectives that do not sweep anything are bands."""
    key, settings, looks = sweep.key, sweep.settings, sweep.looks
    values = sweep.block.runs[shown.value.name].to_numpy()
    table = sweep.runs.assign(y=values).dropna(subset="y")
    scale = Scale(strengths(settings, key))
    table = table.assign(at=scale(table["x"]))
    swept = table[(table["key"] == key) & (key != "")]
    ax.grid(axis="y", color=HAIR, linewidth=0.5)
    still = [alone for _, alone in table[table["key"] == ""].groupby("objective", sort=False)]
    for place, alone in enumerate(still):
        still[place] = alone.assign(at=beside(scale, key, place, alone["x"].iloc[0]))
        objective = alone["objective"].iloc[0]
        for setting, runs in still[place].groupby("setting", sort=False):
            _reference(ax, runs, looks[objective], _dash(settings.loc[objective].index, setting))
    spread = Spread(scale.gap, len(swept))
    means = dict(list(_means(sweep, shown.value.name).groupby(level="objective", sort=False)))
    places = dodged(swept["objective"].nunique(), scale)
    for shift, (name, runs) in zip(places, swept.groupby("objective", sort=False), strict=True):
        _lines(ax, means[name].assign(at=scale(means[name]["x"]) + shift), looks[name])
        _points(ax, runs.assign(at=runs["at"] + shift), looks[name], spread)
    _dress(ax, shown, table["y"])
    _ticks(ax, scale, key)
    if drawn := [points for points in (*still, swept) if len(points)]:
        _counts(ax, sweep, pd.concat(drawn))
    if shown.value.name in sweep.levels and len(table):
        levels.mark(ax, sweep.levels[shown.value.name])


def _dash(all_settings: pd.Index, setting: str) -> str:
    """The line of a setting without a strength, as `dashes` says where there are several."""
    if len(all_settings) == 1:
        return "dashed"
    return list(LINES)[all_settings.get_loc(setting) % len(LINES)]


def _reference(ax: Axes, own: pd.DataFrame, look: Look, dash: str) -> None:
    """A setting without a strength: its mean as a line, its range as a band."""
    y = own["y"]
    ax.axhspan(y.min(), y.max(), color=look.colour, alpha=0.09, linewidth=0)
    ax.axhline(y.mean(), color=look.colour, linewidth=0.9, linestyle=LINES[dash])
    _points(ax, own, look, Spread(0, len(y)))


def _means(sweep: Swept, value: str) -> pd.DataFrame:
    """What the tables say of one value, beside where its setting stands."""
    summary = sweep.block.summary._asdict()
    table = {name: summary[name][value] for name in ("mean", "low", "high", "n")}
    return pd.DataFrame(table).join(sweep.lines, how="inner").dropna(subset="mean")


def _lines(ax: Axes, means: pd.DataFrame, look: Look) -> None:
    """The mean of the seeds by strength, a line for each point of whatever else is swept."""
    dashes = list(LINES.values())
    for line, own in means.sort_values("at").groupby("line"):
        dash = dashes[line % len(dashes)]
        ax.plot(own["at"], own["mean"], color=look.colour, linestyle=dash, zorder=3)
        if own["n"].min() >= BAND_FROM:
            ax.fill_between(
                own["at"], own["low"], own["high"], color=look.colour, alpha=0.15, linewidth=0
            )


def _counts(ax: Axes, sweep: Swept, shown: pd.DataFrame) -> None:
    """Write below the strengths of how many runs a mean is, where some of the planned are lacking.

    In the objectives' colours. `shown` are the runs that have the value, and where they stand.
    """
    n = shown.groupby(["objective", "setting", "at"], sort=False).size().rename("n").reset_index()
    lacking = n[n["n"] < sweep.block.planned]
    rows = lacking.groupby("at").cumcount()
    for count, row in zip(lacking.itertuples(), rows, strict=True):
        ax.annotate(
            f"{count.n} of {sweep.block.planned}",
            (count.at, 0),
            (0, -14 - ROOM * row),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=6,
            color=sweep.looks[count.objective].colour,
            ha="center",
            va="top",
            annotation_clip=False,
        )
    ax.xaxis.labelpad += ROOM * (rows.max() + 1 if len(rows) else 0)


def _points(ax: Axes, runs: pd.DataFrame, look: Look, spread: Spread) -> None:
    """Every run; where there are many, spread a little to the sides and painted as one image."""
    far = 0.02 * spread.gap if len(runs) > 30 else 0.0
    jitter = np.random.default_rng(0).uniform(-far, far, len(runs))
    ax.scatter(
        runs["at"] + jitter,
        runs["y"],
        s=16 if spread.total <= MANY else 7,
        marker=look.marker,
        color=look.colour,
        alpha=alpha(spread.total // 4),
        linewidth=0,
        zorder=4,
        rasterized=spread.total > MANY,
    )


def _dress(ax: Axes, shown: Shown, y: pd.Series) -> None:
    value = shown.value
    arrow = {"higher": " ↑", "lower": " ↓"}.get(value.better, "")
    ax.set_title(value.label[:1].upper() + value.label[1:] + arrow)
    fraction = (value.low, value.high) == (0, 1)
    unit = f"{value.unit} per image" if value.unit == "nats" else value.unit
    ax.set_ylabel(unit or ("0 to 1" if fraction else ""))
    whole = value.whole
    ax.yaxis.set_major_locator(
        MaxNLocator(5, integer=whole, steps=(1, 2, 2.5, 5, 10), min_n_ticks=1)
    )
    if whole and len(y):
        ax.set_ylim(y.min() - 0.5, y.max() + 0.5)
    if fraction and len(y):
        ax.set_ylim(bottom=min(0, y.min()))
    if y.empty:
        ax.text(0.5, 0.5, "no run has this value", transform=ax.transAxes, ha="center")


def _ticks(ax: Axes, scale: Scale, key: str) -> None:
    """Ticks at the strengths themselves, as many as can be read."""
    low, high = scale(scale.values[[0, -1]])
    ax.set_xlim(low - 0.45 * scale.gap, high + 0.45 * scale.gap)
    every = -(-len(scale.values) // 8)
    kept = scale.values[::every] if key else []
    ax.set_xticks(scale(kept), [f"{value:g}" for value in kept])
    ax.set_xlabel(symbol(key))


def section(report: Report, block: Block) -> dict[str, Any]:
    """Panels of every value against every swept key: the field's own first, then the others.

    In a large study the others are only files.
    """
    familiar = {n: shown for n, shown in report.columns.items() if shown.value.prominence}
    others = {n: shown for n, shown in report.columns.items() if not shown.value.prominence}
    shared = (report.settings, report.looks, report.levels[block.dataset])
    swept = [Swept(block, key, *shared) for key in keys(report.settings)]
    panels = {
        kind: [_panels(report, sweep, shown) for sweep in swept if shown]
        for kind, shown in (("sweeps", familiar), ("other_sweeps", others))
    }
    large = len(run_tables.planned(report.study)) > INLINED
    files = [panel.name for shown in panels["other_sweeps"] for panel in shown] if large else []
    return panels | {
        "other_sweeps": [] if large else panels["other_sweeps"],
        "other_files": files,
        "dashes": dashes(report.settings),
    }


def _panels(report: Report, sweep: Swept, shown: dict[str, Shown]) -> list[Panel]:
    against = f"against {sweep.key}" if sweep.key else "by objective"
    return [
        panel(
            report,
            drawn(sweep, one),
            "_".join(filter(None, (sweep.block.dataset, value, sweep.key))),
            f"{one.value.label} {against}, every run a point",
        )
        for value, one in shown.items()
    ]


figure = Figure(
    section,
    heading="What the strength does",
    nav="Strength",
    place=10,
    template="strength.html",
)
