"""The solids that rays meet: where they stand, how they are scaled and which way they face."""

from itertools import product

import numpy as np
import pytest

from disentbench.datasets._raycasting import SOLIDS, UP, entry, unit


@pytest.mark.parametrize("shape", range(4))
def test_a_solid_stands_on_the_floor_and_is_scaled_about_its_foot(shape):
    rng = np.random.default_rng(shape)
    eyes = unit(rng.normal(size=(3, 4000))) * 6
    rays = unit(rng.normal(size=eyes.shape) * 0.8 + UP - eyes)
    once = entry(SOLIDS[shape], 1.0, eyes, rays)
    assert np.isfinite(once).mean() > 0.3
    assert entry(SOLIDS[shape], 1.25, 1.25 * eyes, rays) == pytest.approx(1.25 * once, rel=1e-9)
    along = np.array([[1.0], [0.0], [0.0]])
    for scale, (y, met) in product((0.75, 1.25), ((1e-6, True), (-1e-6, False))):
        distance = entry(SOLIDS[shape], scale, np.array([[-9.0], [y], [0.0]]), along)
        assert np.isfinite(distance).all() == met


@pytest.mark.parametrize("shape", range(4))
def test_a_normal_is_upright_on_the_surface(shape):
    """Points that two neighbouring rays meet lie in a plane with it, but for the curvature."""
    rng = np.random.default_rng(shape)
    eyes = unit(rng.normal(size=(3, 4000)) + UP) * 6
    eyes[1] = np.abs(eyes[1])  # nobody looks from under the floor
    rays = unit(rng.normal(size=eyes.shape) * 0.5 + UP - eyes)
    first = entry(SOLIDS[shape], 1.0, eyes, rays)
    met = np.isfinite(first)
    point = (eyes + np.where(met, first, 0) * rays)[:, met]
    normal = SOLIDS[shape].normal(point)
    assert np.linalg.norm(normal, axis=0) == pytest.approx(np.ones(met.sum()))
    steep = -(normal * rays[:, met]).sum(axis=0)
    assert (steep > 0).all()
    for step in np.eye(3)[:, :, None] * 1e-5:
        beside = entry(SOLIDS[shape], 1.0, eyes + step, rays)[met]
        good = np.isfinite(beside) & (steep > 0.1)
        move = ((eyes + step)[:, met] + np.where(good, beside, 0) * rays[:, met] - point)[:, good]
        away = np.abs((move * normal[:, good]).sum(axis=0))
        assert np.quantile(away, 0.99) < 1e-7  # the rest crosses an edge
        assert np.linalg.norm(move, axis=0).max() > 1e-6


@pytest.mark.parametrize("shape", range(4))
def test_a_ray_that_begins_behind_a_solid_meets_it_only_backwards(shape):
    rng = np.random.default_rng(shape)
    eyes = unit(rng.normal(size=(3, 4000))) * 6
    rays = unit(rng.normal(size=eyes.shape) * 0.8 + UP - eyes)
    met = np.isfinite(entry(SOLIDS[shape], 1.25, eyes, rays))
    behind = eyes + 12 * rays
    assert np.isinf(entry(SOLIDS[shape], 1.25, behind, rays)).all()
    assert np.array_equal(np.isfinite(entry(SOLIDS[shape], 1.25, behind, -rays)), met)


@pytest.mark.parametrize("shape", range(4))
def test_rays_along_an_axis_are_met_as_well(shape):
    """Components that are nought divide nothing."""
    down = entry(SOLIDS[shape], 1.0, np.array([[0.0], [9.0], [0.0]]), -UP)
    assert down == pytest.approx(9 - (1.7, 1.9, 2.0, 2.3)[shape])
    beside = entry(SOLIDS[shape], 1.0, np.array([[2.0], [9.0], [0.0]]), -UP)
    assert np.isinf(beside).all()
