"""Whether metrics rank runs alike."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

FEWEST = 3  # runs


def rank_correlation(
    scores: Float[np.ndarray, "run metric"],
) -> tuple[Float[np.ndarray, "metric metric"], Int[np.ndarray, "metric metric"]]:
    """Spearman's correlation of every two metrics over runs, and the number of runs of each.

    Over the runs that have a finite value of both. NaN where these are fewer than three, or where
    one of the two metrics is the same in all of them.
    """
    finite = np.where(np.isfinite(scores), scores, np.nan)
    known = np.isfinite(finite).astype(int)
    correlations = pd.DataFrame(finite).corr(method="spearman", min_periods=FEWEST).to_numpy()
    return np.clip(correlations, -1, 1), known.T @ known
