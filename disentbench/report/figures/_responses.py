"""What the latents of a run answer to each factor: conditional means, as numbers to draw.

After the figures of Chen et al. 2018 (arXiv:1802.04942), which show the posterior mean of a latent
over positions, scale and rotation.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax

from disentbench.report.text import count
from disentbench.storage import hdf5

ACTIVE = 0.01  # variance over images from which a latent is not idle (Burda et al. 2016)
TURNS, KIND = ("orientation", "rotation", "azimuth"), "shape"


class FactorCurve(NamedTuple):
    """Conditional means over the classes of a factor.

    There is one line with the spread `sd` that other factors make, or a line for each `of` shape
    or class.
    """

    factor: str
    of: str  # nothing, shape, class
    mean: Float[np.ndarray, "line class"]
    sd: Float[np.ndarray, "line class"]


class PlaceMap(NamedTuple):
    """Conditional means over two factors; NaN where no image is."""

    x: str
    y: str
    mean: Float[np.ndarray, "y x"]


class Answer(NamedTuple):
    """A latent, or a discrete group with a line for the probability of each of its classes.

    `low` and `high` hold all that is drawn of it, `middle` is its mean over all images. `share` is
    that of its variance which is between the classes of each cell, from 0 to 1.
    """

    name: str
    detail: str
    low: float
    middle: float
    high: float
    cells: list[FactorCurve | PlaceMap]
    share: Float[np.ndarray, " cell"]


class Response(NamedTuple):
    """A run: its rows in order, how many variables are idle, the shapes that tell rotations."""

    rows: list[Answer]
    idle: int
    shapes: int  # none: 0


class Ground(NamedTuple):
    """The factors that vary: their names and each image's class among those that occur."""

    names: list[str]
    classes: Int[np.ndarray, "image factor"]
    sizes: list[int]


def ground(factors: Int[np.ndarray, "image factor"], names: list[str]) -> Ground:
    """The factors of which there is more than one class, in the classes that there are."""
    there = [np.bincount(column) > 0 for column in factors.T]
    kept = [k for k, classes in enumerate(there) if classes.sum() > 1]
    places = [np.cumsum(there[k]) - 1 for k in kept]
    columns = [place[factors[:, k]] for place, k in zip(places, kept, strict=True)]
    classes = np.stack(columns, axis=1) if kept else np.zeros((len(factors), 0), np.int64)
    return Ground([names[k] for k in kept], classes, [int(there[k].sum()) for k in kept])


class ClassMeans(NamedTuple):
    """Of each class the number of images, the mean and the standard deviation, NaN without any."""

    n: Int[np.ndarray, " class"]
    mean: Float[np.ndarray, " class"]
    sd: Float[np.ndarray, " class"]

    @property
    def share(self) -> float:
        """The share of the variance that is between classes, from 0 to 1; 0 where there is none."""
        there = self.n > 0
        weights, means = self.n[there] / self.n.sum(), self.mean[there]
        between = weights @ (means - weights @ means) ** 2
        total = between + weights @ self.sd[there] ** 2
        return float(between / total) if total else 0.0


def conditional(
    values: Float[np.ndarray, " image"], classes: Int[np.ndarray, " image"], size: int
) -> ClassMeans:
    """Means of values in each class of a factor."""
    n, centre = np.bincount(classes, minlength=size), values.mean()
    centred = values - centre  # so that squares lose no digits
    with np.errstate(invalid="ignore"):
        mean = np.bincount(classes, centred, size) / n
        square = np.bincount(classes, centred**2, size) / n
        return ClassMeans(n, mean + centre, np.sqrt(np.maximum(square - mean**2, 0)))


def pair(names: list[str]) -> tuple[str, str] | None:
    """The two factors that are x and y of a place, by their names; None where there are none."""
    known = {name.lower(): name for name in names}
    for key, name in known.items():
        for other in (re.sub("x$", "y", key), re.sub("^x", "y", key)):
            if other != key and other in known:
                return name, known[other]
    return None


def read_response(latents: Path, member: int) -> Response | None:
    """A run of latents.h5; None where it diverged, no factor varies or all variables are idle.

    Raises a UserError for a file that is damaged.
    """
    with hdf5.open_data(latents) as file:
        of = ground(hdf5.array(file, "factors"), list(hdf5.attribute(file["factors"], "names")))
        mean = hdf5.row(file, "mean", member).astype(np.float64)
        kinds = list(file["logits"]) if "logits" in file else []
        logits = {group: hdf5.row(file["logits"], group, member) for group in kinds}
        members = hdf5.json_attribute(file, "groups")
    if not of.names or not np.isfinite(mean).all():
        return None
    groups = {latent: f"in {group}" for group, latents in members.items() for latent in latents}
    rows = [row_of(f"z{j}", groups.get(j, ""), z[:, None], of) for j, z in enumerate(mean.T)]
    for group, values in logits.items():
        classes = softmax(values.astype(np.float64), axis=1)
        rows.append(row_of(group, count(classes.shape[1], "class"), classes, of))
    active = ordered([row for row in rows if row])
    return Response(active, len(rows) - len(active), shapes(of)) if active else None


def row_of(
    name: str, detail: str, values: Float[np.ndarray, "image line"], of: Ground
) -> Answer | None:
    """What a variable answers to each factor, and first to a place; None if it is idle."""
    variance = values.var(axis=0)
    if variance.max() <= ACTIVE:
        return None
    best, place = values[:, variance.argmax()], pair(of.names)
    told = [] if place is None else [surface(best, *place, of)]
    told += [curve(values, factor, of) for factor in of.names if factor not in (place or ())]
    cells, share = zip(*told, strict=True)
    bounds = np.array([_bounds(cell) for cell in cells])
    low, high = bounds[:, 0].min(), bounds[:, 1].max()
    room = 0.0 if high > low else 0.5  # where nothing responds, a line has a middle to be at
    middle = float(best.mean())
    return Answer(name, detail, low - room, middle, high + room, list(cells), np.array(share))


def _crossed(of: Ground, *factors: str) -> tuple[Int[np.ndarray, " image"], int]:
    """Each image's class of some factors together, the last one running fastest; how many are."""
    classes, size = np.zeros(len(of.classes), np.int64), 1
    for factor in factors:
        k = of.names.index(factor)
        classes, size = classes * of.sizes[k] + of.classes[:, k], size * of.sizes[k]
    return classes, size


def surface(
    values: Float[np.ndarray, " image"], x: str, y: str, of: Ground
) -> tuple[PlaceMap, float]:
    """The mean of values at each place, and the share of their variance between places."""
    means = conditional(values, *_crossed(of, y, x))
    return PlaceMap(x, y, means.mean.reshape(of.sizes[of.names.index(y)], -1)), means.share


def curve(
    values: Float[np.ndarray, "image line"], factor: str, of: Ground
) -> tuple[FactorCurve, float]:
    """The mean of every line in each class of a factor; of a rotation, a line for each shape.

    Also the largest share of a line's variance that is between these classes.
    """
    kind = _kind(of)
    if factor.lower() in TURNS and kind and values.shape[1] == 1:
        means = conditional(values[:, 0], *_crossed(of, kind, factor))
        size = of.sizes[of.names.index(kind)]
        apart = means.mean.reshape(size, -1), means.sd.reshape(size, -1)
        return FactorCurve(factor, "shape", *apart), means.share
    lines = [conditional(line, *_crossed(of, factor)) for line in values.T]
    mean, sd = (np.array([getattr(line, name) for line in lines]) for name in ("mean", "sd"))
    return FactorCurve(factor, "class" if len(lines) > 1 else "", mean, sd), max(
        line.share for line in lines
    )


def shapes(of: Ground) -> int:
    """Of how many shapes rotations have a line each; 0 where they have one."""
    kind, turns = _kind(of), any(name.lower() in TURNS for name in of.names)
    return of.sizes[of.names.index(kind)] if kind and turns else 0


def _kind(of: Ground) -> str | None:
    """The factor by whose classes rotations are told apart."""
    return next((name for name in of.names if name.lower() == KIND), None)


def _bounds(cell: FactorCurve | PlaceMap) -> tuple[float, float]:
    """The extremes of what is drawn; the band of a single line is."""
    sd = cell.sd if isinstance(cell, FactorCurve) and not cell.of else 0
    return float(np.nanmin(cell.mean - sd)), float(np.nanmax(cell.mean + sd))


def ordered(rows: list[Answer]) -> list[Answer]:
    """Rows by the cell that explains most of them, the most explained first: a staircase."""
    return sorted(rows, key=lambda row: (int(row.share.argmax()), -row.share.max()))
