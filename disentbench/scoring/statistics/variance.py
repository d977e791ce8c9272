"""How much of a score's variance the objective, its strength and the seed explain."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from disentbench.scoring.statistics.intervals import ROUNDING


class Shares(NamedTuple):
    """Shares of a score's sum of squares, which sum to 1; what pure noise would explain on average.

    Adjusted: 1 - (1 - R2) (runs - 1) / (runs - groups), which is 0 for noise on average; NaN where
    every group is one run.
    """

    runs: int
    objective: float
    strength: float  # within the objective
    seed: float  # common to all settings, beyond these
    rest: float
    objective_floor: float  # (objectives - 1) / (runs - 1)
    settings_floor: float  # (settings - 1) / (runs - 1), of objective and strength together
    seed_floor: float
    objective_adjusted: float
    settings_adjusted: float

    @property
    def settings(self) -> float:
        """What objective and strength explain together."""
        return self.objective + self.strength


def variance_shares(
    values: Float[np.ndarray, " run"],
    objectives: Int[np.ndarray, " run"],
    settings: Int[np.ndarray, " run"],
    seeds: Int[np.ndarray, " run"],
) -> Shares:
    """Sequential sums of squares of least squares on categories: objective, setting, then seed.

    The objective's and that of both are the R2 of Locatello et al. 2019 (arXiv:1811.12359),
    Table 5; the seed is a main effect, what the same initial weights and batches do to all settings
    alike. Settings are told apart within their objective. Values that are not finite do not count;
    all shares are NaN where fewer than two are left or none differs.
    """
    known = np.isfinite(values)
    values, objectives, seeds = values[known], _codes(objectives[known]), _codes(seeds[known])
    cells = _codes(objectives, settings[known])
    n = len(values)
    total = ((values - values.mean()) ** 2).sum() if n else 0.0
    if n < 2 or total <= n * (ROUNDING * max(1.0, np.abs(values).max())) ** 2:
        return Shares(n, *[np.nan] * 9)
    groups, kinds = int(objectives.max()) + 1, int(cells.max()) + 1
    within_objective, within_cell = _within(values, objectives), _within(values, cells)
    by_seed, rank = _seeds(within_cell, cells, seeds)
    left, rest = (within_objective**2).sum() / total, (within_cell**2).sum() / total
    by_seed = min(by_seed / total, rest)
    return Shares(
        n,
        *map(float, (1 - left, left - rest, by_seed, rest - by_seed)),
        *(float(df / (n - 1)) for df in (groups - 1, kinds - 1, rank)),
        *(_adjusted(share, n, k) for share, k in ((left, groups), (rest, kinds))),
    )


def _codes(*labels: np.ndarray) -> np.ndarray:
    """Numbers from 0 on, one for each combination of labels."""
    return np.unique(np.stack(labels), axis=1, return_inverse=True)[1].reshape(-1)


def _within(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The values less the mean of their group."""
    return values - (np.bincount(groups, values) / np.bincount(groups))[groups]


def _seeds(residual: np.ndarray, cells: np.ndarray, seeds: np.ndarray) -> tuple[float, int]:
    """What the seeds explain of residuals of the cells, and their degrees of freedom.

    The normal equations of the seeds' dummies, from which the cells' have been taken out.
    """
    counts = np.zeros((cells.max() + 1, seeds.max() + 1))
    np.add.at(counts, (cells, seeds), 1)
    normal = np.diag(counts.sum(0)) - counts.T @ (counts / counts.sum(1, keepdims=True))
    sums = np.bincount(seeds, residual)
    effects, _, rank, _ = np.linalg.lstsq(normal, sums, rcond=1e-10)
    return float(sums @ effects), int(rank)


def _adjusted(unexplained: float, runs: int, groups: int) -> float:
    return float(1 - unexplained * (runs - 1) / (runs - groups)) if runs > groups else np.nan
