"""Two samples of runs compared: how often one is better, and whether chance would do it."""

from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from disentbench.scoring.statistics.intervals import ROUNDING, finite

MOST_WAYS = 20_000  # to divide the runs of two samples, of which all are tried
RANDOM_WAYS = 9_999  # that are tried of more


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
    a, b = finite(a), finite(b)
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
