"""Statistics over seeds: intervals, comparisons of two samples, rankings. Pure functions of arrays.

Runs differ by their seed alone, and there are few of them: 3 to 50. A percentile bootstrap covers
too little at such n, so intervals are Student's, which are exact for normal scores at any n >= 2.
"""

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy.special import stdtrit
from scipy.stats import rankdata

Numbers = ArrayLike | float  # taken elementwise
MOST_WAYS = 20_000  # to divide the runs of two samples, of which all are tried
RANDOM_WAYS = 9_999  # that are tried of more
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
    values = _finite(values)
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
    a, b = _finite(a), _finite(b)
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
    sd, n, other_sd, other_n = (np.asarray(x, float) for x in (sd, n, other_sd, other_n))
    enough = np.minimum(n, other_n) >= 2
    n, other_n = np.where(enough, n, 2), np.where(enough, other_n, 2)
    error, other_error = sd**2 / n, other_sd**2 / other_n
    both = error + other_error
    varies = both > 0
    rest = np.where(varies, error**2 / (n - 1) + other_error**2 / (other_n - 1), 1)
    freedom = np.where(varies, both, 1) ** 2 / rest
    half = stdtrit(freedom, (1 + level) / 2) * np.sqrt(both)
    return np.where(enough, np.where(varies | np.isnan(both), half, 0), np.nan)


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
    most: int = MOST_WAYS,
) -> float:
    """Two-sided p of the difference of means under exchange of the labels.

    Exact where there are at most this many ways to divide the runs, else from 9,999 random ones.
    Few runs do not allow a small one, whatever the numbers: see `lowest_p`.
    """
    a, b = _finite(a), _finite(b)
    if not len(a) or not len(b):
        return np.nan
    both, n = np.concatenate([a, b]), len(a)
    exact = comb(len(both), n) <= most
    ways = _all_ways(len(both), n) if exact else _random_ways(len(both), n, rng)
    gaps = np.abs(_gap(both, ways, n))
    observed = abs(a.mean() - b.mean())
    extreme = gaps >= observed - ROUNDING * max(1.0, np.abs(both).max())
    return float(extreme.mean() if exact else (1 + extreme.sum()) / (1 + len(ways)))


def lowest_p(n: int, other_n: int, most: int = MOST_WAYS) -> float:
    """The least p that the permutation test can give for so many runs, whatever the numbers.

    One way to divide the runs is the one observed; of samples of one size its mirror image is as
    extreme. With 3 against 3 it is 2 of 20 ways, 0.1. NaN where a sample is empty.
    """
    if not min(n, other_n):
        return np.nan
    ways = comb(n + other_n, n)
    if ways > most:
        return 1 / (1 + RANDOM_WAYS)
    return (2 if n == other_n else 1) / ways


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


class Chance(NamedTuple):
    """What the choice of the best does where no mean is better than another."""

    excess: float  # of the best mean above the one that all share, on average
    lead: float  # of the best mean over the best of the other methods, on average; NaN if none
    clear: float  # how often the best's difference from one other lies outside its 95 % interval
    unchosen: float  # how often that of two settings does, neither of them chosen
    ahead: float  # how often the best is so ahead of at least one other method's best; NaN if none


def best_of_equals(
    sd: Float[np.ndarray, " setting"],
    n: Int[np.ndarray, " setting"],
    methods: Int[np.ndarray, " setting"],
    *,
    rng: np.random.Generator,
    draws: int = 10_000,
) -> Chance:
    """The best of several settings whose runs are normal about one mean, over many such studies.

    `n` are the runs of each setting and `sd` their spread, `methods` says whose setting it is. The
    one other is any setting, named beforehand. Shares are NaN where a setting has but one run.
    """
    means = rng.standard_normal((draws, len(n))) * sd / np.sqrt(n)
    first, rows = means.argmax(axis=1), np.arange(draws)
    top = means[rows, first]
    if len(n) < 2:
        return Chance(float(top.mean()), *[np.nan] * 4)
    freedom = np.maximum(n - 1, 1)
    spread = sd * np.sqrt(rng.chisquare(freedom, (draws, len(n))) / freedom)

    def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        half = welch_half_width(spread[rows, one], n[one], spread[rows, other], n[other])
        return np.abs(means[rows, one] - means[rows, other]) > half

    def another(one: np.ndarray) -> np.ndarray:
        return (one + rng.integers(1, len(n), draws)) % len(n)

    rivals = np.array(
        [np.where(methods == method, means, -np.inf).argmax(1) for method in np.unique(methods)]
    )
    best = np.where(methods[rivals] == methods[first], -np.inf, means[rows, rivals])
    several = len(rivals) > 1
    ahead = np.any([apart(first, rival) & (rival != first) for rival in rivals], axis=0)
    named = rng.integers(0, len(n), draws)
    shares = [apart(first, another(first)), apart(named, another(named)), ahead]
    clear, unchosen, ahead = (s.mean() if n.min() > 1 else np.nan for s in shares)
    lead = (top - best.max(axis=0)).mean() if several else np.nan
    return Chance(*map(float, (top.mean(), lead, clear, unchosen, ahead if several else np.nan)))


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _all_ways(total: int, n: int) -> np.ndarray:
    """Every choice of n out of `total` [way, n]."""
    return np.array(list(combinations(range(total), n)))


def _random_ways(total: int, n: int, rng: np.random.Generator) -> np.ndarray:
    orders = rng.permuted(np.tile(np.arange(total), (RANDOM_WAYS, 1)), axis=1)
    return orders[:, :n]


def _gap(both: np.ndarray, ways: np.ndarray, n: int) -> np.ndarray:
    """Difference of means [way] between the chosen runs and the others."""
    chosen = both[ways].sum(1)
    return chosen / n - (both.sum() - chosen) / (len(both) - n)
