"""Statistics over seeds. Pure functions of arrays, a file for each question that they answer."""

from disentbench.scoring.statistics.choosing import Chance, best_of_equals
from disentbench.scoring.statistics.comparing import (
    holm,
    lowest_p,
    permutation_test,
    probability_of_improvement,
)
from disentbench.scoring.statistics.intervals import (
    Interval,
    difference,
    half_width,
    interval,
    same,
    welch_half_width,
)
from disentbench.scoring.statistics.ranking import mean_ranks

__all__ = [
    "Chance",
    "Interval",
    "best_of_equals",
    "difference",
    "half_width",
    "holm",
    "interval",
    "lowest_p",
    "mean_ranks",
    "permutation_test",
    "probability_of_improvement",
    "same",
    "welch_half_width",
]
