"""What mathematics and scikit-learn say of a few tables is what the metrics find."""

import math
from itertools import permutations

import numpy as np
import pytest
from builders.representations import SIZES, metric_of, noisy, representation
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from disentbench.metrics.explicitness import explicitness
from disentbench.metrics.info import neighbour_information
from disentbench.scoring.scores import measure

pytestmark = pytest.mark.usefixtures("few_trees")


def grid(repeats=10):
    return np.tile(np.indices(SIZES).reshape(3, -1).T, (repeats, 1))


def perfect(dead=1):
    factors = grid()
    constant = np.zeros((len(factors), dead))
    return representation(np.hstack([factors, constant]), factors)


def independent():
    factors = grid(30)
    rng = np.random.default_rng(3)
    return representation(rng.standard_normal((len(factors), 4)), factors)


# One of the four latents is dead: averages over latents stay at three quarters.
PERFECT = {
    "mig": 1,
    "mig_chen": 1,
    "mig_sup": 0.75,
    "dcimig": 1,
    "jemmig": 1,
    "modularity": 0.75,
    "modularity_active": 1,
    "explicitness": 1,
    "sap_r2": 1,
    "irs": 1,
    "dci_disentanglement": 1,
    "dci_completeness": 1,
    "dci_informativeness": 1,
    "beta_vae_score": 1,
    "factor_vae_score": 1,
    "gaussian_total_correlation": 0,
    "gaussian_wasserstein_correlation": 0,
    "gaussian_wasserstein_correlation_norm": 0,
    "mutual_information_score": 0,
    "info_m": 1,
    "info_c": 1,
    "info_e": 1,
    **{f"info_{of}{rule}": 1 for of in "mc" for rule in ("_eighth", "_iqr")},
    **{f"mcc_{kind}{rows}": 1 for kind in ("pearson", "spearman") for rows in ("", "_all_rows")},
    "r2_linear": 1,
    "active_units": 3,
    "total_correlation": 0,
}


@pytest.mark.parametrize("value", PERFECT)
def test_codes_equal_to_the_factors(value):
    found = measure(metric_of(value), perfect()).values[value]
    assert found == pytest.approx(PERFECT[value], abs=0.02 if value.startswith("info") else 1e-3)


GUESSING = np.mean([1 / n for n in SIZES])
CHANCE = {
    "mig": 0,
    "mig_chen": 0,
    "mig_sup": 0,
    "dcimig": 0,
    "explicitness": 0.5,
    "sap": 0,
    "sap_r2": 0,
    "dci_disentanglement": 0,
    "dci_completeness": 0,
    "dci_informativeness": GUESSING,
    "beta_vae_score": 1 / 3,
    "factor_vae_score": 1 / 3,
    "info_e": 0,
    "mcc_pearson": 0,
    "mcc_spearman": 0,
    "r2_linear": 0,
}


@pytest.mark.parametrize("value", CHANCE)
def test_codes_independent_of_the_factors(value):
    found = measure(metric_of(value), independent()).values[value]
    assert found == pytest.approx(CHANCE[value], abs=0.05)


@pytest.mark.parametrize("name", ["mig", "mig_chen", "sap", "sap_r2"])
def test_doubling_every_latent_sends_the_gap_to_zero(name):
    table = perfect(dead=0)
    twice = representation(np.hstack([table.mean, table.mean]), table.factors)
    assert measure(name, twice).values[name] == pytest.approx(0, abs=1e-6)


def test_rotating_two_latents_halves_what_each_says_of_its_factor():
    table = perfect(dead=0)
    turned = table.mean.copy()
    a, b = (table.mean[:, [0, 1]] - table.mean[:, [0, 1]].mean(0)).T
    turned[:, 0], turned[:, 1] = a + b, a - b
    found = measure("sap_r2", representation(turned, table.factors)).detail["per_factor"]
    assert found == pytest.approx([0, 0, 1], abs=1e-6)


DEPENDENT = [[0, 0, 0], [1, 0, 1], [0, 1, 1], [1, 1, 2], [3, 1, 4]]  # the last is the others' sum


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_gaussian_total_correlation_of_dependent_latents_is_infinite_in_any_order(order):
    codes = np.array(DEPENDENT)[:, order]
    found = measure("gaussian_correlation", representation(codes, np.zeros((5, 1), int)))
    assert found.values["gaussian_total_correlation"] == math.inf
    table = noisy()
    twice = representation(np.hstack([table.mean, table.mean]), table.factors)
    found = measure("gaussian_correlation", twice).values
    assert found["gaussian_total_correlation"] == math.inf


def test_a_rare_class_is_known_from_a_small_latent():
    """The product of two variances may be below the bound where neither is."""
    rare = np.arange(200) < 2
    noise = np.random.default_rng(0).standard_normal((200, 2))
    codes = np.column_stack([3e-5 * rare, np.zeros(200)]) + noise * [1e-7, 1e-5]
    small, large = (
        measure("sap_r2", representation(scale * codes, rare[:, None].astype(int))).values["sap_r2"]
        for scale in (1, 1e3)
    )
    assert small == pytest.approx(large, rel=1e-4)
    assert small > 0.9


def test_correlated_codes_have_the_total_correlation_and_distance_of_gaussians():
    covariance = np.array([[1.0, 0.6], [0.6, 1.0]])
    codes = np.linalg.cholesky(covariance) @ np.array([[1, 1, -1, -1], [1, -1, 1, -1]])
    codes = codes.T * math.sqrt(3 / 4)  # the covariance divides by n - 1
    found = measure("gaussian_correlation", representation(codes, np.zeros((4, 1), int))).values
    assert found["gaussian_total_correlation"] == pytest.approx(-math.log(1 - 0.36) / 2, abs=1e-6)
    distance = 4 - 2 * (math.sqrt(1.6) + math.sqrt(0.4))
    assert found["gaussian_wasserstein_correlation"] == pytest.approx(distance, abs=1e-6)


def test_information_by_neighbours_is_that_of_scikit_learn():
    table = noisy()
    z, factors = table.mean.astype(np.float64), table.factors
    for k in range(3):
        expected = mutual_info_classif(z, factors[:, k], n_neighbors=10, random_state=0)
        found = [neighbour_information(x, factors[:, k], 10) for x in z.T]
        assert found == pytest.approx(expected, abs=1e-3)


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    table, rng = noisy(), np.random.default_rng(0)
    latents = (table.codes, table.factors, table.categories)
    found = explicitness(*latents, held_out=False, rng=rng).detail["per_factor"]
    z = StandardScaler().fit_transform(table.codes.astype(np.float64))
    for k in range(3):
        p = LogisticRegression().fit(z, table.factors[:, k]).predict_proba(z)
        expected = roc_auc_score(table.factors[:, k], p, multi_class="ovr")
        assert found[k] == pytest.approx(expected, abs=1e-3)


def test_the_elbo_is_minus_distortion_minus_rate():
    found = measure("elbo", noisy()).values
    rate = measure("decomposition", noisy()).values["rate"]
    assert found["elbo"] == pytest.approx(-found["distortion"] - rate)
