"""Statistics over seeds. Pure functions of arrays, a file for each question that they answer."""

from disentbench.scoring.statistics.bootstrap import aggregate
from disentbench.scoring.statistics.choosing import (
    CrossFitted,
    Equals,
    cross_fitted,
    equal_studies,
    maybe_best,
)
from disentbench.scoring.statistics.comparing import (
    holm,
    lowest_p,
    permutation_test,
    probability_of_improvement,
)
from disentbench.scoring.statistics.correlation import rank_correlation
from disentbench.scoring.statistics.effects import (
    hedges_g,
    improvement_interval,
    seeds_needed,
    welch_power,
)
from disentbench.scoring.statistics.intervals import (
    Interval,
    difference,
    half_width,
    interval,
    same,
    welch_half_width,
    welch_p,
)
from disentbench.scoring.statistics.ranking import mean_ranks
from disentbench.scoring.statistics.selecting import Cost, cost_of_choosing
from disentbench.scoring.statistics.transfer import (
    TransferShares,
    transfer_chances,
    transfer_shares,
)
from disentbench.scoring.statistics.variance import Shares, variance_shares

__all__ = [
    "Cost",
    "CrossFitted",
    "Equals",
    "Interval",
    "Shares",
    "TransferShares",
    "aggregate",
    "cost_of_choosing",
    "cross_fitted",
    "difference",
    "equal_studies",
    "half_width",
    "hedges_g",
    "holm",
    "improvement_interval",
    "interval",
    "lowest_p",
    "maybe_best",
    "mean_ranks",
    "permutation_test",
    "probability_of_improvement",
    "rank_correlation",
    "same",
    "seeds_needed",
    "transfer_chances",
    "transfer_shares",
    "variance_shares",
    "welch_half_width",
    "welch_p",
    "welch_power",
]
