"""Disentanglement, completeness and informativeness of what boosted trees predict factors from.

R[latent, factor] is the share of latent j in the gradient-boosted trees that predict v_k. With P
the rows of R and Q its columns as distributions: D = sum_j w_j (1 - H_K(P_j)), w_j the share of
latent j in R; C = mean_k (1 - H_D(Q_k)); I = mean accuracy on rows that were not fitted on.
Eastwood & Williams 2018 (ICLR), section 2.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import entr

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._boosting import boost
from disentbench.metrics._columns import columns
from disentbench.metrics._information import mean_over_factors
from disentbench.metrics._splits import train_test, varying


def dci(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    rng: np.random.Generator,
) -> Score:
    """D: 1 if each latent serves one factor; C: 1 if each factor needs one latent; I: accuracy.

    Factors of one class take no part. A single factor or latent leaves D or C nothing to spread
    over: 1, or 0 if nothing is predicted from anything. A discrete group has a 0-1 column for each
    class, and the sum of their importances.
    Detail: `importance` [latent, factor], `accuracy` [factor] (0 for a factor of one class).
    """
    train, test = train_test(len(codes), rng)
    z, variable = columns(codes, categories)
    importance = np.zeros((variable.max() + 1, factors.shape[1]))
    accuracy = np.zeros(factors.shape[1])
    for k in varying(factors):
        trees = boost(z[train], factors[train, k], z[test], rng=rng)
        importance[:, k] = np.bincount(variable, trees.importance)
        accuracy[k] = np.mean(trees.predicted == factors[test, k])
    used = importance[:, varying(factors)]
    return Score(
        {
            "dci_disentanglement": concentration(used),
            "dci_completeness": concentration(used.T),
            "dci_informativeness": mean_over_factors(accuracy, factors),
        },
        {"importance": importance, "accuracy": accuracy},
    )


def concentration(importance: Float[np.ndarray, "row column"]) -> float:
    """1 - entropy of each row over the columns, in units of its maximum, weighted by row mass."""
    mass = importance.sum(1)
    if not mass.any():
        return 0.0
    share = importance[mass > 0] / mass[mass > 0, None]
    spread = entr(share).sum(1) / np.log(max(2, importance.shape[1]))
    return float(np.average(1 - spread, weights=mass[mass > 0]))


metric = Metric(
    dci,
    label="DCI",
    variant="gradient-boosted trees on posterior means, held-out accuracy",
    reference="Eastwood & Williams 2018, ICLR; Locatello et al. 2019, arXiv:1811.12359",
    values=(
        Value("dci_disentanglement", "DCI disentanglement", 0.0, 1.0),
        Value("dci_completeness", "DCI completeness", 0.0, 1.0),
        Value("dci_informativeness", "DCI informativeness", 0.0, 1.0),
    ),
    formula=r"D = \sum_j \frac{\sum_k R_{jk}}{\sum_{jk} R_{jk}} \left(1 - H_K(P_j)\right), \quad "
    r"C = \frac{1}{K} \sum_k \left(1 - H_D(Q_k)\right), \quad I = \frac{1}{K} \sum_k P(\hat{v}_k "
    r"= v_k)",
    blind="Disentanglement and completeness do not see how well a factor is predicted, as its "
    "importances sum to 1 whether the trees know it or guess; informativeness does not see in "
    "which latents it is.",
)
