"""Correlated factors and combinations that are held out: the weights, and what may be asked for."""

import re
from itertools import product

import numpy as np
import pytest

from disentbench import plugins
from disentbench.datasets import _drawing, _drawn
from disentbench.datasets._grid import grid


def dsprites(**options):
    return plugins.make("datasets", "dsprites", options)


SMALL = {"orientation": 0, "posX": {"stride": 8}, "posY": {"stride": 8}}  # 3 x 6 x 1 x 4 x 4


def pair(*factors, **options):
    return [{"factors": list(factors)} | options]


# What is published of dSprites: sigma, the correlation of the classes, their information in nats.
POSITIONS = [(0.4, 0.42, 0.09), (0.2, 0.78, 0.45), (0.1, 0.94, 1.02), (0.04, 0.99, 1.87)]
SIZES = [(0.4, 0.57), (0.2, 0.88), (0.1, 0.98)]


def joint(*factors, **options):
    whole = dsprites(orientation=0, correlate=pair(*factors, **options))
    classes = grid(whole.sizes)
    places = [list(whole.factors).index(name) for name in factors]
    return _drawn.joint(classes, whole.weights(classes), *places)


@pytest.mark.parametrize(("sigma", "correlation", "information"), POSITIONS)
def test_positions_are_as_correlated_as_published(sigma, correlation, information):
    found = joint("posX", "posY", sigma=sigma)
    assert found.correlation == pytest.approx(correlation, abs=0.005)
    assert found.mutual_information == pytest.approx(information, abs=0.005)


@pytest.mark.parametrize(("sigma", "correlation"), SIZES)
def test_shape_and_scale_are_as_correlated_as_published(sigma, correlation):
    assert joint("shape", "scale", sigma=sigma).correlation == pytest.approx(correlation, abs=0.005)


def test_an_inverse_pair_is_as_correlated_the_other_way():
    plain, inverse = (joint("posX", "posY", inverse=way) for way in (False, True))
    assert inverse.correlation == pytest.approx(-plain.correlation)
    assert inverse.mutual_information == pytest.approx(plain.mutual_information)


def test_the_weight_of_a_combination_is_a_product_over_the_pairs():
    """Computed by hand, combination by combination, with classes counted among those kept."""
    pairs = pair("shape", "posX", sigma=0.3) + pair("posX", "posY", sigma=0.5, inverse=True)
    some = dsprites(correlate=pairs, hold_out={"scale": 5}, **SMALL)
    classes = grid(some.sizes)
    expected = [
        0.0
        if scale == 5
        else np.exp(-((shape / 2 - x / 3) ** 2) / 0.18)
        * np.exp(-((x / 3 - (1 - y / 3)) ** 2) / 0.5)
        for shape, scale, _, x, y in classes
    ]
    np.testing.assert_allclose(some.weights(classes), np.array(expected) / sum(expected))


def test_images_that_share_a_combination_are_alike_in_their_weight():
    some = dsprites(correlate=pair("posX", "posY"), hold_out={"shape": 0}, **SMALL)
    classes = np.random.default_rng(0).permutation(np.tile(grid(some.sizes), (3, 1)))
    drawn = some.weights(classes)
    assert drawn.sum() == pytest.approx(1)
    of_each = {tuple(row): weight for row, weight in zip(classes, drawn, strict=True)}
    once = dict(zip(map(tuple, grid(some.sizes)), some.weights(grid(some.sizes)), strict=True))
    for row, weight in of_each.items():
        assert 3 * weight == pytest.approx(once[row])


def test_however_unlikely_all_that_is_left_it_has_weights():
    narrow = pair("posX", "posY", sigma=0.001)
    far = dsprites(correlate=narrow, hold_out=[{"posX": i, "posY": i} for i in range(32)])
    classes = grid(far.sizes)
    drawn = far.weights(classes)
    assert drawn.sum() == pytest.approx(1)
    assert set(abs(classes[drawn > 0, 3] - classes[drawn > 0, 4])) == {1}


def test_without_either_all_images_are_alike():
    assert dsprites().weights(grid((2, 2, 2, 2, 2))) is None
    assert dsprites(correlate=pair("posX", "posY")).held_out(grid((2, 2, 2, 2, 2))) is None


HELD = {
    "one class": ({"shape": 1}, lambda s, z, x, y: s == 1),
    "a name": ({"shape": "heart"}, lambda s, z, x, y: s == 2),
    "names": ({"shape": ["heart", "square"]}, lambda s, z, x, y: s != 1),
    "and": ({"shape": 1, "scale": [0, 5]}, lambda s, z, x, y: s == 1 and z in (0, 5)),
    "or": ([{"shape": 1}, {"scale": 3}], lambda s, z, x, y: s == 1 or z == 3),
    "a span": ({"scale": {"from": 2, "to": 4}}, lambda s, z, x, y: 2 <= z <= 4),
    "a stride": ({"posX": {"stride": 16}}, lambda s, z, x, y: x % 16 == 0),
    "classes kept": (
        {"posX": {"from": 1, "to": 17}, "posY": 8},
        lambda s, z, x, y: 0 < x < 18 and y == 8,
    ),
}


@pytest.mark.parametrize("name", HELD)
def test_what_is_held_out(name):
    condition, meets = HELD[name]
    some = dsprites(hold_out=condition, **SMALL)
    expected = [
        meets(s, z, x, y)
        for s, z, x, y in product(range(3), range(6), range(0, 32, 8), range(0, 32, 8))
    ]
    held = some.held_out(grid(some.sizes))
    assert held.tolist() == expected
    assert _drawing.share_held_out(some.factors, some.hold_out) == pytest.approx(held.mean())
    drawn = some.weights(grid(some.sizes))
    assert (drawn == 0).tolist() == expected
    assert np.ptp(drawn[~held]) == 0


def test_the_share_that_is_never_drawn():
    """Of four images, one drawn always, or all alike; 1 - w rounds to 1 where w is below 1e-16."""
    assert _drawn.never_drawn(np.array([1.0, 0.0, 0.0, 0.0]), 5) == 0.75
    assert _drawn.never_drawn(np.full(4, 0.25), 3) == pytest.approx(0.75**3)
    assert _drawn.never_drawn(np.array([1e-17, 1 - 1e-17]), 10**17) == pytest.approx(np.exp(-1) / 2)


def test_the_share_that_is_never_drawn_is_that_of_a_training():
    some = dsprites(correlate=pair("posX", "posY"), **SMALL)
    drawn = some.weights(grid(some.sizes))
    rng = np.random.default_rng(0)
    found = [1 - len(set(rng.choice(some.size, 400, p=drawn))) / some.size for _ in range(200)]
    assert _drawn.never_drawn(drawn, 400) == pytest.approx(np.mean(found), abs=0.01)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"correlate": pair("posX", "pos")},
            "names 'pos', which is no factor; the factors are shape",
        ),
        ({"correlate": pair("posX", "posX")}, "'posX' cannot be correlated with itself"),
        ({"correlate": pair("posX", "posY", "shape")}, "it should hold at most 2"),
        ({"correlate": pair("posX", "posY") + pair("posY", "posX")}, "the pair posX, posY twice"),
        ({"correlate": pair("posX", "posY"), "posX": 3}, "posX, of which one class is kept"),
        ({"correlate": pair("posX", "posY", sigma=0)}, "correlate.0.sigma is 0; it should be at"),
        ({"correlate": pair("posX", "posY", sigma=-1)}, "sigma is -1; it should be at least 0.001"),
        (
            {"correlate": pair("posX", "posY", inverse=3)},
            "inverse is 3; it should be true or false",
        ),
        ({"hold_out": {}}, "hold_out holds {}; a condition maps factors to their classes"),
        ({"hold_out": "shape"}, "hold_out is 'shape'; it should be a mapping, or a list of them"),
        (
            {"hold_out": {"pos": 1}},
            "hold_out names 'pos', which is no factor; the factors are shape",
        ),
        ({"hold_out": {"posX": 32}}, "hold_out.posX: there is no class 32; choose from 0 to 31"),
        ({"hold_out": {"shape": "star"}}, "0 to 2 or square, ellipse, heart"),
        ({"hold_out": {"posX": [0, 3]}, "posX": {"stride": 2}}, "class 3 is not kept; the classes"),
        (
            {"hold_out": {"posX": {"from": 3, "to": 3}}, "posX": {"stride": 2}},
            "class 3 is not kept",
        ),
        (
            {"hold_out": {"posX": {"from": 4, "to": 3}}},
            "holds no class; let `from` be at most `to`",
        ),
        ({"hold_out": {"posX": {"from": 4}}}, "write {stride: n} or {from: a, to: b}"),
        ({"hold_out": [{"shape": 0}, {"shape": [1, 2]}]}, "leaves no combination of classes"),
        ({"hold_out": {"shape": {"stride": 1}}}, "leaves no combination of classes to train with"),
        ({"hold_out": {"posX": 1}, "posX": 77}, "posX: there is no class 77"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        dsprites(**options)
    assert str(refused.value).startswith("datasets.dsprites: ")
    assert "\n" not in str(refused.value)


def test_a_class_may_be_called_by_its_name_and_is_its_number():
    assert dsprites(shape="heart") == dsprites(shape=2)
    assert dsprites(shape=["heart", "square"]).shape == (0, 2)
    named = dsprites(hold_out={"posX": [3, 1], "shape": "heart"})
    assert named.model_dump(mode="json") == dsprites(
        hold_out=[{"shape": [2], "posX": {"from": 1, "to": 3}}],
    ).model_dump(mode="json") | {"hold_out": [{"shape": [2], "posX": [1, 3]}]}


def test_written_out_and_read_again_it_is_the_same():
    """A span among the classes kept, whose others would be refused by themselves."""
    some = dsprites(
        correlate=pair("posX", "posY", inverse=True),
        hold_out={"posX": {"from": 1, "to": 17}},
        **SMALL,
    )
    again = dsprites(**some.model_dump(mode="json"))
    assert again == some
    assert again.hold_out == ({"posX": (8, 16)},)


def test_what_training_draws_alters_no_image():
    plain, drawn = (
        dsprites(**SMALL),
        dsprites(correlate=pair("posX", "posY"), hold_out={"shape": 1}, **SMALL),
    )
    assert drawn.rendering == plain.rendering == plain.model_dump(mode="json")
    assert drawn.images().digest == plain.images().digest
    assert drawn.model_dump(mode="json") != drawn.rendering


def test_however_pairs_and_conditions_are_written_it_is_the_same_drawing():
    positions, sizes = ({"factors": pair} for pair in (["posX", "posY"], ["shape", "scale"]))
    turned = {"factors": ["posY", "posX"]}
    hearts, small = {"shape": 2}, {"scale": 0, "posX": 3}
    one = {"correlate": [positions, sizes], "hold_out": [hearts, small]}
    other = {"correlate": [sizes, turned], "hold_out": [small, hearts]}
    dumps = [plugins.make("datasets", "dsprites", each).model_dump() for each in (one, other)]
    assert dumps[0] == dumps[1]


def test_at_sigma_a_tenth_three_in_ten_pairs_of_positions_are_never_drawn():
    """In 300,000 steps of 64, as is published."""
    table = joint("posX", "posY", sigma=0.1).table
    assert _drawn.never_drawn(table.ravel(), 300_000 * 64) == pytest.approx(0.3, abs=0.03)
