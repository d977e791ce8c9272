"""What must change no metric: other names, another order, another origin. What may is listed."""

import inspect
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from disentbench import plugins
from disentbench.posterior.from_arrays import represent
from disentbench.scoring.scores import coded, measure, needs, score_file

pytestmark = pytest.mark.usefixtures("few_trees")

SIZES = (3, 4, 2)
ROWS, LATENTS = 300, 3
rng = np.random.default_rng(7)
FACTORS = rng.integers(0, SIZES, (ROWS, 3))
HELD_OUT = np.arange(ROWS) % 3 == 0
MEAN = (FACTORS - 1) @ rng.standard_normal((3, LATENTS)) + rng.standard_normal((ROWS, LATENTS))
LOGITS = {
    "shape": 3 * np.eye(3)[FACTORS[:, 0]] + rng.standard_normal((ROWS, 3)),
    "side": 2 * np.eye(4)[FACTORS[:, 1]] + rng.standard_normal((ROWS, 4)),
}
NAMES = [name for name in plugins.names("metrics") if "companions" not in needs(name)]
OF_CODES = [name for name in NAMES if "posterior" not in needs(name)]

# Why these values may change: nothing else may.
TAKES_CLASS_NUMBERS = {  # correlate with the number of a factor's class, or predict it
    *("sap_r2", "r2_linear", "r2_trees"),
    *(f"mcc_{kind}{rows}" for kind in ("pearson", "spearman") for rows in ("", "_all_rows")),
}
HAS_AN_ORIGIN = {
    "sap",  # its machine penalises the intercept
    *("rate", "dimension_wise_kl", "elbo", "elbo_seen", "elbo_held_out"),  # the prior's mean is 0
}


def table(**changed):
    arrays = {"mean": MEAN, "factors": FACTORS, "logits": LOGITS} | changed
    logvar = np.full_like(arrays["mean"], -3.0)
    distortion = np.linspace(50, 60, ROWS)
    return represent(**arrays, logvar=logvar, distortion=distortion, held_out=HELD_OUT)


@cache
def values(name, code="mean"):
    return measure(name, coded(table(), code, 0)).values


def assert_same(name, changed, may_change=(), code="mean"):
    """Up to rounding; to what sampling leaves where rows, pairs or ties are drawn."""
    samples = "rng" in inspect.signature(plugins.load("metrics", name).compute).parameters
    found = measure(name, coded(changed, code, 0)).values
    for value in set(found) - set(may_change):
        allowed = 0.06 if samples else 1e-6
        assert found[value] == pytest.approx(values(name, code)[value], abs=allowed, rel=1e-6)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_renaming_the_factors_classes(name):
    renamed = np.stack([np.roll(np.arange(9), 3)[v] for v in FACTORS.T], axis=1)
    renamed[:, 0] = np.array([1, 2, 0])[FACTORS[:, 0]]
    assert_same(name, table(factors=renamed), TAKES_CLASS_NUMBERS)


def relabelled(logits):
    turn = np.random.default_rng(1)
    return {g: each[:, turn.permutation(each.shape[1])] for g, each in logits.items()}


@pytest.mark.parametrize("code", ["mean", "sampled"])
@pytest.mark.parametrize("name", OF_CODES)
def test_renaming_a_discrete_groups_classes_changes_no_bit(name, code):
    changed = measure(name, coded(table(logits=relabelled(LOGITS)), code, 0)).values
    assert changed == values(name, code)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(OF_CODES)))
def test_renaming_a_discrete_groups_classes(name):
    assert_same(name, table(logits=relabelled(LOGITS)))


def test_equal_logits_are_decided_by_no_label():
    coarse = {g: np.round(each / 3) for g, each in LOGITS.items()}
    one, other = (measure("mig", table(logits=c)).values for c in (coarse, relabelled(coarse)))
    assert one == other


def test_permuting_latents_and_groups(name):
    swapped = dict(reversed(LOGITS.items()))
    assert_same(name, table(mean=MEAN[:, [2, 0, 1]], logits=swapped))


def test_equally_informative_latents_in_any_order():
    """On a full grid a constant and a code of another factor know nothing of the first, exactly."""
    factors = np.indices(SIZES).reshape(3, -1).T
    codes = np.stack([factors[:, 1], np.full(len(factors), 0.1)], axis=1).astype(float)
    for name in ("mig", "mig_sup", "dcimig", "jemmig", "modularity", "sap_r2", "irs"):
        one = measure(name, represent(codes, factors[:, [0, 2]])).values
        other = measure(name, represent(codes[:, ::-1], factors[:, [0, 2]])).values
        assert one == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize("offset", [-1e4, 1e8])
def test_moving_the_origin_of_every_latent(name, offset):
    moved = table(mean=MEAN + offset * np.array([1, 0.5, -0.25]))
    assert_same(name, moved, HAS_AN_ORIGIN)


def test_moving_the_origin_of_a_sample():
    assert_same("mig", table(mean=MEAN + 1e8), code="sampled")


def test_what_has_an_origin_says_so():
    metrics = [plugins.load("metrics", name) for name in OF_CODES]
    assert all("offset" in m.variant for m in metrics if HAS_AN_ORIGIN & {v.name for v in m.values})


def test_whole_numbers_far_from_zero_are_not_merged():
    moved = represent(FACTORS + 10**8, FACTORS)
    assert measure("mig", moved).values["mig"] > 0.99


def test_a_file_in_single_precision_keeps_its_bits():
    mean = MEAN.astype(np.float32)
    run = represent(mean, FACTORS)
    assert run.mean.dtype == run.codes.dtype == np.float32
    assert np.array_equal(run.codes, mean)
    assert np.array_equal(represent(mean.astype(np.float64), FACTORS).codes, mean)


def runs(tmp_path, mean):
    path = tmp_path / "runs.npz"
    logvar = np.full_like(mean, -3.0)
    np.savez(path, mean=mean, factors=FACTORS, logvar=logvar)
    every = score_file(path, [n for n in plugins.names("metrics") if "companions" in needs(n)])
    return {each.run: each.score.values for each in every}


def test_runs_in_any_order_and_far_from_zero(tmp_path):
    """A metric of one run sees no other; those that compare runs see a set of them."""
    noise = np.random.default_rng(2).standard_normal((3, *MEAN.shape))
    three = MEAN + noise * np.array([0, 0.5, 1])[:, None, None]
    found, turned = runs(tmp_path, three), runs(tmp_path, three[[2, 0, 1]])
    for run, place in {"0": "1", "1": "2", "2": "0"}.items():
        assert turned[place] == pytest.approx(found[run], abs=1e-6)
    moved = runs(tmp_path, three + 1e8)
    assert all(moved[run] == pytest.approx(found[run], abs=1e-6) for run in found)


def test_a_collapsed_group_is_a_dead_latent(name):
    """A posterior that says nothing: N(0, 1), or classes all but equally probable."""
    shape = np.eye(3)[FACTORS[:, 0]]
    group = represent(MEAN, FACTORS, logvar=MEAN * 0 - 3, logits={"shape": 1e-6 * shape})
    dead = np.zeros((ROWS, 1))
    latent = represent(np.hstack([MEAN, dead]), FACTORS, logvar=np.hstack([MEAN * 0 - 3, dead]))
    besides = {"distortion": np.float32(np.ones(ROWS)), "held_out": HELD_OUT}
    group, latent = (replace(run, **besides) for run in (group, latent))
    allowed = 1e-9 if name in OF_CODES else 0.01  # the decomposition draws z
    assert measure(name, group).values == pytest.approx(measure(name, latent).values, abs=allowed)


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_draws_wider_than_float32_are_scored(name):
    """Our own files hold such widths: a metric has a value, in range, and no infinite code."""
    factors = np.tile(np.indices((3, 4)).reshape(2, -1).T, (20, 1))
    logvar = np.tile(np.float32([180, -9]), (240, 1))
    run = represent(factors.astype(float), factors, logvar=logvar, widest=np.inf)
    drawn = coded(run, "sampled", 0)
    assert np.isfinite(drawn.codes).all()
    if not {"companions", "distortion"} & set(needs(name)):
        assert all(np.isfinite(v) for v in measure(name, drawn).values.values())
