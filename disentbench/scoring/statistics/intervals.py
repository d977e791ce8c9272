"""Intervals of a mean and of a difference of means, over runs that differ by their seed alone.

There are few of them: 3 to 50. A percentile bootstrap covers too little at such n, so these are
Student's and Welch's, the former exact for normal scores at any n >= 2.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

Numbers = ArrayLike | float  # taken elementwise
ROUNDING = 1e-12  # of the scores, up to which two means are equal


class Interval(NamedTuple):
    """A mean with its confidence interval; the bounds are NaN where n does not allow one."""

    mean: float
    low: float
    high: float


def half_width(sd: Numbers, n: Numbers, level: float = 0.95) -> np.ndarray:
    """Half the width of Student's interval for a mean: t(n - 1) sd / sqrt(n); NaN where n < 2.

    Arrays are taken elementwise; `sd` is that with n - 1 in the denominator.
    """
    sd, n = np.asarray(sd, float), np.asarray(n, float)
    enough = n >= 2
    n = np.where(enough, n, 2)
    return np.where(enough, stdtrit(n - 1, (1 + level) / 2) * sd / np.sqrt(n), np.nan)


def interval(values: Float[np.ndarray, " run"], level: float = 0.95) -> Interval:
    """The mean of the finite values, with Student's interval."""
    values = finite(values)
    if len(values) < 2:
        return Interval(float(values.mean()) if len(values) else np.nan, np.nan, np.nan)
    mean, half = values.mean(), half_width(values.std(ddof=1), len(values), level)
    return Interval(float(mean), float(mean - half), float(mean + half))


def difference(
    a: Float[np.ndarray, " run"], b: Float[np.ndarray, " other"], level: float = 0.95
) -> Interval:
    """mean(a) - mean(b) with Welch's interval, which lets the two spreads differ.

    What rounding alone can make of equal means is 0.
    """
    a, b = finite(a), finite(b)
    if not len(a) or not len(b):
        return Interval(np.nan, np.nan, np.nan)
    gap = float(a.mean() - b.mean())
    gap = 0.0 if same(a.mean(), b.mean()) else gap
    if min(len(a), len(b)) < 2:
        return Interval(gap, np.nan, np.nan)
    half = float(welch_half_width(a.std(ddof=1), len(a), b.std(ddof=1), len(b), level))
    return Interval(gap, gap - half, gap + half)


def same(mean: float, other: float) -> bool:
    """Whether two means are equal up to rounding."""
    return bool(abs(mean - other) <= ROUNDING * max(1.0, abs(mean), abs(other)))


def welch_half_width(
    sd: Numbers, n: Numbers, other_sd: Numbers, other_n: Numbers, level: float = 0.95
) -> np.ndarray:
    """Half the width of Welch's interval for a difference of two means; NaN where an n is below 2.

    Arrays are taken elementwise. Of two samples that do not vary the difference is exact.
    """
    enough, both, freedom = _welch(sd, n, other_sd, other_n)
    half = stdtrit(freedom, (1 + level) / 2) * np.sqrt(both)
    return np.where(enough, np.where((both > 0) | np.isnan(both), half, 0), np.nan)


def welch_p(
    gap: Numbers, sd: Numbers, n: Numbers, other_sd: Numbers, other_n: Numbers
) -> np.ndarray:
    """Two-sided p of Welch's test for a difference of two means; NaN where an n is below 2.

    Arrays are taken elementwise. Of two samples that do not vary it is 0, or 1 for equal means.
    """
    enough, both, freedom = _welch(sd, n, other_sd, other_n)
    gap = np.abs(np.asarray(gap, float))
    varies = (both > 0) | np.isnan(both)
    p = 2 * stdtr(freedom, -gap / np.sqrt(np.where(varies, both, 1)))
    return np.where(enough, np.where(varies, p, gap == 0), np.nan)


def _welch(
    sd: Numbers, n: Numbers, other_sd: Numbers, other_n: Numbers
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether both have runs enough, the squared error of the difference, and its freedom."""
    sd, n, other_sd, other_n = (np.asarray(x, float) for x in (sd, n, other_sd, other_n))
    enough = np.asarray(np.minimum(n, other_n) >= 2)
    n, other_n = np.where(enough, n, 2), np.where(enough, other_n, 2)
    error, other_error = sd**2 / n, other_sd**2 / other_n
    both = error + other_error
    rest = np.where(both > 0, error**2 / (n - 1) + other_error**2 / (other_n - 1), 1)
    return enough, np.asarray(both), np.asarray(np.where(both > 0, both, 1) ** 2 / rest)


def finite(values: np.ndarray) -> np.ndarray:
    """The values that are numbers."""
    return values[np.isfinite(values)]
