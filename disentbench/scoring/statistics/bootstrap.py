"""Intervals of mean, median and interquartile mean of runs, on one data set or over several.

Agarwal et al. 2021 (arXiv:2108.13264) draw runs again within each data set and take percentiles of
what comes out, which at five runs cover some 85 % where they say 95. Of all intervals that were
tried in simulation these cover 93 to 97 % at 5, 10 and 50 normal runs:

    one data set    mean, IQM   Student's t; of the IQM by Tukey & McLaughlin 1963 and Yuen 1974
                    median      order statistics, interpolated: Hettmansperger & Sheather 1986
    several         mean, IQM   bootstrap of the studentised statistic, stratified by data set
                    median      bootstrap percentiles, stratified, expanded as in Hesterberg 2015

whatever the distances and the spreads of the data sets.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, stdtrit
from scipy.stats import binom

from disentbench.scoring.statistics.intervals import Interval, finite

Statistic = Literal["mean", "median", "iqm"]
Bounds = tuple[np.ndarray, np.ndarray, np.ndarray]  # the value and both ends of each study
CUT = {"mean": 0.0, "iqm": 0.25}  # the share of all runs that is left out at either end
FEWEST = 5  # runs of a data set that are drawn again, and of a median with an interval
ROUNDING = 1e-12  # of a variance, relative to the numbers


def aggregate(
    scores: Sequence[Float[np.ndarray, " _"]] | Float[np.ndarray, "run task"],
    statistic: Statistic,
    *,
    level: float = 0.95,
    rng: np.random.Generator,
    draws: int = 2000,
) -> Interval:
    """A statistic of all finite runs pooled, with its interval; the first field holds it.

    `scores` are the runs of each data set. `iqm` is the mean of the middle half of the pooled runs,
    the median that of the pooled runs, not of the data sets' means. A data set counts by its runs.
    95 % intervals cover so often, in % at 5, 10 and 50 runs:

                    normal          exponential     Beta(0.5, 2)
        one data set
        mean        95, 95, 95      88, 90, 93      88, 91, 94
        IQM         94, 94, 95      92, 93, 95      90, 92, 94
        median      94, 95, 95      94, 95, 95      94, 95, 95
        three alike
        mean        96, 96, 96      94, 95, 95      97, 97, 96
        IQM         96, 96, 97      96, 96, 96      97, 96, 95
        median      95, 95, 97      95, 95, 94      95, 95, 95

    The bounds are NaN where a data set has one run, or a median fewer than five in all. Several
    data sets of which one has two to four runs have Satterthwaite's t or, for the median, the
    order statistics of all runs, which cover too often where the data sets lie apart.
    """
    columns = scores.T if isinstance(scores, np.ndarray) else scores
    tasks = [values[None] for values in map(finite, columns) if len(values)]
    if not tasks:
        return Interval(np.nan, np.nan, np.nan)
    return Interval(*(x.item() for x in bounds(tasks, statistic, level, rng=rng, draws=draws)))


def bounds(
    tasks: Sequence[Float[np.ndarray, "study _"]],
    statistic: Statistic,
    level: float = 0.95,
    *,
    rng: np.random.Generator,
    draws: int = 2000,
) -> Bounds:
    """The statistic and the ends of its interval of many studies at a time, as in `aggregate`.

    Of finite runs.
    """
    sizes = [task.shape[-1] for task in tasks]
    several = len(tasks) > 1 and min(sizes) >= FEWEST
    if statistic == "median":
        value = np.median(_pooled(tasks), axis=-1)
        if min(sizes) < 2 or sum(sizes) < FEWEST:
            return value, value * np.nan, value * np.nan
        low, high = (
            _expanded(tasks, level, rng, draws) if several else _ordered(_pooled(tasks), level)
        )
        return value, low, high
    value, error, freedom = _trimmed(tasks, CUT[statistic])
    if min(sizes) < 2:
        return value, value * np.nan, value * np.nan
    half = stdtrit(freedom, (1 + level) / 2) * error
    if not several:
        return value, value - half, value + half
    low, high = _studentised(tasks, CUT[statistic], level, rng, draws)
    sound = np.isfinite(low) & np.isfinite(high)  # draws of equal runs alone leave no end
    return value, np.where(sound, low, value - half), np.where(sound, high, value + half)


def _pooled(tasks: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(tasks, axis=-1)


def _trimmed(tasks: Sequence[np.ndarray], cut: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The trimmed mean, its standard error from the winsorised runs, and degrees of freedom.

    Of one data set Yuen's SSD / (h (h - 1)) with h - 1, h being the runs that are kept; of several
    the sum of their variances, with degrees of freedom by Satterthwaite.
    """
    pooled = np.sort(_pooled(tasks), axis=-1)
    n = pooled.shape[-1]
    out = int(cut * n)
    value, kept = pooled[..., out : n - out].mean(axis=-1), n - 2 * out
    low, high = pooled[..., out, None], pooled[..., n - out - 1, None]
    variances, freedoms = [], []
    for task in tasks:
        runs = task.shape[-1]
        winsorised = np.clip(task, low, high)
        squares = winsorised.var(axis=-1) * runs
        own = kept if len(tasks) == 1 else runs
        variances.append(squares * own / max(own - 1, 1) / kept**2)
        inside = ((task >= low) & (task <= high)).sum(axis=-1)
        freedoms.append(np.maximum(inside - 1, 1))
    total, rest = sum(variances), sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
    known = rest > 0
    freedom = np.where(known, total**2 / np.where(known, rest, 1), 1)
    return value, np.sqrt(total), freedom


def _ordered(runs: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval of a median from interpolated order statistics, Hettmansperger & Sheather 1986.

    Of five runs the lowest and the highest, which hold it in 94 of 100 samples.
    """
    runs, n = np.sort(runs, axis=-1), runs.shape[-1]
    depths = np.arange(1, n // 2 + 1)
    covered = 1 - 2 * binom.cdf(depths - 1, n, 0.5)
    if covered[0] < level:
        return runs[..., 0], runs[..., -1]
    k = int(depths[covered >= level][-1])
    outer, inner = 1 - 2 * binom.cdf([k - 1, k], n, 0.5)
    between = (outer - level) / (outer - inner)
    weight = (n - k) * between / (k + (n - 2 * k) * between)
    low = (1 - weight) * runs[..., k - 1] + weight * runs[..., k]
    high = (1 - weight) * runs[..., n - k] + weight * runs[..., n - k - 1]
    return low, high


def _drawn(
    tasks: Sequence[np.ndarray], rng: np.random.Generator, draws: int
) -> list[Float[np.ndarray, "draw ..."]]:
    """The runs of every data set drawn again from its own."""
    again = []
    for task in tasks:
        chosen = rng.integers(0, task.shape[-1], (draws, *task.shape))
        again.append(np.take_along_axis(task[None], chosen, axis=-1))
    return again


def _studentised(
    tasks: Sequence[np.ndarray], cut: float, level: float, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both ends by the quantiles of (drawn - statistic) / error of the drawn."""
    value, error, _ = _trimmed(tasks, cut)
    means, errors, _ = _trimmed(_drawn(tasks, rng, draws), cut)
    off = means - value
    off[np.abs(off) <= ROUNDING * np.maximum(1, np.abs(value))] = 0
    varies = errors > ROUNDING * np.maximum(1, np.abs(value))
    sides = np.where(off == 0, 0.0, np.copysign(np.inf, off))
    ratio = np.where(varies, off / np.where(varies, errors, 1), sides)
    ordered = np.sort(ratio, axis=0)
    low, high = _quantiles(draws, level)
    with np.errstate(invalid="ignore"):  # of equal runs the error is 0
        return value - ordered[high] * error, value - ordered[low] * error


def _quantiles(draws: int, level: float) -> tuple[int, int]:
    """The places of the two quantiles among so many ordered draws."""
    low = int((1 - level) / 2 * (draws + 1)) - 1
    return max(low, 0), draws - 1 - max(low, 0)


def _expanded(
    tasks: Sequence[np.ndarray], level: float, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """The percentiles of drawn medians, so far out that of a mean they would be Student's.

    Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3.
    """
    n = sum(task.shape[-1] for task in tasks)
    freedom = n - len(tasks)
    outside = ndtr(-np.sqrt(n / freedom) * stdtrit(freedom, (1 + level) / 2))
    medians = np.median(_pooled(_drawn(tasks, rng, draws)), axis=-1)
    low, high = np.quantile(medians, [outside, 1 - outside], axis=0)
    return low, high
