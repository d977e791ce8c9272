"""Separated attribute predictability with a classifier, as in the study of Locatello et al. 2019.

Per factor, the gap between the two latents from which alone a linear support vector machine tells
the factor's class best, on rows it was not fitted on. Kumar et al. 2018 (arXiv:1711.00848).
"""

import numpy as np
from jaxtyping import Float, Int
from sklearn.svm import LinearSVC

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._columns import columns
from disentbench.metrics._information import mean_over_factors, top_two
from disentbench.metrics._splits import train_test, varying


def sap(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    C: float = 0.01,
    rng: np.random.Generator,
) -> Score:
    """The separated attribute predictability.

    0: factors are known equally well from two latents. A perfect table stays well below 1.
    One linear machine on one number cannot tell more than a few classes apart, and how it does
    depends on the number of rows and on the scale and the offset of the latent, by definition. A
    discrete group is one latent with a 0-1 column for each class.
    Detail: `accuracy` [latent, factor] (0 for a factor of one class), `per_factor` gaps.
    """
    train, test = train_test(len(codes), rng)
    seed = int(rng.integers(2**31))
    z, variable = columns(codes.astype(np.float64), categories)
    accuracy = np.zeros((variable.max() + 1, factors.shape[1]))
    for k in varying(factors):
        for j in range(len(accuracy)):
            code = z[:, variable == j]
            predicted = _predict(code[train], factors[train, k], code[test], C, seed)
            accuracy[j, k] = np.mean(predicted == factors[test, k])
    first, second = top_two(accuracy)
    gaps = first - second
    return Score(
        {"sap": mean_over_factors(gaps, factors)}, {"accuracy": accuracy, "per_factor": gaps}
    )


def _predict(
    z: Float[np.ndarray, "train column"],
    classes: Int[np.ndarray, " train"],
    z_test: Float[np.ndarray, "test column"],
    C: float,
    seed: int,
) -> Int[np.ndarray, " test"]:
    if np.ptp(classes) == 0:
        return np.full(len(z_test), classes[0])
    machine = LinearSVC(C=C, class_weight="balanced", random_state=seed)
    return machine.fit(z, classes).predict(z_test)


metric = Metric(
    sap,
    label="SAP",
    variant="linear SVM (C = 0.01, balanced) on one raw latent, held-out accuracy; by definition "
    "it depends on the latents' scale and offset (far from 0 it sees nothing)",
    reference="Kumar et al. 2018, arXiv:1711.00848; Locatello et al. 2019, arXiv:1811.12359",
    values=(Value("sap", "SAP", 0.0, 1.0),),
    formula=r"\frac{1}{K} \sum_{k=1}^{K} \left(a_{(1)k} - a_{(2)k}\right), \quad a_{jk} = "
    r"P(\hat{v}_k(z_j) = v_k)",
    blind="It does not see whether the best latent holds other factors, too, nor what a linear "
    "machine on one number cannot tell: of the many classes of a factor it finds a few.",
)
