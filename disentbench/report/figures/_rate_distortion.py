"""Rate against distortion: where each setting stands, its strength beside it, and its runs."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from disentbench.report import style
from disentbench.report.figures._names import shorts
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, MANY, MUTED, Look, canvas
from disentbench.report.text import fixed, symbol

WIDTH = 3.7  # inches
LETTERS = 34  # of a name in the legend
FONT, LETTER, MARK = 6, 3.6, 5.0  # points: of a label, the width of its digits, and a mark
# Where a label stands from its mark, the first choice first: points to the right and up.
PLACES = [
    (x * 4.5, y * 6) for x, y in [(1, 0.7), (1, -0.7), (-1, 0.7), (-1, -0.7), (0, 1.2), (0, -1.2)]
]


class Box(NamedTuple):
    """A rectangle in points."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Whether they have any of their area in common."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.top <= other.bottom or other.top <= self.bottom)

    def within(self, other: "Box") -> bool:
        """Whether it lies in another."""
        left, top = self.left >= other.left, self.top <= other.top
        return left and top and self.right <= other.right and self.bottom >= other.bottom


def rate_distortion(block: Block, settings: pd.DataFrame, looks: dict[str, Look]) -> Canvas:
    """The mean of each setting on the line of its objective; runs on one grey line have one ELBO.

    Up to 400 runs are points, of more a cross spans the middle half of each setting's.
    """
    table = both(block)
    handles = _handles(block, table, settings, looks)
    figure = canvas(WIDTH, 2.6 + style.legend_height(WIDTH, handles))
    ax = figure.add_subplot()
    means = settings.join(block_means(table), how="inner")
    _equal_elbo(ax, table if len(table) <= MANY else _quartiles(table))
    for name, runs in table.groupby(level="objective", sort=False):
        look, shown = looks[name], means.loc[[name]]
        for _, line in shown.groupby("rest", sort=False):
            ax.plot(line["distortion"], line["rate"], color=look.colour, linewidth=0.9, zorder=3)
        (_points if len(table) <= MANY else _crosses)(ax, runs, look)
        mark = {"s": 24, "marker": look.marker, "color": look.colour, "zorder": 5}
        edge = {"edgecolor": "white", "linewidth": 0.35}
        ax.scatter(shown["distortion"], shown["rate"], **mark, **edge)
    ax.set_xlabel("distortion, nats per image")
    ax.set_ylabel("rate, nats per image")
    style.legend(figure, handles)
    figure.draw_without_rendering()  # so that it is known where everything is
    _label(ax, means, looks)
    return figure


def both(block: Block) -> pd.DataFrame:
    """The distortion and the rate of every run that has both."""
    return block.runs[["distortion", "rate"]].dropna()


def block_means(table: pd.DataFrame) -> pd.DataFrame:
    """The means over the runs of each setting that have both numbers."""
    return table.groupby(level=["objective", "setting"], sort=False).mean()


def _quartiles(table: pd.DataFrame) -> pd.DataFrame:
    """The first and the third quartile of each setting, and its mean, as rows."""
    grouped = table.groupby(level=["objective", "setting"], sort=False)
    return pd.concat([grouped.quantile(0.25), grouped.quantile(0.75), grouped.mean()])


def _points(ax: Axes, runs: pd.DataFrame, look: Look) -> None:
    ax.scatter(
        runs["distortion"],
        runs["rate"],
        s=9,
        color=look.colour,
        marker=look.marker,
        alpha=0.35,
        linewidth=0,
        zorder=2,
    )


def _crosses(ax: Axes, runs: pd.DataFrame, look: Look) -> None:
    """The middle half of each setting's runs in either direction, through their mean."""
    grouped = runs.groupby(level="setting", sort=False)
    low, high, mean = grouped.quantile(0.25), grouped.quantile(0.75), grouped.mean()
    line = {"color": look.colour, "linewidth": 0.8, "alpha": 0.6, "zorder": 2}
    ax.hlines(mean["rate"], low["distortion"], high["distortion"], **line)
    ax.vlines(mean["distortion"], low["rate"], high["rate"], **line)


def _handles(
    block: Block, table: pd.DataFrame, settings: pd.DataFrame, looks: dict[str, Look]
) -> list[Line2D]:
    """The objectives with what they sweep, and of how many runs where some are gone."""
    n, planned = (t.groupby(level="objective").size() for t in (table, block.runs))
    names = list(table.index.unique("objective"))
    first = settings.groupby(level="objective", sort=False).first().loc[names]
    short = shorts(first["label"], LETTERS - 14)
    labels = {
        name: label
        + (f" ({symbol(key)})" if key else "")
        + (f", {n[name]} of {planned[name]}" if n[name] < planned[name] else "")
        for name, label, key in zip(names, short, first["key"], strict=True)
    }
    return style.handles({name: looks[name] for name in names}, labels)


def _label(ax: Axes, means: pd.DataFrame, looks: dict[str, Look]) -> None:
    """Write the strengths beside the marks: those that end a line, and others where there is room.

    What is written outside the axes or over a mark or another label is not counted as room.
    """
    swept = means[means["key"] != ""]
    scale = 72 / ax.figure.dpi
    at = scale * ax.transData.transform(means[["distortion", "rate"]].to_numpy())
    area = Box(*np.multiply(scale, ax.bbox.extents).tolist())
    place = dict(zip(means.index, at, strict=True))
    ends = _ends(swept)
    texts = {key: f"{x:g}" for key, x in swept["x"].items()}
    order = sorted(texts, key=lambda key: key not in ends)  # stable: as in the sweep
    boxes = labelled({key: place[key] for key in order}, texts, at, area, ends)
    for key, (x, y) in boxes.items():
        ax.annotate(
            texts[key],
            means.loc[key, ["distortion", "rate"]],
            (x, y),
            textcoords="offset points",
            fontsize=FONT,
            color=looks[key[0]].colour,
            ha="center",
            va="center",
            zorder=6,
        ).set_in_layout(False)


def _ends(swept: pd.DataFrame) -> set:
    """The settings at which the line of an objective begins and ends."""
    lines = swept.groupby([swept.index.get_level_values("objective"), "rest"], sort=False)
    return {key for _, line in lines for key in (line.index[0], line.index[-1])}


def labelled(
    places: dict[Any, Float[np.ndarray, " 2"]],
    texts: dict[Any, str],
    marks: Float[np.ndarray, "mark 2"],
    area: Box,
    must: set,
) -> dict[Any, tuple[float, float]]:
    """How far each label stands from its mark, in points, where there is room for it.

    Greedy: in the order of `places`, each at the first place that meets neither mark nor label.
    One that it `must` have stands where it meets the fewest.
    """
    taken = [_around(mark, MARK, MARK) for mark in marks]
    offsets = {}
    for key, centre in places.items():
        wide = LETTER * len(texts[key])
        choices = [(x + np.sign(x) * wide / 2, y) for x, y in PLACES]
        boxes = [_around(centre + choice, wide, FONT) for choice in choices]
        met = [sum(box.meets(b) for b in taken) + 9 * (not box.within(area)) for box in boxes]
        best = int(np.argmin(met))
        if met[best] == 0 or key in must:
            taken.append(boxes[best])
            offsets[key] = choices[best]
    return offsets


def _around(centre: Float[np.ndarray, " 2"], wide: float, high: float) -> Box:
    x, y = map(float, centre)
    return Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


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
