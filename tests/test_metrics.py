"""What holds for every metric in the folder, and what mathematics says of a few tables."""

import inspect
import math

import numpy as np
import pytest
from scoring import score

from disentbench import plugins
from disentbench.representation import Representation

METRICS = plugins.names("metrics")
SIZES = (3, 4, 5)


def parameters(name):
    return inspect.signature(plugins.load("metrics", name).compute).parameters


def representation(mean, factors, logvar=None):
    mean = np.asarray(mean, np.float32)
    logvar = np.full(mean.shape, -4.0, np.float32) if logvar is None else logvar
    distortion = np.linspace(50, 60, len(mean)).astype(np.float32)
    return Representation(mean, factors, logvar, distortion=distortion)


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
    )


def assert_same(name, one, other):
    """The same up to rounding; up to its sampling for a metric that draws rows or noise."""
    one, other = score(name, one).values, score(name, other).values
    samples = "rng" in parameters(name)
    for value in one:
        assert one[value] == pytest.approx(other[value], abs=0.06 if samples else 1e-6, rel=1e-6)


@pytest.fixture(params=METRICS)
def name(request):
    return request.param


def test_values_are_those_declared_and_in_range(name):
    declared = plugins.load("metrics", name).values
    found = score(name, noisy()).values
    assert list(found) == [v.name for v in declared]
    for v in declared:
        assert v.low - 0.02 <= found[v.name] <= v.high + 0.02


def test_the_same_seed_gives_the_same_numbers(name):
    assert score(name, noisy()).values == score(name, noisy()).values


def test_permuting_latents_changes_nothing(name):
    assert_same(name, noisy(), change(noisy(), latents=[2, 0, 3, 1]))


def test_negating_latents_changes_nothing(name):
    assert_same(name, noisy(), change(noisy(), sign=-1))


def test_shuffling_rows_changes_nothing(name):
    rows = np.random.default_rng(5).permutation(600)
    assert_same(name, noisy(), change(noisy(), rows=rows))


DEGENERATE = {
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
    found = score(name, DEGENERATE[case]())
    assert all(math.isfinite(v) for v in found.values.values())
    assert all(np.isfinite(a).all() for a in found.detail.values())


def test_a_factor_of_one_class_is_left_out():
    table = noisy()
    with_constant = representation(table.mean, table.factors * [1, 0, 1])
    without = representation(table.mean, table.factors[:, [0, 2]])
    for name in ("mig", "mig_chen"):
        value = plugins.load("metrics", name).values[0].name
        alone = score(name, without).values[value]
        assert score(name, with_constant).values[value] == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_the_precision_of_the_file_changes_nothing(name, dtype):
    table = noisy()
    halves = table.mean.astype(np.float16)
    one = Representation(halves.astype(dtype), table.factors, table.logvar.astype(dtype))
    other = Representation(halves.astype(np.float32), table.factors, table.logvar)
    if "distortion" not in parameters(name):
        assert_same(name, one, other)


PERFECT = {"mig": 1, "mig_chen": 1, "active_units": 3}


@pytest.mark.parametrize("value", PERFECT)
def test_codes_equal_to_the_factors(value):
    name = next(n for n in METRICS if value in {v.name for v in plugins.load("metrics", n).values})
    assert score(name, perfect()).values[value] == pytest.approx(PERFECT[value], abs=1e-3)


CHANCE = {"mig": 0, "mig_chen": 0}


@pytest.mark.parametrize("value", CHANCE)
def test_codes_independent_of_the_factors(value):
    name = next(n for n in METRICS if value in {v.name for v in plugins.load("metrics", n).values})
    assert score(name, independent()).values[value] == pytest.approx(CHANCE[value], abs=0.03)


def test_doubling_every_latent_sends_the_gap_to_zero():
    table = perfect(dead=0)
    twice = representation(np.hstack([table.mean, table.mean]), table.factors)
    assert score("mig", twice).values["mig"] == pytest.approx(0, abs=1e-9)
    assert score("mig_chen", twice).values["mig_chen"] == pytest.approx(0, abs=1e-6)


def test_the_elbo_is_minus_distortion_minus_rate():
    found = score("elbo", noisy()).values
    rate = score("decomposition", noisy()).values["rate"]
    assert found["elbo"] == pytest.approx(-found["distortion"] - rate)
