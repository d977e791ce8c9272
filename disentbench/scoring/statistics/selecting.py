"""What it costs to choose a setting by another value than the one that it is read by."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Cost(NamedTuple):
    """Means over seeds left out, in units of the score; NaN where no seed has all that it takes."""

    best: float  # the score of the setting that the score itself chooses
    cost: float  # how much less that of the setting has which the other value chooses
    random: float  # how much less a random setting has
    seeds: int  # that were left out and read


def cost_of_choosing(
    scores: Float[np.ndarray, "setting seed"], by: Float[np.ndarray, "setting seed"]
) -> Cost:
    """The mean score lost by choosing the setting by another value; higher is better of both.

    Cross-fitted: of every seed in turn the score is read, and both choices are made by the means
    over all other seeds, so that neither profits from the noise of the run that is read. The cost
    may be negative by chance. Settings that tie share the choice; those without a value on other
    seeds are not chosen. A seed counts where the chosen settings and any other have a score.
    """
    settings, seeds = scores.shape
    rows = [_left_out(scores, by, seed) for seed in range(seeds)] if settings else []
    known = np.array([row for row in rows if np.isfinite(row).all()])
    if not len(known):
        return Cost(np.nan, np.nan, np.nan, 0)
    best, chosen, random = known.mean(axis=0)
    return Cost(float(best), float(best - chosen), float(best - random), len(known))


def _left_out(scores: np.ndarray, by: np.ndarray, seed: int) -> tuple[float, float, float]:
    """The scores on one seed of the two settings that the others choose, and of a random one."""
    others, read = np.arange(scores.shape[1]) != seed, scores[:, seed]
    best, chosen = (_chosen(values[:, others]) for values in (scores, by))
    return _read(read, best), _read(read, chosen), _read(read, np.isfinite(read))


def _chosen(values: Float[np.ndarray, "setting other"]) -> np.ndarray:
    """Which settings have the highest mean of the values that they have."""
    known = np.isfinite(values)
    sums, n = np.where(known, values, 0).sum(axis=1), known.sum(axis=1)
    means = np.where(n > 0, sums / np.maximum(n, 1), -np.inf)
    return (means == means.max()) & (n > 0)


def _read(scores: np.ndarray, chosen: np.ndarray) -> float:
    """The mean score of the settings chosen; NaN unless all have one."""
    return float(scores[chosen].mean()) if chosen.any() else np.nan
