"""Explicitness: how well a linear classifier tells each factor's classes from all latents.

Macro average over classes of the one-versus-rest area under the ROC curve of one multinomial
logistic regression per factor. Ridgeway & Mozer 2018 (arXiv:1802.05312), section 3.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._columns import columns
from disentbench.metrics._information import mean_over_factors
from disentbench.metrics._splits import train_test, varying


def explicitness(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    held_out: bool = True,
    rng: np.random.Generator,
) -> Score:
    """The mean area under the ROC curve.

    0.5: the codes know nothing; 1: every class is linearly separable.
    Scored on rows it was not fitted on, or with `held_out=False` fitted and scored on all rows. A
    discrete group has a 0-1 column for each class.
    Detail: `per_factor` areas (0.5 for a factor of one class).
    """
    every = np.arange(len(codes))
    train, test = train_test(len(codes), rng) if held_out else (every, every)
    z = standardised(columns(codes, categories).values, train)
    areas = np.full(factors.shape[1], 0.5)
    for k in varying(factors):
        areas[k] = _area(z[train], factors[train, k], z[test], factors[test, k])
    value = mean_over_factors(areas, factors) if len(varying(factors)) else 0.5
    return Score({"explicitness": value}, {"per_factor": areas})


def standardised(
    codes: Float[np.ndarray, "sample latent"], rows: Int[np.ndarray, " row"]
) -> Float[np.ndarray, "sample latent"]:
    """Codes in units of their spread over `rows`; constant latents become 0."""
    codes = codes.astype(np.float64)
    centred = codes - codes[rows].mean(0)
    varies = np.ptp(codes[rows], axis=0) > 0  # the deviation of a constant is an ulp, not always 0
    return np.divide(centred, codes[rows].std(0), out=np.zeros_like(centred), where=varies)


def _area(
    z: Float[np.ndarray, "train column"],
    classes: Int[np.ndarray, " train"],
    z_test: Float[np.ndarray, "test column"],
    classes_test: Int[np.ndarray, " test"],
) -> float:
    if np.ptp(classes) == 0:
        return 0.5
    model = LogisticRegression(max_iter=1000).fit(z, classes)
    ranks = rankdata(model.predict_proba(z_test), axis=0)
    member = classes_test[:, None] == model.classes_
    count = member.sum(0)
    both = (count > 0) & (count < len(member))
    above = (ranks * member).sum(0) - count * (count + 1) / 2
    areas = above[both] / (count * (len(member) - count))[both]
    return float(areas.mean()) if both.any() else 0.5


metric = Metric(
    explicitness,
    label="explicitness",
    variant="multinomial logistic regression (C = 1) on standardised means, held-out rows",
    reference="Ridgeway & Mozer 2018, arXiv:1802.05312",
    values=(Value("explicitness", "explicitness", 0.0, 1.0),),
    formula=r"\frac{1}{K} \sum_k \frac{1}{n_k} \sum_{c=1}^{n_k} \mathrm{AUC}\left(\hat{p}(v_k = c "
    r"\mid z), [v_k = c]\right)",
    blind="It does not see where in the codes a factor is: the classifier takes all latents, so "
    "that linear mixtures of the factors score about as well as the factors themselves.",
)
