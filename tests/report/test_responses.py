"""Responses of latents to factors, where arithmetic gives them: what is a line, flat or a map."""

import json
from itertools import product

import h5py
import numpy as np
import pytest

from disentbench.report import style
from disentbench.report.figures import _responses, response
from disentbench.report.figures._responses import FactorCurve, PlaceMap

NAMES = ["shape", "still", "orientation", "posX", "posY"]
GRID = np.array(list(product(range(3), [4], range(4), range(5), range(6))))


@pytest.fixture
def ground():
    return _responses.ground(GRID, NAMES)


def latents(folder, mean, logits=None, truth=(GRID, NAMES), groups=None):
    """A made-up latents.h5 of one run; `truth` are factors and their names."""
    factors, names = truth
    path = folder / "latents.h5"
    with h5py.File(path, "w") as file:
        file.attrs["groups"] = json.dumps(groups or {})
        file["factors"] = factors
        file["factors"].attrs["names"] = np.array(names, h5py.string_dtype())
        file["mean"] = np.asarray(mean, np.float32)[None]
        for group, values in (logits or {}).items():
            file[f"logits/{group}"] = np.asarray(values, np.float32)[None]
    return path


def cells(row) -> dict[str, FactorCurve]:
    return {cell.factor: cell for cell in row.cells if isinstance(cell, FactorCurve)}


def test_factors_of_one_class_are_left_out_and_gaps_between_classes_closed(ground):
    assert ground.names == ["shape", "orientation", "posX", "posY"]
    assert ground.sizes == [3, 4, 5, 6]
    sparse = _responses.ground(np.array([[2, 0], [7, 0], [7, 0]]), ["a", "b"])
    assert (sparse.names, sparse.sizes, sparse.classes.ravel().tolist()) == (["a"], [2], [0, 1, 1])


def test_a_latent_that_is_a_factor_is_a_straight_line_and_flat_elsewhere(ground):
    shape = GRID[:, 0] - 1.0
    row = _responses.row_of("z0", "", shape[:, None], ground)
    known = cells(row)
    assert known["shape"].mean[0] == pytest.approx([-1, 0, 1])
    assert known["shape"].sd[0] == pytest.approx([0, 0, 0])
    place = row.cells[0]
    assert isinstance(place, PlaceMap)
    assert (place.x, place.y, place.mean.shape) == ("posX", "posY", (6, 5))
    assert place.mean == pytest.approx(np.zeros((6, 5)), abs=1e-12)
    assert row.share == pytest.approx([0, 1, 1], abs=1e-12)  # by shape, rotations are apart
    assert (row.low, row.middle, row.high) == pytest.approx((-1, 0, 1))


def test_a_rotation_has_a_line_for_each_shape(ground):
    turned = (GRID[:, 0] - 1.0) * GRID[:, 2]
    curve = cells(_responses.row_of("z0", "", turned[:, None], ground))["orientation"]
    assert curve.of == "shape"
    assert curve.mean == pytest.approx(np.outer([-1, 0, 1], range(4)))


def test_a_place_is_a_map(ground):
    row = _responses.row_of("z0", "", (GRID[:, 3] + 10.0 * GRID[:, 4])[:, None], ground)
    assert row.cells[0].mean == pytest.approx(np.arange(5) + 10.0 * np.arange(6)[:, None])
    assert row.share[0] == pytest.approx(1)


def test_the_band_is_what_other_factors_do():
    factors = np.array(list(product(range(2), range(2))))
    of = _responses.ground(factors, ["a", "b"])
    row = _responses.row_of("z0", "", (factors @ [1.0, 2.0])[:, None], of)
    a, b = row.cells
    assert a.mean[0] == pytest.approx([1, 2])
    assert a.sd[0] == pytest.approx([1, 1])
    assert b.sd[0] == pytest.approx([0.5, 0.5])
    assert row.share == pytest.approx([0.2, 0.8])
    assert (row.low, row.high) == pytest.approx((-0.0, 3.0))


def test_an_offset_loses_no_digits():
    classes = np.array([0, 0, 1, 1])
    means = _responses.conditional(np.array([0, 2, 4, 6.0]) + 1e8, classes, 3)
    assert means.mean[:2] - 1e8 == pytest.approx([1, 5])
    assert means.sd[:2] == pytest.approx([1, 1])
    assert np.isnan(means.mean[2])
    assert means.share == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["posY", "shape", "posX"], ("posX", "posY")),
        (["x", "y"], ("x", "y")),
        (["X position", "Y position"], ("X position", "Y position")),
        (["pos_y", "posX"], None),
        (["yaw", "axis", "box"], None),
        ([], None),
    ],
)
def test_a_place_is_known_by_its_factors_names(names, expected):
    assert _responses.pair(names) == expected


def test_idle_latents_are_left_out_and_others_form_a_staircase(tmp_path):
    x, shape = GRID[:, 3] / 2.0, GRID[:, 0] - 1.0
    path = latents(tmp_path, np.stack([shape, 0.01 * x, x], axis=1), groups={"spot": [2]})
    known = _responses.read_response(path, 0)
    assert [(row.name, row.detail) for row in known.rows] == [("z2", "in spot"), ("z0", "")]
    assert (known.idle, known.shapes) == (1, 3)


def test_a_discrete_group_has_the_probability_of_each_class(tmp_path):
    hot = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]))
    path = latents(tmp_path, np.zeros((len(GRID), 1)), {"kind": hot[GRID[:, 0]]})
    (row,) = _responses.read_response(path, 0).rows
    assert (row.name, row.detail) == ("kind", "3 classes")
    assert cells(row)["shape"].of == "class"
    assert cells(row)["shape"].mean == pytest.approx(np.exp(hot), abs=1e-6)
    assert (row.low, row.high) == pytest.approx((0.1, 0.8), abs=1e-6)


@pytest.mark.parametrize("kind", ["diverged", "idle", "no factors", "one class"])
def test_where_nothing_responds_there_is_no_figure(tmp_path, kind):
    factors, names = {
        "no factors": (np.zeros((4, 0), int), []),
        "one class": (np.zeros((4, 1), int), ["still"]),
    }.get(kind, (np.arange(4)[:, None], ["a"]))
    mean = {"diverged": np.full((4, 1), np.nan), "idle": np.zeros((4, 1))}
    path = latents(tmp_path, mean.get(kind, np.arange(4.0)[:, None]), None, (factors, names))
    assert _responses.read_response(path, 0) is None


def test_a_figure_has_room_for_many_latents_and_factors_of_long_names(tmp_path):
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 4, (300, 14))
    names = [f"the factor of number {k} <of a name>" for k in range(14)]
    path = latents(tmp_path, factors + rng.normal(size=factors.shape), None, (factors, names))
    with style.applied():
        shown = response.chosen(_responses.read_response(path, 0), "a title of " + "x" * 60)
        assert (len(shown.rows), len(shown.columns)) == (response.ROWS, response.COLUMNS)
        assert (shown.more_rows, shown.more_columns) == (4, 6)
        assert len(style.svg(response.drawn(shown), "many")) < 60_000
