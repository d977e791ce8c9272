"""Statistics over seeds: intervals, comparisons of two samples, rankings. Pure functions of arrays.

Runs differ by their seed alone, and there are few of them: 3 to 50. A percentile bootstrap covers
too little at such n, so intervals are Student's, which are exact for normal scores at any n >= 2.
"""

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit
from scipy.stats import rankdata


class Interval(NamedTuple):
    """A mean with its confidence interval; the bounds are NaN where n does not allow one."""

    mean: float
    low: float
    high: float


def half_width(sd, n, level: float = 0.95):
    """Half the width of Student's interval for a mean: t(n - 1) sd / sqrt(n); NaN where n < 2.

    Arrays are taken elementwise; `sd` is that with n - 1 in the denominator.
    """
    sd, n = np.asarray(sd, float), np.asarray(n, float)
    enough = n >= 2
    n = np.where(enough, n, 2)
    return np.where(enough, stdtrit(n - 1, (1 + level) / 2) * sd / np.sqrt(n), np.nan)


def interval(values: Float[np.ndarray, " run"], level: float = 0.95) -> Interval:
    """The mean of the finite values, with Student's interval."""
    values = _finite(values)
    if len(values) < 2:
        return Interval(float(values.mean()) if len(values) else np.nan, np.nan, np.nan)
    mean, half = values.mean(), half_width(values.std(ddof=1), len(values), level)
    return Interval(float(mean), float(mean - half), float(mean + half))


def difference(
    a: Float[np.ndarray, " run"], b: Float[np.ndarray, " other"], level: float = 0.95
) -> Interval:
    """mean(a) - mean(b) with Welch's interval, which lets the two spreads differ."""
    a, b = _finite(a), _finite(b)
    if not len(a) or not len(b):
        return Interval(np.nan, np.nan, np.nan)
    gap = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Interval(gap, np.nan, np.nan)
    errors = [x.var(ddof=1) / len(x) for x in (a, b)]
    if not sum(errors):
        return Interval(gap, gap, gap)
    freedom = sum(errors) ** 2 / sum(
        e**2 / (len(x) - 1) for e, x in zip(errors, (a, b), strict=True)
    )
    half = float(stdtrit(freedom, (1 + level) / 2) * np.sqrt(sum(errors)))
    return Interval(gap, gap - half, gap + half)


def probability_of_improvement(
    a: Float[np.ndarray, " run"], b: Float[np.ndarray, " other"]
) -> float:
    """P(A > B) + P(A = B) / 2 for a run of either sample drawn at random; 0.5 is no difference.

    The Mann-Whitney statistic over its maximum; Agarwal et al. 2021, arXiv:2108.13264, section 4.
    """
    a, b = _finite(a), _finite(b)
    if not len(a) or not len(b):
        return np.nan
    ranks = rankdata(np.concatenate([a, b]))[: len(a)]
    return float((ranks.sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))


def permutation_test(
    a: Float[np.ndarray, " run"],
    b: Float[np.ndarray, " other"],
    *,
    rng: np.random.Generator,
    most: int = 20_000,
) -> float:
    """Two-sided p of the difference of means under exchange of the labels.

    Exact where there are at most this many ways to divide the runs, else from 9,999 random ones.
    With 3 against 3 no p is below 0.1, whatever the numbers: 2 of 20 ways.
    """
    a, b = _finite(a), _finite(b)
    if not len(a) or not len(b):
        return np.nan
    both, n = np.concatenate([a, b]), len(a)
    exact = comb(len(both), n) <= most
    ways = _all_ways(len(both), n) if exact else _random_ways(len(both), n, rng)
    gaps = np.abs(_gap(both, ways, n))
    observed = abs(a.mean() - b.mean())
    extreme = gaps >= observed - 1e-12 * max(1.0, np.abs(both).max())  # equal up to rounding
    return float(extreme.mean() if exact else (1 + extreme.sum()) / (1 + len(ways)))


def holm(p: Float[np.ndarray, " comparison"]) -> Float[np.ndarray, " comparison"]:
    """p values corrected for their number by Holm's step-down method; NaN counts as no test."""
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def mean_ranks(
    scores: Float[np.ndarray, "method task"], *, higher_is_better: bool = True
) -> Float[np.ndarray, " method"]:
    """Each method's rank (1 is best, ties share the mean of theirs) averaged over the tasks.

    A method without a score on a task ranks last there.
    """
    worst_last = np.where(np.isnan(scores), -np.inf, scores if higher_is_better else -scores)
    return rankdata(-worst_last, axis=0).mean(1)


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _all_ways(total: int, n: int) -> np.ndarray:
    """Every choice of n out of `total` [way, n]."""
    return np.array(list(combinations(range(total), n)))


def _random_ways(total: int, n: int, rng: np.random.Generator, ways: int = 9_999) -> np.ndarray:
    orders = rng.permuted(np.tile(np.arange(total), (ways, 1)), axis=1)
    return orders[:, :n]


def _gap(both: np.ndarray, ways: np.ndarray, n: int) -> np.ndarray:
    """Difference of means [way] between the chosen runs and the others."""
    chosen = both[ways].sum(1)
    return chosen / n - (both.sum() - chosen) / (len(both) - n)
