"""What the choice of the best of several settings does by itself."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from disentbench.scoring.statistics.intervals import welch_half_width


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
