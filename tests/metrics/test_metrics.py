"""What holds for every metric in the folder."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from builders.representations import METRICS, metric_of, noisy, parameters, representation

from disentbench import plugins
from disentbench.posterior.representation import Representation
from disentbench.scoring.scores import measure

pytestmark = pytest.mark.usefixtures("few_trees")


def change(original, *, rows=None, latents=None, sign=1):
    rows = slice(None) if rows is None else rows
    latents = slice(None) if latents is None else latents
    return Representation(
        sign * original.mean[rows][:, latents],
        original.factors[rows],
        original.logvar[rows][:, latents],
        distortion=original.distortion[rows],
        held_out=original.held_out[rows],
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


# What is told apart by factors where none varies.
UNDEFINED = {("held_out", "no factor varies"): ("mig_seen", "mig_held_out")}


@pytest.mark.parametrize("case", DEGENERATE)
def test_every_table_has_a_finite_score(name, case):
    found = measure(name, DEGENERATE[case]())
    none = UNDEFINED.get((name, case), ())
    assert {value for value, v in found.values.items() if not math.isfinite(v)} == {*none}
    assert all(np.isfinite(a).all() for a in found.detail.values())


EXACT = [n for n in METRICS if "rng" not in parameters(n) and "factors" in parameters(n)]


@pytest.mark.parametrize("name", EXACT)
def test_a_factor_of_one_class_is_left_out(name):
    table = noisy()
    with_constant = representation(table.mean, table.factors * [1, 0, 1])
    without = representation(table.mean, table.factors[:, [0, 2]])
    assert_same(name, measure(name, with_constant).values, without)


# Not those that average over latents, or whose scale is the number of latents.
BLIND_TO_DEAD_LATENTS = [
    *("mig", "mig_chen", "dcimig", "jemmig", "explicitness", "sap_r2", "irs", "active_units"),
    *("factor_vae_score", "beta_vae_score", "modularity_active", "dci_disentanglement"),
    *("info_m", "info_c", "info_e", "info_m_eighth", "info_c_eighth", "info_m_iqr", "info_c_iqr"),
    *("mcc_pearson", "mcc_spearman", "mcc_pearson_all_rows", "mcc_spearman_all_rows"),
    *("r2_linear", "r2_trees"),
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
