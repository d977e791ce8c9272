"""How well all latents together predict each factor: R2 on rows that were not fitted on.

R2 = 1 - sum (v - prediction)^2 / sum (v - mean v)^2 of a factor's class number, by least squares
and by boosted trees: informativeness by regression, as Eastwood & Williams 2018 (ICLR) had it.
"""

import math
from functools import partial

import numpy as np
from jaxtyping import Float, Int
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._columns import columns
from disentbench.metrics._information import mean_over_factors
from disentbench.metrics._splits import train_test, varying
from disentbench.metrics.explicitness import standardised

# Every number of threads gives the same trees; on small tables one is the quickest by far.
one_thread = partial(threadpool_limits, 1, user_api="openmp")


def r2(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    rng: np.random.Generator,
) -> Score:
    """The mean coefficient of determination.

    1: every factor is predicted without error; 0: no better than by its mean. Below 0, without a
    bound, where what was fitted misleads, as it does on few rows; the trees need 40 to split.
    Factors are taken by class number, which means little for a factor such as shape. Those of one
    class take no part, and one that has a single class in the scored rows counts as 0. A discrete
    group has a 0-1 column for each class.
    Detail: `linear` and `trees` [factor] (0 for a factor of one class).
    """
    train, test = train_test(len(codes), rng)
    drawn = np.concatenate([train, test])
    fitted, scored = np.split(np.arange(len(drawn)), [len(train)])
    z = standardised(columns(codes[drawn], categories[drawn]).values, fitted)
    linear, trees = np.zeros((2, factors.shape[1]))
    for k in varying(factors):
        v = factors[drawn, k].astype(np.float64)
        given = z[fitted], v[fitted], z[scored]
        linear[k] = explained(v[scored], by_line(*given))
        trees[k] = explained(v[scored], by_trees(*given))
    detail = {"linear": linear, "trees": trees}
    values = {f"r2_{name}": mean_over_factors(known, factors) for name, known in detail.items()}
    return Score(values, detail)


def by_line(
    z: Float[np.ndarray, "train column"],
    v: Float[np.ndarray, " train"],
    z_test: Float[np.ndarray, "test column"],
) -> Float[np.ndarray, " test"]:
    """Least squares on columns of mean 0, the shortest of equal weights."""
    weights = np.linalg.lstsq(z, v - v.mean())[0]
    return v.mean() + z_test @ weights


def by_trees(
    z: Float[np.ndarray, "train column"],
    v: Float[np.ndarray, " train"],
    z_test: Float[np.ndarray, "test column"],
    *,
    rounds: int = 100,
) -> Float[np.ndarray, " test"]:
    """Gradient-boosted trees of 31 leaves on values in 255 bins."""
    model = HistGradientBoostingRegressor(max_iter=rounds, early_stopping=False)
    with one_thread():
        return model.fit(z, v).predict(z_test)


def explained(v: Float[np.ndarray, " test"], predicted: Float[np.ndarray, " test"]) -> float:
    """The coefficient of determination; 0 where there is nothing to explain."""
    variance = v.var()
    return float(1 - ((v - predicted) ** 2).mean() / variance) if variance > 0 else 0.0


metric = Metric(
    r2,
    label="R2",
    variant="held-out R2 of the factor's class number from all posterior means, by least squares "
    "and by histogram gradient boosting (100 trees of 31 leaves); negative where it misleads",
    reference="Eastwood & Williams 2018, ICLR; Eastwood et al. 2023, arXiv:2210.00364",
    values=(
        Value("r2_linear", "R2 (linear)", -math.inf, 1.0),
        Value("r2_trees", "R2 (trees)", -math.inf, 1.0),
    ),
    formula=r"R^2 = \frac{1}{K} \sum_{k=1}^{K} \left(1 - \frac{\sum_i (v_{ik} - "
    r"\hat{v}_k(z_i))^2}{\sum_i (v_{ik} - \bar{v}_k)^2}\right)",
    blind="It does not see where in the codes a factor is: all latents predict together, so that "
    "factors that are mixed linearly in every latent still score 1.",
)
