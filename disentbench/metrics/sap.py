"""Separated attribute predictability with a classifier, as in the study of Locatello et al. 2019.

Per factor, the gap between the two latents from which alone a linear support vector machine tells
the factor's class best, on rows it was not fitted on. Kumar et al. 2018 (arXiv:1711.00848).
"""

import numpy as np
from jaxtyping import Float, Int
from sklearn.svm import LinearSVC

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import mean_over_factors, top_two
from disentbench.metrics._splits import train_test, varying


def sap(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    C: float = 0.01,
    rng: np.random.Generator,
) -> Score:
    """0: factors are known equally well from two latents. A perfect table stays well below 1.

    One linear machine on one number cannot tell more than a few classes apart, and how it does
    depends on the number of rows and the scale of the latent, by definition.
    Detail: `accuracy` [latent, factor] (0 for a factor of one class), `per_factor` gaps.
    """
    train, test = train_test(len(codes), rng)
    seed = int(rng.integers(2**31))
    accuracy = np.zeros((codes.shape[1], factors.shape[1]))
    for k in varying(factors):
        for j, z in enumerate(codes.T[:, :, None].astype(np.float64)):
            predicted = _predict(z[train], factors[train, k], z[test], C, seed)
            accuracy[j, k] = np.mean(predicted == factors[test, k])
    first, second = top_two(accuracy)
    gaps = first - second
    return Score(
        {"sap": mean_over_factors(gaps, factors)}, {"accuracy": accuracy, "per_factor": gaps}
    )


def _predict(z, classes, z_test, C, seed):
    if np.ptp(classes) == 0:
        return np.full(len(z_test), classes[0])
    machine = LinearSVC(C=C, class_weight="balanced", random_state=seed)
    return machine.fit(z, classes).predict(z_test)


metric = Metric(
    sap,
    label="SAP",
    variant="linear SVM (C = 0.01, balanced) on one raw latent, held-out accuracy",
    reference="Kumar et al. 2018, arXiv:1711.00848; Locatello et al. 2019, arXiv:1811.12359",
    values=(Value("sap", "SAP", 0.0, 1.0),),
)
