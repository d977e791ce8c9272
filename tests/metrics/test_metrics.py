"""What holds for every metric in the folder, and what mathematics says of a few tables."""

import inspect
import math
from dataclasses import replace
from functools import cache, partial
from itertools import permutations

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from disentbench import plugins
from disentbench.metrics.explicitness import explicitness
from disentbench.metrics.info import neighbour_information
from disentbench.posterior.representation import Representation
from disentbench.scoring.companions import comparing, summaries
from disentbench.scoring.scores import measure
from disentbench.seeds import generator

pytestmark = pytest.mark.usefixtures("few_trees")

METRICS = plugins.names("metrics")
SIZES = (3, 4, 5)


def parameters(name):
    return inspect.signature(plugins.load("metrics", name).compute).parameters


def representation(mean, factors, logvar=None):
    mean = np.asarray(mean, np.float32)
    logvar = np.full(mean.shape, -4.0, np.float32) if logvar is None else logvar
    distortion = np.linspace(50, 60, len(mean)).astype(np.float32)
    return in_company(Representation(mean, factors, logvar, distortion=distortion))


def in_company(run):
    """With another run beside it, which knows the same and half as much again of noise."""
    noise = np.random.default_rng(9).standard_normal(run.mean.shape)
    other = run.mean + run.mean.std(0) / 2 * noise
    posterior = run.posterior._replace(mean=np.float32(other))
    return replace(
        run, companions=[summaries(posterior, comparing(METRICS), partial(generator, 0))]
    )


def grid(repeats=10):
    return np.tile(np.indices(SIZES).reshape(3, -1).T, (repeats, 1))


def perfect(dead=1):
    factors = grid()
    constant = np.zeros((len(factors), dead))
    return representation(np.hstack([factors, constant]), factors)


def noisy(seed=0, latents=4):
    """Latents that know a little of each factor, on a table that is no grid."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, SIZES, (600, 3))
    factors[:300, 1] = factors[:300, 0]
    mean = (factors - 2) @ rng.standard_normal((3, latents)) + rng.standard_normal((600, latents))
    return representation(mean, factors)


def independent():
    factors = grid(30)
    rng = np.random.default_rng(3)
    return representation(rng.standard_normal((len(factors), 4)), factors)


def change(original, *, rows=None, latents=None, sign=1):
    rows = slice(None) if rows is None else rows
    latents = slice(None) if latents is None else latents
    return Representation(
        sign * original.mean[rows][:, latents],
        original.factors[rows],
        original.logvar[rows][:, latents],
        distortion=original.distortion[rows],
        companions=[
            {name: each[rows] for name, each in kept.items()} for kept in original.companions
        ],
    )


@cache
def of_noisy(name):
    """What the metric finds of the noisy table; most tests change that and compare."""
    return measure(name, noisy()).values


def assert_same(name, one, other):
    """The same up to rounding; up to its sampling for a metric that draws rows or noise."""
    other = measure(name, other).values
    samples = "rng" in parameters(name)
    for value in one:
        assert one[value] == pytest.approx(other[value], abs=0.06 if samples else 1e-6, rel=1e-6)


@pytest.fixture(params=METRICS)
def name(request):
    return request.param


def test_values_are_those_declared_and_in_range(name):
    declared = plugins.load("metrics", name).values
    found = of_noisy(name)
    assert list(found) == [v.name for v in declared]
    for v in declared:
        assert v.low - 0.02 <= found[v.name] <= v.high + 0.02


def test_the_same_seed_gives_the_same_numbers(name):
    assert measure(name, noisy()).values == of_noisy(name)


def test_permuting_latents_changes_nothing(name):
    assert_same(name, of_noisy(name), change(noisy(), latents=[2, 0, 3, 1]))


def test_negating_latents_changes_nothing(name):
    assert_same(name, of_noisy(name), change(noisy(), sign=-1))


def test_shuffling_rows_changes_nothing(name):
    rows = np.random.default_rng(5).permutation(600)
    assert_same(name, of_noisy(name), change(noisy(), rows=rows))


def with_discrete_group(mean):
    table = noisy()
    logits = {"shape": np.float32(4 * np.eye(3)[table.factors[:, 0]])}
    return replace(representation(mean, table.factors), logits=logits, groups={"rest": [0, 1]})


DEGENERATE = {
    "a discrete group": lambda: with_discrete_group(noisy().mean),
    "a discrete group alone": lambda: replace(with_discrete_group(np.zeros((600, 0))), groups={}),
    "nine rows": lambda: change(noisy(), rows=slice(9)),
    "dead latents": lambda: representation(
        noisy().mean * [1, 0, 0, 1], noisy().factors, noisy().logvar * np.float32([1, 0, 0, 1])
    ),
    "all latents constant": lambda: representation(np.full((600, 4), 3.0), noisy().factors),
    "fewer latents than factors": lambda: noisy(latents=2),
    "one latent": lambda: noisy(latents=1),
    "one factor": lambda: representation(noisy().mean, noisy().factors[:, :1]),
    "a factor of one class": lambda: representation(noisy().mean, noisy().factors * [1, 0, 1]),
    "no factor varies": lambda: representation(noisy().mean, noisy().factors * 0),
    "one latent, one factor": lambda: representation(
        noisy(latents=1).mean, noisy(latents=1).factors[:, :1]
    ),
    "a class that one row has": lambda: representation(
        noisy().mean, np.where(np.arange(600)[:, None] == 7, 6, noisy().factors)
    ),
    "a large offset": lambda: representation(noisy().mean + 1e4, noisy().factors),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_every_table_has_a_finite_score(name, case):
    found = measure(name, DEGENERATE[case]())
    assert all(math.isfinite(v) for v in found.values.values())
    assert all(np.isfinite(a).all() for a in found.detail.values())


EXACT = [n for n in METRICS if "rng" not in parameters(n) and "factors" in parameters(n)]


@pytest.mark.parametrize("name", EXACT)
def test_a_factor_of_one_class_is_left_out(name):
    table = noisy()
    with_constant = representation(table.mean, table.factors * [1, 0, 1])
    without = representation(table.mean, table.factors[:, [0, 2]])
    assert_same(name, measure(name, with_constant).values, without)


def metric_of(value):
    """The metric that gives this value."""
    return next(n for n in METRICS if value in {v.name for v in plugins.load("metrics", n).values})


# Not those that average over latents, or whose scale is the number of latents.
BLIND_TO_DEAD_LATENTS = [
    *("mig", "mig_chen", "dcimig", "jemmig", "explicitness", "sap_r2", "irs", "active_units"),
    *("factor_vae_score", "beta_vae_score", "modularity_active", "dci_disentanglement"),
    *("info_m", "info_c", "info_e"),
    *("gaussian_total_correlation", "gaussian_wasserstein_correlation_norm"),
]


@pytest.mark.parametrize("value", BLIND_TO_DEAD_LATENTS)
def test_a_dead_latent_changes_nothing(value):
    table, name = noisy(), metric_of(value)
    dead = representation(np.hstack([np.zeros((600, 1)), table.mean]), table.factors)
    tolerance = 0.03 if "rng" in parameters(name) else 1e-6
    alone = of_noisy(name)[value]
    assert measure(name, dead).values[value] == pytest.approx(alone, abs=tolerance)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_the_precision_of_the_file_changes_nothing(name, dtype):
    if "distortion" not in parameters(name):
        assert_same(name, of_halves(name), halves(dtype))


@cache
def of_halves(name):
    return measure(name, halves(np.float32)).values


def halves(dtype):
    """The noisy table with numbers that all types can hold."""
    table = noisy()
    mean = table.mean.astype(np.float16).astype(dtype)
    logvar = table.logvar.astype(dtype)
    return Representation(mean, table.factors, logvar, companions=table.companions)


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
