"""What the choice of the best of several settings does, and what stays when it is accounted for.

Strengths are chosen on the runs that are reported. Where all settings are equal in their means, the
best of ten against one of another objective has Welch's p <= 0.05 in 6 to 17 % of studies. So p and
intervals are calibrated against simulated studies of equal settings in which the same choice is
made and the same pairs are compared.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from disentbench.scoring.statistics.intervals import welch_p

LEVEL = 0.05
STUDIES = 9_999  # simulated; with the observed one 10,000
STUDIES_OF_A_COLUMN = 999


class Equals(NamedTuple):
    """Simulated studies in which no setting is better than another."""

    smallest: Float[np.ndarray, "null study"]  # the smallest p of Welch over the pairs, sorted
    excess: float  # of the best mean above the one that all share, on average

    def corrected(self, p: float) -> float:
        """Welch's p of a pair, corrected for the choice and for the number of pairs.

        How often the smallest p of such a study is at most this one; never 0, nor below p itself.
        """
        if np.isnan(p):
            return np.nan
        as_small = np.array([np.searchsorted(null, p, side="right") for null in self.smallest])
        return float(max(p, (1 + as_small.max()) / (1 + self.smallest.shape[1])))

    @property
    def level(self) -> float:
        """At which Welch's intervals exclude 0 exactly where the corrected p is at most 0.05."""
        return 1 - critical(self.smallest)

    @property
    def plain(self) -> float:
        """How often a plain 95 % interval of such a study excludes 0 for at least one pair."""
        return float((self.smallest <= LEVEL).mean(axis=1).max())


def critical(p: Float[np.ndarray, "null study"]) -> float:
    """The p, at most 0.05, that 5 % of the studies of each null fall below; `p` is sorted."""
    last = int(LEVEL * (1 + p.shape[1]) + 1e-9) - 1
    return float(min(LEVEL, p[:, last].min())) if last >= 0 else 0.0


def equal_studies(
    sd: Float[np.ndarray, " setting"],
    n: Int[np.ndarray, " setting"],
    methods: Int[np.ndarray, " setting"],
    pairs: Int[np.ndarray, "pair 2"],
    *,
    rng: np.random.Generator,
    studies: int = STUDIES,
) -> Equals:
    """Studies of settings with equal means, normal runs and these spreads, each chosen from.

    `methods` numbers from 0 whose setting it is, `pairs` are the methods compared at their settings
    of the highest mean; every setting has n >= 2 runs, and its spread is estimated anew from them.
    There are two nulls, of which the more demanding counts: each setting with its own sd, and with
    that which the settings of its method share. Of three runs an sd is so uncertain that the first
    alone lets 7 % of leads be called clear, where ten settings spread more than their one rival.
    """
    normals, scales = _drawn(n, studies, rng)
    pooled = np.sqrt(np.bincount(methods, (n - 1) * sd**2) / np.bincount(methods, n - 1))[methods]
    nulls = [
        _smallest(normals * spread / np.sqrt(n), scales * spread, n, methods, pairs)
        for spread in (sd, pooled)
    ]
    excess = (normals * sd / np.sqrt(n)).max(axis=1).mean()
    return Equals(np.sort(nulls, axis=1), float(excess))


def _drawn(
    n: Int[np.ndarray, " setting"], studies: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "study setting"], Float[np.ndarray, "study setting"]]:
    """Standard normals, for means, and the ratios of estimated sds of n runs to true ones."""
    normals = rng.standard_normal((studies, len(n)))
    return normals, np.sqrt(rng.chisquare(n - 1, (studies, len(n))) / (n - 1))


def _smallest(
    means: Float[np.ndarray, "study setting"],
    spreads: Float[np.ndarray, "study setting"],
    n: Int[np.ndarray, " setting"],
    methods: Int[np.ndarray, " setting"],
    pairs: Int[np.ndarray, "pair 2"],
) -> Float[np.ndarray, " study"]:
    """Welch's p of each pair of methods at their best settings, the smallest of each study."""
    rows, smallest = np.arange(len(means)), np.ones(len(means))
    best = []
    for method in range(methods.max() + 1):
        members = np.flatnonzero(methods == method)
        first = members[means[:, members].argmax(axis=1)]
        best.append((means[rows, first], spreads[rows, first], n[first]))
    for first, second in pairs:
        (mean, sd, runs), (other, other_sd, other_runs) = best[first], best[second]
        p = welch_p(mean - other, sd, runs, other_sd, other_runs)
        smallest = np.minimum(smallest, p)
    return smallest


def maybe_best(
    mean: Float[np.ndarray, " row"],
    sd: Float[np.ndarray, " row"],
    n: Int[np.ndarray, " row"],
    *,
    rng: np.random.Generator,
    studies: int = STUDIES_OF_A_COLUMN,
) -> Bool[np.ndarray, " row"]:
    """The rows that may have the highest true mean; in 95 % of studies that row is among them.

    A row is left out if Welch's p against the highest mean is smaller than in 95 % of the studies
    in which no row is better than it: a subset selection as in Gupta 1965 and Hsu 1984, with
    spreads of their own. No row is left out whose difference from the highest alone has p > 0.05.
    Every row needs n >= 2 runs.
    """
    normals, scales = _drawn(n, studies, rng)
    pooled = np.full(len(n), np.sqrt(((n - 1) * sd**2).sum() / (n - 1).sum()))
    nulls = [_below_best(normals, scales, n, sd, others) for others in (sd, pooled)]
    limits = [[critical(p[None]) for p in np.sort(null, axis=0).T] for null in nulls]
    first = mean.argmax()
    p = welch_p(mean[first] - mean, sd[first], n[first], sd, n)
    return p >= np.min(limits, axis=0)


def _below_best(
    normals: Float[np.ndarray, "study row"],
    scales: Float[np.ndarray, "study row"],
    n: Int[np.ndarray, " row"],
    sd: Float[np.ndarray, " row"],
    others: Float[np.ndarray, " row"],
) -> Float[np.ndarray, "study row"]:
    """Welch's p of each row against the best of the others, whose sd are `others`; 1 if above."""
    means, rivals = normals * sd / np.sqrt(n), normals * others / np.sqrt(n)
    first = rivals.argmax(axis=1)[:, None]
    behind = rivals.copy()
    np.put_along_axis(behind, first, -np.inf, axis=1)
    second = behind.argmax(axis=1)[:, None]
    best = np.where(np.arange(len(n)) == first, second, first)
    top, top_sd = (np.take_along_axis(x, best, axis=1) for x in (rivals, scales * others))
    p = welch_p(top - means, top_sd, n[best], scales * sd, n)
    return np.where(top > means, p, 1.0)


class CrossFitted(NamedTuple):
    """What the choice scores on runs that it did not see."""

    score: float  # the mean over the seeds; NaN where there is none
    settings: Int[np.ndarray, " fold"]  # that were chosen, by seed, of the seeds that count


def cross_fitted(
    scores: Float[np.ndarray, "setting run"],
    sign: int,
    by: Float[np.ndarray, "setting run"] | None = None,
) -> CrossFitted:
    """For each seed the setting is chosen on the others and its score read on that one.

    `by` are the values to choose by, where they are not the scores; `sign` is +1 where their
    highest mean is chosen, -1 for the lowest. NaN where a seed has no run; a seed at which the
    chosen setting has none does not count.

    A score that is read is independent of the choice, so its expectation is the true mean of what
    a choice on n - 1 seeds picks, and so is that of their mean: without bias for this procedure.
    No interval is given: each run is read once and takes part in the choice of all other folds, so
    that these are correlated, positively where they choose alike, by an amount that the folds do
    not tell (Bengio and Grandvalet 2004: there is no unbiased estimate of the variance).
    """
    by = sign * (scores if by is None else by)
    known = np.isfinite(by)
    values = np.where(known, by, 0.0)
    counts = known.sum(axis=1, keepdims=True) - known
    sums = values.sum(axis=1, keepdims=True) - values
    means = np.where(counts > 0, sums / np.maximum(counts, 1), -np.inf)
    chosen = means.argmax(axis=0)
    runs = np.arange(scores.shape[1])
    counted = np.isfinite(means[chosen, runs]) & np.isfinite(scores[chosen, runs])
    score = scores[chosen, runs][counted].mean() if counted.any() else np.nan
    return CrossFitted(float(score), chosen[counted])
