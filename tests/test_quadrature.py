"""Densities of one latent where mathematics or a dense sum knows the answer."""

import math

import numpy as np
import pytest
from scipy.special import entr
from scipy.stats import norm

from disentbench.quadrature import marginal

UNIT_ENTROPY = (math.log(2 * math.pi) + 1) / 2


def test_marginal_densities_equal_a_dense_sum_for_widths_from_a_thousandth_to_one():
    rng = np.random.default_rng(7)
    mean, sigma = rng.uniform(-3, 3, 300), 10 ** rng.uniform(-3, 0, 300)
    classes = rng.integers(1, 4, (300, 1))
    found = marginal(mean, 2 * np.log(sigma), classes)
    grid = np.linspace(found.grid[0], found.grid[-1], 50_000)
    for column in range(4):
        chosen = slice(None) if column == 0 else classes[:, 0] == column
        density = norm.pdf(grid[:, None], mean[chosen], sigma[chosen]).mean(1)
        entropy = entr(density).sum() * (grid[1] - grid[0])
        assert found.entropy[column] == pytest.approx(entropy, abs=1e-4)


@pytest.mark.parametrize("sigma", [1e-3, 0.02, 1.0, 30.0])
def test_a_marginal_of_one_component_is_gaussian(sigma):
    found = marginal(np.full(5, 2.0), np.full(5, 2 * math.log(sigma)))
    assert found.entropy[0] == pytest.approx(UNIT_ENTROPY + math.log(sigma), abs=1e-6)
    assert found.density[:, 0].sum() * found.step == pytest.approx(1, abs=1e-6)


def test_posteriors_too_narrow_for_a_grid_have_no_entropy():
    with pytest.warns(UserWarning, match="as narrow as 2.1e-09"):
        found = marginal(np.array([0.0, 1.0]), np.full(2, -40.0))
    assert np.isnan(found.entropy).all()
