"""Two samples of runs compared: how often one is better, and whether chance would do it."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import comb, factorial, prod

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from disentbench.scoring.statistics.choosing import equal_studies
from disentbench.scoring.statistics.intervals import ROUNDING, finite, same, welch_p

MOST_WAYS = 20_000  # to divide the runs of two samples, of which all are tried
RANDOM_WAYS = 9_999  # that are tried of more
LEAST_WAYS = 1_999  # of many runs
STUDIES = 9_999  # simulated for the correction of Welch's p
NUMBERS = 2_000_000  # that such ways may have


def probability_of_improvement(
    a: Float[np.ndarray, " run"], b: Float[np.ndarray, " other"]
) -> float:
    """P(A > B) + P(A = B) / 2 for a run of either sample drawn at random; 0.5 is no difference.

    The Mann-Whitney statistic over its maximum; Agarwal et al. 2021, arXiv:2108.13264, section 4.
    """
    a, b = finite(a), finite(b)
    if not len(a) or not len(b):
        return np.nan
    ranks = rankdata(np.concatenate([a, b]))[: len(a)]
    return float((ranks.sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))


def permutation_test(
    a: Float[np.ndarray, " run"] | Float[np.ndarray, "setting run"] | Sequence[np.ndarray],
    b: Float[np.ndarray, " other"] | Float[np.ndarray, "option other"] | Sequence[np.ndarray],
    *,
    rng: np.random.Generator,
    most: int = MOST_WAYS,
) -> float:
    """Two-sided p of the studentised difference of the best settings under exchange of the runs.

    A side is the runs of a setting, or several settings of which that with the highest mean is
    compared. All runs of both sides are permuted, the choice is made again in each permutation, and
    the difference of the chosen is divided by Welch's standard error, which lets spreads differ
    (Janssen 1997; Chung and Romano 2013, Annals of Statistics 41). With a setting a side and at
    most `most` ways to divide the runs it is exact, else from 1,999 to 9,999 random permutations.

    Studentised, it is exact for equal distributions at any n, but where spreads differ only as n
    grows: at sd 5 against 1 it rejects 8 % at 5 runs each, 16 % at 3 against 10 and up to 20 % with
    a choice among settings. So p is never below Welch's, corrected by simulation (`equal_studies`).
    Few runs do not allow a small one, whatever the numbers: see `lowest_p`. NaN where a setting has
    fewer than 2 runs.
    """
    sides = [_settings(a), _settings(b)]
    sizes = [np.array([len(runs) for runs in side]) for side in sides]
    if any(not len(n) or n.min() < 2 for n in sizes):
        return np.nan
    both = np.concatenate([*sides[0], *sides[1]])
    both = both - both.mean()
    scale = ROUNDING * max(1.0, float(max(np.abs(runs).max() for side in sides for runs in side)))
    exact = len(sizes[0]) == len(sizes[1]) == 1 and comb(len(both), len(sides[0][0])) <= most
    ways = _all_ways(both, len(sides[0][0])) if exact else _random_ways(both, rng)
    observed = _studentised(both[None], sizes, scale)[0]
    extreme = (_studentised(ways, sizes, scale) >= observed * (1 - 1e-9)).sum()
    p = extreme / len(ways) if exact else (1 + extreme) / (1 + len(ways))
    return float(max(p, _welch_of_chosen(sides, rng)))


def lowest_p(n: int | Sequence[int], other_n: int | Sequence[int], most: int = MOST_WAYS) -> float:
    """No p of the permutation test is below this for so many runs, whatever the numbers.

    A side is the runs of a setting or of each of several. One way to divide the runs is the one
    observed; of settings of one size, and of sides of the same, the exchange is as extreme. With 3
    against 3 it is 2 of 20 ways, 0.1. NaN where a setting has fewer than 2 runs.
    """
    sides = [sorted([n] if isinstance(n, int) else n) for n in (n, other_n)]
    sizes = [size for side in sides for size in side]
    if not all(sides) or min(sizes) < 2:
        return np.nan
    ways = factorial(sum(sizes)) // prod(map(factorial, sizes))
    alike = prod(factorial(k) for side in sides for k in Counter(side).values())
    share = alike * (2 if sides[0] == sides[1] else 1) / ways
    exact = len(sizes) == 2 and ways <= most
    return share if exact else max(share, 1 / (1 + _tried(sum(sizes))))


def holm(p: Float[np.ndarray, " comparison"]) -> Float[np.ndarray, " comparison"]:
    """p values corrected for their number by Holm's step-down method; NaN counts as no test."""
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def _settings(side: np.ndarray | Sequence[np.ndarray]) -> list[np.ndarray]:
    """The runs of each setting that have a score."""
    one = isinstance(side, np.ndarray) and side.ndim == 1
    return [finite(np.asarray(runs, float)) for runs in ([side] if one else side)]


def _all_ways(both: np.ndarray, n: int) -> Float[np.ndarray, "way run"]:
    """The runs with every choice of n of them first."""
    chosen = np.array(list(combinations(range(len(both)), n)))
    second = np.ones((len(chosen), len(both)), bool)
    np.put_along_axis(second, chosen, False, axis=1)
    return both[np.argsort(second, axis=1, kind="stable")]


def _random_ways(both: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, "way run"]:
    return rng.permuted(np.tile(both, (_tried(len(both)), 1)), axis=1)


def _tried(runs: int) -> int:
    """How many random permutations are tried."""
    return min(RANDOM_WAYS, max(LEAST_WAYS, NUMBERS // runs))


def _studentised(
    ways: Float[np.ndarray, "way run"],
    n: list[np.ndarray],
    rounding: float,
) -> Float[np.ndarray, " way"]:
    """|difference| of the settings with the highest mean of either side over Welch's error.

    `n` are the runs of each setting, by side. Of settings that do not vary, up to rounding, it is
    infinite, or 0 where their means are equal.
    """
    ends, settings = np.cumsum([0, *n[0], *n[1]]), len(n[0])
    sizes = np.diff(ends)
    means = np.add.reduceat(ways, ends[:-1], axis=1) / sizes
    apart = ways - np.repeat(means, sizes, axis=1)
    squares = np.add.reduceat(apart**2, ends[:-1], axis=1) / sizes
    errors = np.where(squares > rounding**2, squares / (sizes - 1), 0.0)
    rows, sides = np.arange(len(ways)), (slice(None, settings), slice(settings, None))
    first, second = (means[:, side].argmax(axis=1) for side in sides)
    second += settings
    gaps = np.abs(means[rows, first] - means[rows, second])
    gaps[gaps <= rounding] = 0
    error = np.sqrt(errors[rows, first] + errors[rows, second])
    return np.divide(gaps, error, out=np.where(gaps > 0, np.inf, 0.0), where=error > 0)


def _welch_of_chosen(sides: list[list[np.ndarray]], rng: np.random.Generator) -> float:
    """Welch's p of the settings with the highest mean, corrected for the choice."""
    mean, sd, n = (
        np.array([f(runs) for side in sides for runs in side])
        for f in (np.mean, lambda runs: runs.std(ddof=1), len)
    )
    methods = np.repeat([0, 1], [len(side) for side in sides])
    first, second = mean[methods == 0].argmax(), len(sides[0]) + mean[methods == 1].argmax()
    gap = 0.0 if same(mean[first], mean[second]) else mean[first] - mean[second]
    p = float(welch_p(gap, sd[first], n[first], sd[second], n[second]))
    pair = np.array([[0, 1]])
    return equal_studies(sd, n, methods, pair, rng=rng, studies=STUDIES).corrected(p)
