"""Discrete groups of latents are categories: classes without an order, and perhaps without use."""

import numpy as np
import pytest

from disentbench import plugins
from disentbench.posterior.from_arrays import represent
from disentbench.scoring.scores import coded, measure, needs

OF_CODES = [
    name
    for name in plugins.names("metrics")
    if {"codes", "factors"} <= set(needs(name)) and "posterior" not in needs(name)
]
NOTHING = {"explicitness": 0.5}  # what a constant code scores, where that is not 0


def grid(*sizes, repeats=10):
    return np.tile(np.indices(sizes).reshape(len(sizes), -1).T, (repeats, 1))


def one_hot(classes):
    return np.eye(classes.max() + 1)[classes]


def only_groups(factors, sharpness=12.0):
    """A discrete group for each factor, and a Gaussian latent that knows nothing."""
    logits = {f"g{k}": sharpness * one_hot(v) for k, v in enumerate(factors.T)}
    dead = np.zeros((len(factors), 1))
    return represent(dead, factors, logvar=dead, logits=logits)


@pytest.mark.parametrize("classes", [2, 20, 21, 64])
def test_a_perfect_code_of_any_number_of_classes(classes):
    run = only_groups(grid(classes, 3))
    exact = {
        **{"mig": 1, "dcimig": 1, "jemmig": 1, "modularity_active": 1, "mig_sup_li2020": 1},
        **{"mig_sup": 2 / 3, "modularity": 2 / 3},  # the dead latent is one of three
        **{"sap_r2": 1, "irs": 1, "active_units": 2, "r2_linear": 1},
        **{"mcc_pearson": 1, "mcc_spearman": 1, "mcc_pearson_all_rows": 1},
    }
    found = {
        value: measure(name, run).values[value]
        for value in exact
        for name in plugins.names("metrics")
        if value in {v.name for v in plugins.load("metrics", name).values}
    }
    assert found == pytest.approx(exact, abs=1e-6)


PREDICTED = {
    **{"dci_disentanglement": 1, "dci_completeness": 1, "dci_informativeness": 1},
    **{"explicitness": 1, "info_m": 1, "info_e": 1, "info_c": 1},
    **{f"info_{of}{rule}": 1 for of in "mc" for rule in ("_eighth", "_iqr")},
    **{"beta_vae_score": 1, "factor_vae_score": 1},
}


@pytest.mark.parametrize(
    "name", ["dci", "explicitness", "info", "beta_vae_score", "factor_vae_score"]
)
def test_a_perfect_code_of_21_classes_for_predictors_and_interventions(name):
    found = measure(name, only_groups(grid(21, 3))).values
    assert found == pytest.approx({value: PREDICTED[value] for value in found}, abs=0.01)


@pytest.mark.parametrize("name", OF_CODES)
def test_a_collapsed_group_is_known_for_nothing(name):
    """Logits of 1e-6 name the class in every image, and say nothing: the KL is 1e-13."""
    run = only_groups(grid(3, 4), sharpness=1e-6)
    found = measure(name, run).values
    guessing = (1 / 3 + 1 / 4) / 2
    by_frequency = {"dci_informativeness": guessing, "beta_vae_score": 0.5}
    by_mean = {"r2_linear": 0, "r2_trees": 0}  # of the fitted rows, not of those that are scored
    by_definition = {"jemmig": np.mean([np.log(20) / np.log(20 * n) for n in (3, 4)])}
    expected = NOTHING | by_frequency | by_mean | by_definition
    for value, score in found.items():
        sampled = 0.1 if value in by_frequency | by_mean else 1e-9
        assert score == pytest.approx(expected.get(value, 0), abs=sampled)


def test_activity_is_the_variance_of_the_class_probabilities():
    """Of K equally probable classes known for certain it is 1 - 1 / K, summed over the classes."""
    run = only_groups(grid(3, 200, repeats=1), sharpness=40)
    assert run.variance == pytest.approx([0, 2 / 3, 199 / 200])
    assert measure("active_units", run).values["active_units"] == 2
    collapsed = only_groups(grid(3, 4), sharpness=0.1)
    assert not collapsed.categories.any()
    assert measure("active_units", collapsed).values["active_units"] == 0


def test_activity_is_the_posteriors_when_the_codes_are_drawn():
    """Three latents in use; four and a group that are the prior, of which samples vary most."""
    factors = grid(3, 4, 5)
    used = (factors - factors.mean(0)) / factors.std(0)
    dead = np.zeros((len(factors), 4))
    arrays = {"mean": np.hstack([used, dead]), "logvar": np.hstack([used * 0 - 4, dead])}
    uniform = {"shape": np.zeros((len(factors), 3))}
    run = coded(represent(**arrays, factors=factors, logits=uniform), "sampled", 0)
    assert run.codes[:, 3:].var() > 0.9
    assert set(run.categories.ravel()) == {0, 1, 2}
    assert measure("active_units", run).values["active_units"] == 3
    modularity = measure("modularity", run)
    expected = modularity.detail["per_latent"][:3].mean()
    assert modularity.values["modularity_active"] == pytest.approx(expected)
    assert set(np.flatnonzero(measure("info", run).detail["mutual_information"].any(1))) == {
        0,
        1,
        2,
    }
    assert not measure("factor_vae_score", run).detail["votes"][3:].any()


def test_a_group_of_few_classes_counts_as_a_latent_of_few_values():
    """Whether a code of four values is four numbers or four classes is no matter of information."""
    rng = np.random.default_rng(0)
    factors = grid(3, 4)
    code = np.where(rng.random(len(factors)) < 0.3, rng.integers(0, 4, len(factors)), factors[:, 1])
    mean = rng.standard_normal((len(factors), 2))
    group = represent(mean, factors, logits={"side": 12 * one_hot(code)})
    latent = represent(np.hstack([mean, code[:, None]]), factors)
    for name in ("mig", "mig_sup", "dcimig", "jemmig", "modularity"):
        found, expected = measure(name, group).values, measure(name, latent).values
        assert found == pytest.approx(expected, abs=1e-9)


def test_the_correlation_ratio_is_that_of_analysis_of_variance():
    """Classes 0, 1, 2 with means 0, 2, 1 of the factor: of variance 1 + 2/3, 2/3 is between."""
    classes = np.repeat([0, 1, 2], 2)
    factors = (np.array([0, 2, 1])[classes] + np.tile([-1, 1], 3) + 1)[:, None]
    run = represent(np.zeros((6, 1)), factors, logits={"g": 9 * one_hot(classes)})
    assert measure("sap_r2", run).detail["r2"][1, 0] == pytest.approx((2 / 3) / (5 / 3))


def test_the_importance_of_a_group_is_the_sum_over_its_classes():
    importance = measure("dci", only_groups(grid(5, 3))).detail["importance"]
    assert importance == pytest.approx(np.array([[0, 0], [1, 0], [0, 1]]), abs=0.01)
