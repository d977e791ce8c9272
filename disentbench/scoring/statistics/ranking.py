"""Methods ranked over several tasks."""

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata


def mean_ranks(
    scores: Float[np.ndarray, "method task"], *, higher_is_better: bool = True
) -> Float[np.ndarray, " method"]:
    """Each method's rank (1 is best, ties share the mean of theirs) averaged over the tasks.

    A method without a score on a task ranks last there.
    """
    worst_last = np.where(np.isnan(scores), -np.inf, scores if higher_is_better else -scores)
    return rankdata(-worst_last, axis=0).mean(1)
