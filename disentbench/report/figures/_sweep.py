"""One value against one swept key: the runs or their quartiles by strength, and their means."""

from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from disentbench import plugins
from disentbench.report import levels
from disentbench.report.figures._scale import Scale, apart, beside, dodged, plain, strengths, tick
from disentbench.report.levels import Levels
from disentbench.report.ranking import Shown
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, LINES, MANY, Look, alpha, canvas
from disentbench.report.text import count, symbol

ROOM = 7  # points for a row of counts
MOST_ROWS = 4  # of counts
BAND_FROM = 5  # seeds from which a confidence band says more than the points alone
LENGTH = 160  # points of an axis of strengths
COUNT = 27  # points that a count takes
BANDS = 6  # lines up to which their bands are told apart
QUARTILES = (0.25, 0.75)
CROWD = 200  # runs from which points of a panel cover each other
OF = "@"  # in a key, before the file of the objective whose own it is


@dataclass(frozen=True)
class Swept:
    """What is drawn: a data set's runs against one swept key, in the objectives' looks."""

    block: Block
    key: str
    settings: pd.DataFrame
    looks: dict[str, Look]
    levels: Levels

    @property
    def label(self) -> str:
        """The key as a reader sees it, and whose it is, if it is one objective's."""
        name, _, file = self.key.partition(OF)
        return symbol(name) + (f" of {plugins.load('objectives', file).label}" if file else "")

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


def dashes(settings: pd.DataFrame, looks: dict[str, Look]) -> list[str]:
    """How the lines of one colour differ where an objective sweeps more than one setting."""
    rests = settings.groupby(level="objective", sort=False)["rest"].unique()
    labels = settings["label"].groupby(level="objective").first()
    return [
        f"{labels[name]}: "
        + ", ".join(
            f"{rest} {line}" for rest, line in zip(own, cycle(looks[str(name)].lines), strict=False)
        )
        for name, own in rests.items()
        if len(own) > 1
    ]


def drawn(sweep: Swept, shown: Shown) -> Canvas:
    """One value as a figure of its own."""
    figure = canvas(3.3, 2.35)
    draw(figure.add_subplot(), sweep, shown)
    return figure


def draw(ax: Axes, sweep: Swept, shown: Shown) -> None:
    """One value against one swept key; objectives that do not sweep anything are bands.

    Of a crowd of runs only the quartiles are drawn.
    """
    key, settings, looks = sweep.key, sweep.settings, sweep.looks
    table = of_value(sweep, shown.value.name)
    many = crowded(sweep, table)
    scale = Scale(strengths(settings, key))
    table = table.assign(at=scale(table["x"]))
    swept = table[(table["key"] == key) & (key != "")]
    ax.grid(axis="y", color=HAIR, linewidth=0.5)
    still = [alone for _, alone in table[table["key"] == ""].groupby("objective", sort=False)]
    for place, alone in enumerate(still):
        still[place] = alone.assign(at=beside(scale, key, place, alone["x"].iloc[0]))
        objective = alone["objective"].iloc[0]
        for setting, runs in still[place].groupby("setting", sort=False):
            line = _line(looks[objective], settings.loc[objective].index, setting)
            _reference(ax, runs, looks[objective], line, many=many)
    spread = Spread(scale.gap, len(swept))
    means = dict(list(_means(sweep, shown.value.name).groupby(level="objective", sort=False)))
    places = dodged(swept["objective"].nunique(), scale, many=many)
    for shift, (name, runs) in zip(places, swept.groupby("objective", sort=False), strict=True):
        line = means[name].assign(at=scale(means[name]["x"]) + shift)
        _lines(ax, line, looks[name], bands=banded(sweep))
        placed = runs.assign(at=runs["at"] + shift)
        if many:
            _quartiles(ax, placed, looks[name], _thickness(places, scale))
        else:
            _points(ax, placed, looks[name], spread)
    _dress(ax, shown, table["y"])
    _ticks(ax, scale, sweep)
    if drawn := [points for points in (*still, swept) if len(points)]:
        _counts(ax, sweep, pd.concat(drawn), scale)
    if shown.value.name in sweep.levels and len(table):
        levels.mark(ax, sweep.levels[shown.value.name])


def of_value(sweep: Swept, value: str) -> pd.DataFrame:
    """The runs that have a value, as y."""
    return sweep.runs.assign(y=sweep.block.runs[value].to_numpy()).dropna(subset="y")


def banded(sweep: Swept) -> bool:
    """Whether lines have bands: of many they would hide each other."""
    lines = sweep.lines.groupby(["objective", "line"]).ngroups
    return sweep.block.planned >= BAND_FROM and lines <= BANDS


def crowded(sweep: Swept, table: pd.DataFrame) -> bool:
    """Whether the runs of a panel would cover each other; few of a setting only if very many do."""
    total = table["key"].isin(["", sweep.key]).sum()
    return bool(total >= (CROWD if sweep.block.planned >= BAND_FROM else MANY))


def _line(look: Look, all_settings: pd.Index, setting: str) -> str:
    """The line of a setting without a strength, as `dashes` says where there are several."""
    if len(all_settings) == 1:
        return "dashed"
    return look.lines[all_settings.get_loc(setting) % len(LINES)]


def _reference(ax: Axes, runs: pd.DataFrame, look: Look, line: str, *, many: bool) -> None:
    """A setting without a strength: its mean as a line, the range of its runs as a band.

    Of many runs it is the middle half of them.
    """
    low, high = runs["y"].quantile(QUARTILES) if many else (runs["y"].min(), runs["y"].max())
    ax.axhspan(low, high, color=look.colour, alpha=0.09, linewidth=0)
    ax.axhline(runs["y"].mean(), color=look.colour, linewidth=0.9, linestyle=LINES[line])
    if not many:
        _points(ax, runs, look, Spread(0, len(runs)))


def _means(sweep: Swept, value: str) -> pd.DataFrame:
    """What the tables say of one value, beside where its setting stands."""
    summary = sweep.block.summary._asdict()
    table = {name: summary[name][value] for name in ("mean", "low", "high", "n")}
    return pd.DataFrame(table).join(sweep.lines, how="inner").dropna(subset="mean")


def _lines(ax: Axes, means: pd.DataFrame, look: Look, *, bands: bool) -> None:
    """The mean of the seeds by strength, a line for each point of whatever else is swept."""
    for line, own in means.sort_values("at").groupby("line"):
        dash = LINES[look.lines[line % len(LINES)]]
        ax.plot(own["at"], own["mean"], color=look.colour, linestyle=dash, zorder=3)
        if bands and own["n"].min() >= BAND_FROM:
            ax.fill_between(
                own["at"], own["low"], own["high"], color=look.colour, alpha=0.15, linewidth=0
            )


def _counts(ax: Axes, sweep: Swept, shown: pd.DataFrame, scale: Scale) -> None:
    """Write below the strengths of how many runs a mean is, where some of the planned are lacking.

    In the objectives' colours, or, where there is no room for each, their sum at the end. `shown`
    are the runs that have the value, and where they stand.
    """
    n = shown.groupby(["objective", "setting", "at"], sort=False).size().rename("n").reset_index()
    lacking = n[n["n"] < sweep.block.planned]
    rows = lacking.groupby("at").cumcount()
    gaps = np.diff(np.unique(lacking["at"].round(6))) * _points_of(scale)
    if (len(gaps) and gaps.min() < COUNT) or rows.max() >= MOST_ROWS:
        gone = int((sweep.block.planned - lacking["n"]).sum())
        text = f"without {count(gone, 'run')} that {'lacks' if gone == 1 else 'lack'} it"
        ax.set_xlabel(f"{sweep.label} ({text})")
        return
    for line, row in zip(lacking.itertuples(), rows, strict=True):
        ax.annotate(
            f"{line.n} of {sweep.block.planned}",
            (line.at, 0),
            (0, -14 - ROOM * row),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=6,
            color=sweep.looks[line.objective].colour,
            ha="center",
            va="top",
            annotation_clip=False,
        )
    ax.xaxis.labelpad += ROOM * (rows.max() + 1 if len(rows) else 0)


def _quartiles(ax: Axes, runs: pd.DataFrame, look: Look, thickness: float) -> None:
    """A bar over the middle half of the runs of each setting, and their mean as a marker."""
    settings = runs.groupby("setting", sort=False)
    at, (low, high) = settings["at"].first(), (settings["y"].quantile(q) for q in QUARTILES)
    ax.vlines(at, low, high, color=look.colour, alpha=0.45, linewidth=thickness, zorder=3)
    marks = {"marker": look.marker, "color": look.colour, "linewidth": 0, "zorder": 4}
    ax.scatter(at, settings["y"].mean(), s=9, **marks)


def _thickness(places: np.ndarray, scale: Scale) -> float:
    """The width of bars side by side, in points."""
    step = np.diff(places)[0] if len(places) > 1 else scale.gap
    return float(np.clip(0.8 * step * _points_of(scale), 0.8, 3.5))


def _points_of(scale: Scale) -> float:
    """The points between two strengths that are one apart on the scale."""
    low, high = scale(scale.values[[0, -1]])
    return LENGTH / (high - low + 0.9 * scale.gap)


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
    plain(ax.yaxis)
    if whole and len(y):
        ax.set_ylim(y.min() - 0.5, y.max() + 0.5)
    if fraction and len(y):
        ax.set_ylim(bottom=min(0, y.min()))
    if y.empty:
        ax.text(0.5, 0.5, "no run has this value", transform=ax.transAxes, ha="center")


def _ticks(ax: Axes, scale: Scale, sweep: Swept) -> None:
    """Ticks at the strengths themselves, as many as can be read."""
    low, high = scale(scale.values[[0, -1]])
    low, high = low - 0.45 * scale.gap, high + 0.45 * scale.gap
    ax.set_xlim(low, high)
    values = scale.values if sweep.key else scale.values[:0]
    texts = [tick(value) for value in values]
    kept = apart((scale(values) - low) / (high - low), texts, LENGTH) if texts else []
    ax.set_xticks(scale(values[kept]), [texts[place] for place in kept])
    ax.set_xlabel(sweep.label)
