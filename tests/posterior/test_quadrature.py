"""Entropies of one latent where mathematics or a dense sum knows the answer."""

import math

import numpy as np
import pytest
from scipy.special import entr
from scipy.stats import norm

from disentbench.posterior import quadrature
from disentbench.posterior.quadrature import Draws, marginal

UNIT_ENTROPY = (math.log(2 * math.pi) + 1) / 2


def logvar(sigma):
    return 2 * np.log(sigma)


def by_panels(mean, sigma):
    """The entropy by Gauss-Legendre on panels between all points at 1, 2, 3, 5 and 8 sigma."""
    offsets = np.array([-8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8])
    edges = np.unique(mean[:, None] + sigma[:, None] * offsets)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    z = edges[:-1, None] + half * (1 + nodes)
    density = np.mean([norm.pdf(z, m, s) for m, s in zip(mean, sigma, strict=True)], axis=0)
    return (entr(density) * weights * half).sum()


def test_entropies_equal_a_dense_sum_for_widths_from_a_thousandth_to_one():
    rng = np.random.default_rng(7)
    mean, sigma = rng.uniform(-3, 3, 90), 10 ** rng.uniform(-3, 0, 90)
    classes = rng.integers(1, 4, (90, 1))
    found = marginal(mean, logvar(sigma), classes)
    grid = np.linspace(-8, 8, 40_000)
    for column in range(4):
        chosen = slice(None) if column == 0 else classes[:, 0] == column
        density = norm.pdf(grid[:, None], mean[chosen], sigma[chosen]).mean(1)
        entropy = entr(density).sum() * (grid[1] - grid[0])
        assert found.entropy[column] == pytest.approx(entropy, abs=1e-4)


@pytest.mark.parametrize("sigma", [1e-40, 1e-12, 1e-3, 0.02, 1.0, 30.0, 1e9])
def test_a_marginal_of_one_component_is_gaussian(sigma):
    found = marginal(np.full(5, 2.0), np.full(5, logvar(sigma)))
    assert found.entropy[0] == pytest.approx(UNIT_ENTROPY + math.log(sigma), abs=3e-6)


@pytest.mark.parametrize("narrow", [0.05, 6e-4, 1e-5])
@pytest.mark.parametrize("count", [1, 20, 40])
def test_narrow_components_among_wide_ones_equal_a_sum_over_panels(narrow, count):
    rng = np.random.default_rng(3)
    mean, sigma = rng.uniform(-2, 2, 40), rng.uniform(0.7, 1.3, 40)
    sigma[:count] *= narrow
    classes = np.arange(40)[:, None] % 2 + 1  # each has some of both kinds, or of one
    found = marginal(mean, logvar(sigma), classes)
    for column, rows in enumerate((slice(None), slice(0, None, 2), slice(1, None, 2))):
        expected = by_panels(mean[rows], sigma[rows])
        assert found.entropy[column] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("ratio", [1e-7, 1e-9, 1e-28])
@pytest.mark.parametrize("count", [1, 120, 239])
def test_components_of_other_scales_add_their_entropies(ratio, count):
    """H = sum_k w_k H_k - w_k log w_k: the narrow ones cover next to nothing of the wide ones."""
    sigma = np.where(np.arange(240) < count, ratio, 1.0)
    apart = np.where(sigma < 1, np.linspace(-2, 2, 240), 0.5)
    w = count / 240
    h_narrow = UNIT_ENTROPY + math.log(ratio) + math.log(count)
    expected = w * h_narrow + (1 - w) * UNIT_ENTROPY + entr([w, 1 - w]).sum()
    overlap = 10 * count * ratio
    found = marginal(apart, logvar(sigma)).entropy[0]
    assert found == pytest.approx(expected, abs=1e-5 + overlap)


@pytest.mark.parametrize("sigma", [1e-4, 1e-6, 1e-16, 1e-28])
def test_narrow_components_that_lie_apart_have_the_entropy_of_one_and_of_their_number(sigma):
    mean = np.repeat(np.float32(np.linspace(-3, 3, 400)), 2)  # every place twice
    classes = np.arange(800)[:, None] % 2 + 1
    one = UNIT_ENTROPY + math.log(sigma)
    found = marginal(mean, np.full(800, logvar(sigma)), classes).entropy
    assert found == pytest.approx(np.full(3, one + math.log(400)), abs=1e-5)


def test_scales_within_scales():
    """Equal weights at 1, 1e-5, 1e-10 and 1e-15, one inside the other."""
    sigma = 10.0 ** -np.array([0, 5, 10, 15])
    expected = UNIT_ENTROPY + np.log(sigma).mean() + math.log(4)
    found = marginal(np.full(4, 0.3), logvar(sigma)).entropy[0]
    assert found == pytest.approx(expected, abs=3e-4)


def test_one_wide_component_among_narrow_ones():
    sigma = np.where(np.arange(50) == 7, 1e9, 1.0)
    w = 1 / 50
    wide, others = UNIT_ENTROPY + math.log(1e9), UNIT_ENTROPY
    expected = w * wide + (1 - w) * others + entr([w, 1 - w]).sum()
    assert marginal(np.zeros(50), logvar(sigma)).entropy[0] == pytest.approx(expected, abs=1e-5)


def test_columns_that_do_not_fit_in_memory_at_once_follow_one_another(monkeypatch):
    rng = np.random.default_rng(7)
    mean, width = rng.uniform(-3, 3, 300), rng.uniform(-8, 0, 300)
    classes = np.stack([rng.integers(1, 4, 300), rng.integers(4, 9, 300)], axis=1)
    draws = Draws(np.arange(300), rng.standard_normal(300))
    together = marginal(mean, width, classes, draws=draws)
    monkeypatch.setattr(quadrature, "LARGEST", 1)
    apart = marginal(mean, width, classes, draws=draws)
    assert apart.entropy == pytest.approx(together.entropy, abs=1e-6)
    assert apart.log_density == pytest.approx(together.log_density, abs=1e-6)


@pytest.mark.parametrize("narrow", [1.0, 6e-4, 1e-9])
def test_log_density_at_draws_equals_the_sum_over_components(narrow):
    rng = np.random.default_rng(5)
    mean, sigma = rng.uniform(-2, 2, 60), rng.uniform(0.2, 1, 60)
    sigma[:6] *= narrow
    draws = Draws(rng.integers(0, 60, 3000), rng.standard_normal(3000))
    found = marginal(mean, logvar(sigma), draws=draws)
    away = sigma[draws.rows] * draws.noise
    off = (mean[draws.rows, None] - mean) + away[:, None]
    direct = np.log((norm.pdf(off / sigma) / sigma).mean(1))
    assert found.log_density == pytest.approx(direct, abs=1e-3)
    assert np.sqrt(np.mean((found.log_density - direct) ** 2)) < 1e-4
