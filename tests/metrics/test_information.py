"""Binned mutual information and what is made of it, where arithmetic gives the very value."""

import numpy as np
import pytest

from disentbench.metrics._information import mutual_information
from disentbench.posterior.from_arrays import represent
from disentbench.scoring.scores import measure

QUICK = ("mig", "mig_sup", "dcimig", "modularity", "sap_r2", "irs", "gaussian_correlation")


def full_grid(rng):
    """A row, or a few equal ones, for every combination of factors of random sizes."""
    sizes = rng.integers(2, 7, rng.integers(2, 4))
    return np.tile(np.indices(sizes).reshape(len(sizes), -1).T, (rng.integers(1, 4), 1))


def test_a_constant_latent_is_modular_nowhere():
    factors = np.array([[1, 3], [0, 2], [2, 1], [1, 0], [3, 3], [2, 3]])
    found = measure("modularity", represent(np.zeros((6, 1)), factors)).values
    assert found == {"modularity": 0, "modularity_active": 0}


def test_independence_is_no_information_at_all():
    rng = np.random.default_rng(0)
    for _ in range(400):
        factors = full_grid(rng)
        with_constant = np.hstack([factors, np.full((len(factors), 1), 3)])
        found = mutual_information(with_constant, factors)
        assert np.array_equal(found != 0, np.eye(*found.shape, dtype=bool))


@pytest.mark.parametrize("name", QUICK)
def test_constant_latents_score_nothing_on_any_grid(name):
    rng = np.random.default_rng(1)
    for _ in range(10):
        factors = full_grid(rng)
        codes = np.ones((len(factors), 2)) * rng.standard_normal(2)
        assert set(measure(name, represent(codes, factors)).values.values()) == {0}


def mig_sup(codes, factors):
    return measure("mig_sup", represent(codes, factors)).values


def test_mig_sup_of_perfect_and_dead_latents():
    factors = np.tile(np.indices((2, 3, 4, 5)).reshape(4, -1).T, (3, 1))
    codes = np.hstack([factors, np.zeros((len(factors), 2))])
    assert mig_sup(codes, factors) == pytest.approx({"mig_sup": 4 / 6, "mig_sup_li2020": 1})


def test_mig_sup_of_a_latent_that_knows_two_factors():
    """It is both factors: I / H(v) is 1 twice, while I / H(code) are log 4 and log 2 over log 8."""
    factors = np.tile(np.indices((2, 4)).reshape(2, -1).T, (5, 1))
    both = (4 * factors[:, :1] + factors[:, 1:]).astype(float)
    assert mig_sup(both, factors) == pytest.approx(
        {"mig_sup": 1 / 3, "mig_sup_li2020": 0}, abs=1e-9
    )


def test_mig_sup_of_latents_that_hardly_vary():
    factors = np.tile(np.indices((2, 4)).reshape(2, -1).T, (5, 1))
    assert mig_sup(0.01 * factors, factors) == pytest.approx({"mig_sup": 1, "mig_sup_li2020": 0})


def test_jemmig_of_a_constant_code_is_no_zero():
    factors = np.indices((4, 5)).reshape(2, -1).T
    expected = np.mean([np.log(20) / (np.log(n) + np.log(20)) for n in (4, 5)])
    found = measure("jemmig", represent(np.full((20, 1), 0.3), factors)).values["jemmig"]
    assert found == pytest.approx(expected)


def test_irs_is_negative_where_the_classes_spread_more_than_the_whole():
    """Class 0 is 1 but for a tenth at -1, class 1 its mirror: 1.8 from their means, 1 from all."""
    z = np.concatenate([np.repeat([1, -1], [90, 10]), np.repeat([-1, 1], [90, 10])])
    factors = np.repeat([0, 1], 100)[:, None]
    found = measure("irs", represent(z[:, None].astype(float), factors)).values["irs"]
    assert found == pytest.approx(1 - 1.8)


def test_irs_counts_every_class_of_a_factor_of_many():
    """A latent that is one of 40 classes is fixed by it, though 20 bins would merge them."""
    factors = np.repeat(np.arange(40), 3)[:, None]
    assert measure("irs", represent(factors.astype(float), factors)).values["irs"] == 1
