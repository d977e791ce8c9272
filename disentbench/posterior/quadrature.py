"""The density of one latent under the aggregate posterior, and given each factor's values.

A mixture of N one-dimensional Gaussians is summed up on grids, level by level: the widest
components on a coarse one, narrower ones on finer ones that lie only where these components are.
With q_l the density of all components down to level l, the entropy is

    H(q) = sum_l integral of entr(q_l) - entr(q_{l-1}),  entr(q) = -q log q,

and each integrand vanishes where the components of its level, and so its grid, end. There is no
sampling error, and a component costs some 100 points whatever its width, be it 1e-28.
"""

import math
import warnings
from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

REACH = 7.0  # standard deviations beyond which a component is left out: 3e-12 of its mass
STEPS = 4  # grid points per standard deviation of the narrowest component of a level
PAD = 8  # points beyond the reach, for the interpolation on the next level
# exp is 10 to 30 times slower where its result underflows; e^-80 per component counts for nothing
FLOOR = -80.0
WIDEST = 600.0  # the largest |log sigma^2| whose sigma, 1 / sigma and their squares float64 holds
TILE, SPAN = 1024, 4096  # components and points that are summed up at once
LARGEST = 2**24  # densities in memory at once


class Draws(NamedTuple):
    """Samples of a latent: the components that they are of, and their standard normal noise."""

    rows: Int[np.ndarray, " draw"]
    noise: Float[np.ndarray, " draw"]


class Marginal(NamedTuple):
    """Differential entropies, of all images first, then given each factor's values; log q at draws.

    The mean of log q under q is minus the first entropy.
    """

    entropy: Float[np.ndarray, " column"]
    log_density: Float[np.ndarray, " draw"]


class Mixture(NamedTuple):
    """Components sorted by mean, their level and the columns of the density that they are in."""

    mean: Float[np.ndarray, " component"]
    sigma: Float[np.ndarray, " component"]
    octave: Int[np.ndarray, " component"]
    columns: Int[np.ndarray, "component member"]


class Grid(NamedTuple):
    """Patches of points `step` apart, in the order of place, where components of an octave are.

    The points of a patch lie at `anchor` + (`low` + step i), a sum that is never taken: a width
    may be less than the spacing of floating-point numbers at its mean. They are numbered through
    all patches, from `start` on.
    """

    octave: int
    step: float
    anchor: Float[np.ndarray, " patch"]
    low: Float[np.ndarray, " patch"]
    start: Int[np.ndarray, " patch_and_end"]
    lead: Int[np.ndarray, " patch"]  # a component of each patch
    patch_of: Int[np.ndarray, " component"]  # -1 for components of coarser levels


def marginal(
    mean: Float[np.ndarray, " image"],
    logvar: Float[np.ndarray, " image"],
    classes: Int[np.ndarray, "image factor"] | None = None,
    *,
    draws: Draws | None = None,
) -> Marginal:
    """The entropy of one latent, and given the images of each column named in `classes`.

    NaN, with a warning, for widths that no floating-point number holds.
    """
    width = 1 if classes is None else 1 + int(classes.max(initial=0))
    if not computable(logvar):
        warnings.warn(
            f"a latent's log sigma^2 is {float(logvar[abs(logvar).argmax()]):.3g}, and float64 "
            f"holds widths within +-{WIDEST:g}: what its marginal enters is NaN",
            stacklevel=2,
        )
        return Marginal(
            np.full(width, np.nan), np.full(0 if draws is None else len(draws.rows), np.nan)
        )
    mixture, sort = _mixture(mean, logvar, classes)
    if draws is not None:
        draws = Draws(np.argsort(sort)[draws.rows], draws.noise)
    octaves = np.unique(mixture.octave)[::-1].tolist()
    levels = [_level(mixture, octave) for octave in octaves]
    most = max(1, LARGEST // max(level.start[-1] for level in levels))
    parts = []
    for first in range(0, width, most):
        columns = range(first, min(first + most, width))
        at = draws if first == 0 else None
        parts.append(_integrated(mixture, levels, columns, at))
    return Marginal(np.concatenate([entropy for entropy, _ in parts]), parts[0][1])


def computable(logvar: Float[np.ndarray, "..."]) -> bool:
    """Whether all widths are such that float64 holds them, their inverses and the squares."""
    return bool(np.abs(logvar).max(initial=0) <= WIDEST)


def _mixture(
    mean: Float[np.ndarray, " image"],
    logvar: Float[np.ndarray, " image"],
    classes: Int[np.ndarray, "image factor"] | None,
) -> tuple[Mixture, Int[np.ndarray, " image"]]:
    """The components, and the images that they are of."""
    sort = np.argsort(mean, kind="stable")
    mean = np.asarray(mean, np.float64)[sort]
    sigma = np.exp(np.asarray(logvar, np.float64)[sort] / 2)
    octave = np.floor(np.log2(sigma / sigma.min())).astype(int)
    columns = np.zeros((len(mean), 1 if classes is None else 1 + classes.shape[1]), int)
    if classes is not None:
        columns[:, 1:] = classes[sort]
    return Mixture(mean, sigma, octave, columns), sort


def _level(mixture: Mixture, octave: int) -> Grid:
    """Patches over what the components of this octave and of narrower ones reach."""
    step = mixture.sigma.min() * 2.0**octave / STEPS
    fine = np.flatnonzero(mixture.octave <= octave)
    mean, reach = mixture.mean[fine], REACH * mixture.sigma[fine] + PAD * step
    # All that comes before a gap between patches ends before all that comes after it begins.
    end = np.maximum.accumulate(mean + reach)
    begin = np.minimum.accumulate((mean - reach)[::-1])[::-1]
    opens = np.concatenate([[True], end[:-1] < begin[1:]])
    first, patch = np.flatnonzero(opens), np.cumsum(opens) - 1
    anchor = mean[first]
    low = np.minimum.reduceat(mean - anchor[patch] - reach, first)
    high = np.maximum.reduceat(mean - anchor[patch] + reach, first)
    count = np.ceil((high - low) / step).astype(int) + 1
    patch_of = np.full(len(mixture.mean), -1)
    patch_of[fine] = patch
    start = np.concatenate([[0], np.cumsum(count)])
    return Grid(octave, step, anchor, low, start, fine[first], patch_of)


def _integrated(
    mixture: Mixture, levels: list[Grid], columns: range, draws: Draws | None
) -> tuple[Float[np.ndarray, " column"], Float[np.ndarray, " draw"]]:
    """The entropy of each of some columns, and log q of the first of them at the draws."""
    members = mixture.columns.ravel()
    counts = np.bincount(members, minlength=columns.stop)[columns.start : columns.stop]
    counts = torch.as_tensor(np.maximum(counts, 1))
    log_q = np.full(0 if draws is None else len(draws.rows), math.log(1e-300))
    entropy, coarse, density = torch.zeros(len(columns)).double(), None, None
    for level in levels:
        density = _carried(coarse, density, level, len(columns))
        entropy -= level.step * torch.special.entr(density / counts).sum(0)
        _add(density, level, mixture, columns)
        entropy += level.step * torch.special.entr(density / counts).sum(0)
        if draws is not None:
            _look_up(log_q, level, density[:, 0].numpy() / len(mixture.mean), mixture, draws)
        coarse = level
    return entropy.numpy(), log_q


def _points(level: Grid) -> tuple[Int[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """The patch of every point, and its place from the patch's anchor."""
    patch = np.repeat(np.arange(len(level.anchor)), np.diff(level.start))
    return patch, level.low[patch] + level.step * (np.arange(len(patch)) - level.start[patch])


def _carried(coarse: Grid | None, density: Tensor | None, level: Grid, width: int) -> Tensor:
    """The density that the coarser levels give on this one's points."""
    if coarse is None or density is None:
        return torch.zeros(level.start[-1], width, dtype=torch.float64)
    patch, place = _points(level)
    host = coarse.patch_of[level.lead]
    shift = level.anchor - coarse.anchor[host]
    stencil = _stencil(coarse, host[patch], shift[patch] + place)
    carried = torch.zeros(len(patch), width, dtype=torch.float64)
    for arrays in stencil:
        number, weight = (torch.as_tensor(a) for a in arrays)
        carried += weight[:, None] * density.index_select(0, number)
    return carried.clamp_(min=0)


def _stencil(
    level: Grid, patch: Int[np.ndarray, " point"], place: Float[np.ndarray, " point"]
) -> list[tuple[Int[np.ndarray, " point"], Float[np.ndarray, " point"]]]:
    """Six points about each place and their weights; 2e-5 off at four points per sigma."""
    u = (place - level.low[patch]) / level.step
    base = np.floor(u)
    before = level.start[patch] + base.astype(int)
    return [(before + k, _lagrange(k, u - base)) for k in range(-2, 4)]


def _lagrange(k: int, t: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    return reduce(np.multiply, [(t - other) / (k - other) for other in range(-2, 4) if other != k])


def _add(density: Tensor, level: Grid, mixture: Mixture, columns: range) -> None:
    """Add the densities of the level's own octave, a tile of them at a time, where it reaches."""
    rows = np.flatnonzero(mixture.octave == level.octave)
    patch = level.patch_of[rows]
    place = mixture.mean[rows] - level.anchor[patch] - level.low[patch]
    centre = level.start[patch] + place / level.step
    of_point, point = _points(level)
    begin = 0
    while begin < len(rows):
        end = min(begin + TILE, np.searchsorted(centre, centre[begin] + SPAN, side="right"))
        tile = rows[begin:end]
        reach = REACH * mixture.sigma[tile].max() / level.step
        first = max(0, math.floor(centre[begin] - reach))
        last = min(len(density), math.ceil(centre[end - 1] + reach) + 1)
        anchor = level.anchor[of_point[first:last]]
        bells = _bells(anchor, point[first:last], mixture, tile)
        member = _members(mixture.columns[tile], columns) / mixture.sigma[tile, None] * level.step
        member = torch.as_tensor(member, dtype=torch.float32)
        density[first:last] += (bells @ member).double() / (level.step * math.sqrt(2 * math.pi))
        begin = end


def _bells(
    anchor: Float[np.ndarray, " point"],
    point: Float[np.ndarray, " point"],
    mixture: Mixture,
    tile: Int[np.ndarray, " component"],
) -> Tensor:
    """exp(-(z - mean)^2 / 2 sigma^2) [point, component], as float32.

    The difference is float64 and taken from the anchors, since a width may be any part of the
    range; the rest is float32.
    """
    start, offset, mean, sigma = (
        torch.as_tensor(a) for a in (anchor, point, mixture.mean[tile], mixture.sigma[tile])
    )
    away = (start[:, None] - mean).add_(offset[:, None]).div_(sigma).float()
    return away.square_().mul_(-0.5).clamp_(min=FLOOR).exp_()


def _members(
    columns: Int[np.ndarray, "component member"], chosen: range
) -> Float[np.ndarray, "component column"]:
    """Which of the chosen columns each component is in, as 0 and 1."""
    member = np.zeros((len(columns), len(chosen)))
    row, k = np.nonzero((columns >= chosen.start) & (columns < chosen.stop))
    member[row, columns[row, k] - chosen.start] = 1
    return member


def _look_up(
    log_q: Float[np.ndarray, " draw"],
    level: Grid,
    density: Float[np.ndarray, " point"],
    mixture: Mixture,
    draws: Draws,
) -> None:
    """Put log q at the draws that lie on this level, interpolated, in place of the coarser's."""
    mean, away = mixture.mean[draws.rows], mixture.sigma[draws.rows] * draws.noise
    near = np.searchsorted(level.anchor + level.low, mean + away, side="right") - 1
    home = level.patch_of[draws.rows]
    patch = np.where(home >= 0, home, near.clip(min=0))
    place = mean - level.anchor[patch] + away
    point = (place - level.low[patch]) / level.step
    on = np.flatnonzero((point >= PAD) & (point <= np.diff(level.start)[patch] - 1 - PAD))
    log_density = np.log(density.clip(min=1e-300))
    stencil = _stencil(level, patch[on], place[on])
    log_q[on] = sum(weight * log_density[number] for number, weight in stencil)
