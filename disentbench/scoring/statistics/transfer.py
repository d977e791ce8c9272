"""Whether the setting that a score picks on one seed is better than a random one elsewhere."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

Chances = Float[np.ndarray, "metric task metric task"]


class TransferShares(NamedTuple):
    """How often the picked setting beats a random one; 1/2 is chance, NaN where nothing tells."""

    same: float  # by the metric and on the data that picked it, on another seed
    other_data: float
    other_metric: float
    both_other: float


def transfer_shares(
    scores: Float[np.ndarray, "metric task setting seed"], source: int | None = None
) -> TransferShares:
    """The four chances of Locatello et al. 2019 (arXiv:1811.12359), Table 1, by enumeration.

    As there, a setting is picked by one metric on one data set and one seed and compared with a
    random one by a metric on a data set; here over all cases, where the study draws 10,000. Both
    settings are read on the same seed, another than the one that picked: each with each. The random
    one is any setting, the picked one among them; a tie counts half, so that no chance exceeds
    1 - 1 / (2 settings). Higher scores are better; NaN takes no part. `source` restricts the choice
    to one data set. Every pair of metrics and data sets counts alike.
    """
    chances = transfer_chances(scores)
    metrics, tasks = scores.shape[:2]
    metric, task, other_metric, other_task = np.ogrid[:metrics, :tasks, :metrics, :tasks]
    same_metric, same_task = metric == other_metric, task == other_task
    here = np.isin(task, np.arange(tasks) if source is None else source)
    kinds = [(s, t) for s in (same_metric, ~same_metric) for t in (same_task, ~same_task)]
    return TransferShares(*(_mean(chances[here & s & t]) for s, t in kinds))


def transfer_chances(scores: Float[np.ndarray, "metric task setting seed"]) -> Chances:
    """The chance of the setting picked by the first metric and data set, by the second's score."""
    metrics, tasks, settings, seeds = scores.shape
    flat = scores.reshape(metrics * tasks, settings, seeds)
    picked, won = _picked(flat), _won(flat)
    known = np.isfinite(won).astype(float)
    with np.errstate(invalid="ignore"):
        chances = _elsewhere(picked, np.nan_to_num(won)) / _elsewhere(picked, known)
    return chances.reshape(metrics, tasks, metrics, tasks)


def _picked(flat: np.ndarray) -> np.ndarray:
    """The weight of each setting [score, setting, seed] as the best; those that tie share it."""
    filled = np.where(np.isnan(flat), -np.inf, flat)
    best = (filled == filled.max(1, keepdims=True)) & np.isfinite(filled)
    return best / np.maximum(best.sum(1, keepdims=True), 1)


def _won(flat: np.ndarray) -> np.ndarray:
    """Of the settings with a score, the share that each beats; a tie, also with itself, is half."""
    ranks = rankdata(flat, axis=1, nan_policy="omit")
    n = np.isfinite(flat).sum(1, keepdims=True)
    return np.where(np.isfinite(flat), (ranks - 0.5) / np.maximum(n, 1), np.nan)


def _elsewhere(picked: np.ndarray, won: np.ndarray) -> np.ndarray:
    """The sum [score, other score] over all pairs of two seeds that differ."""
    everywhere = picked.sum(2) @ won.sum(2).T
    return everywhere - np.einsum("aks,bks->ab", picked, won)


def _mean(chances: np.ndarray) -> float:
    known = chances[np.isfinite(chances)]
    return float(known.mean()) if len(known) else np.nan
