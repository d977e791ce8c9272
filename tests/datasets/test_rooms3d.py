"""The rendered room against projections of its points that are made here, in another way."""

from colorsys import rgb_to_hsv
from itertools import combinations, islice, product

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from pydantic import ValidationError
from scipy.spatial import ConvexHull

from disentbench.datasets import rooms3d
from disentbench.datasets._grid import grid
from disentbench.datasets._raycasting import CONE, CYLINDER, SIDE, unit
from disentbench.datasets.rooms3d import AIM, CORNER, DISTANCE, HALF_VIEW, HEIGHT, VALUES, dataset
from disentbench.storage.images import Blocks

SIZES = (10, 10, 10, 8, 4, 15)
CUBE, CYLINDER_, SPHERE, CONE_ = range(4)
ENDS_AND_BETWEEN = [0, 4, 7, 14]  # orientations


HUES = {"floor_hue": 1, "wall_hue": 4, "object_hue": 7}


def images(size=64, **classes):
    return dataset(image_size=size, **HUES | classes).images().stored


def seen(surface, **classes):
    """The pixels that a surface has a part of: those that change from a hue to its opposite."""
    red, cyan = images(**classes, **{f"{surface}_hue": [0, 5]})
    return (red != cyan).any(axis=-1)


def projected(points, orientation, size):
    """Where points [point, 3] are in the picture, [point, (column, row)] in pixels.

    The world is turned back under a camera that stays on the plane x = 0, then tilted.
    """
    turn = np.radians(-VALUES["orientation"][orientation])
    x, y, z = np.asarray(points, float).T
    x, z = x * np.cos(turn) + z * np.sin(turn), z * np.cos(turn) - x * np.sin(turn)
    down = np.arctan2(HEIGHT - AIM, DISTANCE)
    y, z = y - HEIGHT, DISTANCE - z
    depth, up = z * np.cos(down) - y * np.sin(down), y * np.cos(down) + z * np.sin(down)
    return size / 2 * (1 + np.stack([x, -up], axis=1) / depth[:, None] / HALF_VIEW)


def at(image, point, orientation):
    """The pixel at a point."""
    column, row = projected([point], orientation, len(image))[0].astype(int)
    return image[row, column]


def hue(pixel):
    return rgb_to_hsv(*pixel / 255.0)[0]


def any_sample(inside, size):
    """Per pixel, whether one of its 4 by 4 samples is inside."""
    return inside.reshape(size, 4, size, 4).any(axis=(1, 3))


def samples(size):
    """The places [sample, (column, row)] of all samples, row after row."""
    at = (np.arange(4 * size) + 0.5) / 4
    return np.stack([axis.ravel() for axis in np.meshgrid(at, at)], axis=1)


def circle(radius, height):
    angle = np.linspace(0, 2 * np.pi, 1000)
    return np.stack([radius * np.cos(angle), 0 * angle + height, radius * np.sin(angle)], axis=1)


def corners():
    """A cube whose faces look at the walls has its upright edges on the axes."""
    reach = SIDE / np.sqrt(2)
    foot = np.array([[reach, 0, 0], [0, 0, reach], [-reach, 0, 0], [0, 0, -reach]])
    return np.concatenate([foot, foot + np.array([0, SIDE, 0])])


RIMS = {
    CUBE: corners(),
    CYLINDER_: np.concatenate([circle(CYLINDER[0], 0), circle(*CYLINDER)]),
    CONE_: np.concatenate([circle(CONE[0], 0), [[0, CONE[1], 0]]]),
}


@pytest.mark.parametrize(("shape", "scale"), list(product(RIMS, [0, 7])))
def test_a_silhouette_is_the_hull_of_the_projected_rims(shape, scale):
    for orientation in ENDS_AND_BETWEEN:
        rims = projected(VALUES["scale"][scale] * RIMS[shape], orientation, 64)
        inside = Polygon(rims[ConvexHull(rims).vertices]).contains_points(samples(64))
        drawn = seen("object", scale=scale, shape=shape, orientation=orientation)
        assert np.array_equal(drawn, any_sample(inside, 64))


@pytest.mark.parametrize("scale", [0, 3, 7])
def test_a_sphere_is_seen_within_the_cone_that_touches_it(scale):
    radius = VALUES["scale"][scale]
    eye, centre = np.array([0, HEIGHT, DISTANCE]), np.array([0, radius, 0])
    ahead = unit(np.array([0, AIM, 0]) - eye)
    up = np.array([0, -ahead[2], ahead[1]])
    x, y = (HALF_VIEW * (samples(64) / 32 - 1)).T
    rays = unit(ahead[:, None] + np.stack([x, -y * up[1], -y * up[2]]))
    away = centre - eye
    inside = away @ rays >= np.sqrt(away @ away - radius**2)  # cosine, times the distance
    for orientation in (7, 0):  # a sphere looks the same from everywhere
        drawn = seen("object", scale=scale, shape=SPHERE, orientation=orientation)
        assert np.array_equal(drawn, any_sample(inside, 64))


@pytest.mark.parametrize("orientation", ENDS_AND_BETWEEN)
@pytest.mark.parametrize("side", [-1, 1])
def test_floor_board_and_wall_are_where_they_are_projected(side, orientation):
    (image,) = images(128, scale=0, shape=SPHERE, orientation=orientation)
    found = 0
    for along in np.arange(0.5, 6, 0.25):
        x, z = side * along / np.sqrt(2), along / np.sqrt(2) - CORNER
        points = [(x, 0, z + 0.5), (x, rooms3d.SKIRTING / 2, z), (x, rooms3d.SKIRTING + 0.2, z)]
        sides = np.abs(projected(points, orientation, 128) - 64)
        if sides.max() < 64 and sides[:, 0].min() > 25:  # in the picture and not behind the sphere
            floor, board, wall = (at(image, point, orientation) for point in points)
            assert hue(floor) == pytest.approx(0.1, abs=0.01)
            assert board.min() == board.max()
            assert hue(wall) == pytest.approx(0.4, abs=0.01)
            found += 1
    assert found >= 4


@pytest.mark.parametrize("chosen", range(10))
def test_a_class_of_hue_is_the_hue_of_its_surface(chosen):
    for surface, point in (
        ("floor_hue", (0, 0, 3)),
        ("wall_hue", (0, 3.5, -CORNER)),
        ("object_hue", (0, 1, 1.25)),  # the front of the sphere
    ):
        others = dict.fromkeys(HUES, (chosen + 3) % 10)
        (image,) = images(shape=SPHERE, scale=7, orientation=7, **others | {surface: chosen})
        pixel = at(image, point, 7)
        apart = abs(hue(pixel) - chosen / 10)
        assert min(apart, 1 - apart) < 0.01  # 0 is 1: the circle is closed


@pytest.mark.parametrize("shape", range(4))
def test_a_hue_changes_the_pixels_of_its_surface_and_no_others(shape):
    weights = rooms3d.weights((1, 6), (shape,), (2, 12), 64)
    classes = {"scale": [1, 6], "shape": shape, "orientation": [2, 12]}
    before = images(**classes)
    for k, (name, other) in enumerate(HUES.items()):
        changed = (images(**{name: other + 2}, **classes) != before).any(axis=-1)
        assert not changed[weights[..., k] == 0].any()
        assert changed[weights[..., k] > 0.01].all()
        assert 300 < changed[0].sum() < 4096


def test_what_is_wall_alone_stays_whatever_colours_the_others_have():
    weights = rooms3d.weights((0, 7), (0, 1, 2, 3), (0, 9), 64) > 0
    floor, wall = (weights[..., k] & (weights.sum(axis=-1) == 1) for k in range(2))
    classes = {"scale": [0, 7], "orientation": [0, 9]}
    one, other = (images(floor_hue=f, object_hue=o, **classes) for f, o in ((0, 1), (5, 8)))
    assert np.array_equal(one[wall], other[wall])
    assert (one[floor] != other[floor]).any(axis=-1).all()
    assert (floor | wall).mean() > 0.5


def test_scale_shape_and_orientation_show_the_same_hues():
    classes = {"scale": [0, 7], "orientation": [0, 5, 14]}
    shown = images(**classes) / 255.0
    weights = rooms3d.weights((0, 7), (0, 1, 2, 3), (0, 5, 14), 64) > 0
    alone = (weights[..., :3].sum(axis=-1) == 1) & (shown.max(axis=-1) > 0.3)
    for image, pure in zip(shown, alone, strict=True):
        hues = {round(rgb_to_hsv(*pixel)[0], 1) for pixel in image[pure] if np.ptp(pixel) > 0.1}
        assert hues == {0.1, 0.4, 0.7}


@pytest.mark.parametrize(("shape", "orientation"), list(product(range(4), [0, 7, 14])))
def test_a_silhouette_grows_with_its_scale(shape, orientation):
    drawn = [seen("object", shape=shape, scale=s, orientation=orientation) for s in range(8)]
    areas = np.array([mask.sum() for mask in drawn])
    assert (np.diff(areas) > 0).all()
    assert not any(m[[0, -1]].any() or m[:, [0, -1]].any() for m in drawn)  # none is cut off


@pytest.mark.parametrize("orientation", [0, 7, 14])
def test_no_two_shapes_look_alike(orientation):
    masks = [seen("object", shape=shape, scale=3, orientation=orientation) for shape in range(4)]
    for one, other in combinations(masks, 2):
        assert (one ^ other).sum() > 0.15 * (one & other).sum()


@pytest.mark.parametrize("shape", range(4))
def test_opposite_orientations_mirror_each_other_but_for_the_light(shape):
    for surface, k in product(("floor", "wall", "object"), (0, 3, 6)):
        left, right = (seen(surface, shape=shape, orientation=o, scale=5) for o in (k, 14 - k))
        assert np.array_equal(left, right[:, ::-1])
    left, right = images(shape=shape, orientation=[0, 14], scale=5)
    assert not np.array_equal(left, right[:, ::-1])


def test_opposite_orientations_mirror_the_tiles_and_stripes():
    left, right = (rooms3d.empty_room(degrees, 32).paint.reshape(128, 128) for degrees in (9, -9))
    assert (left != right[:, ::-1]).mean() < 1e-3  # a sample may lie on an edge
    assert len(np.unique(left)) == 3


def test_the_shadow_lies_where_the_lamp_is_hidden():
    """At orientation 0 the tiles are symmetric, so the other side has the same without shadow."""
    image = images(shape=SPHERE, scale=3, orientation=7)[0].astype(float)
    height = VALUES["scale"][3] * 1.7  # of a point in the sphere
    x, _, z = -rooms3d.TO_LAMP / rooms3d.TO_LAMP[1] * height
    dark, bright = at(image, (x, 0, z), 7), at(image, (-x, 0, z), 7)
    assert (dark < 0.9 * bright).all()
    assert dark / bright == pytest.approx(np.full(3, (dark / bright).mean()), rel=0.05)


@pytest.fixture(scope="module")
def full():
    return dataset(image_size=8).images()


def test_order_and_values(full):
    assert full.factor_names == tuple(VALUES)
    assert full.factor_sizes == SIZES
    assert len(full) == 480_000 == dataset().size
    assert np.array_equal(full.factors, grid(SIZES))
    ends = [(v[0], v[-1]) for v in full.factor_values]
    assert ends == [*[(0, 0.9)] * 3, (0.75, 1.25), (0, 3), (-30, 30)]


@pytest.mark.parametrize(
    "options",
    [
        {"floor_hue": 3, "wall_hue": [9, 0], "orientation": {"stride": 7}},
        {"object_hue": [2, 4], "scale": [1], "shape": 2, "orientation": 14, "floor_hue": [0, 8]},
        {"wall_hue": 5, "object_hue": 5, "shape": [3, 1]},
    ],
)
def test_a_sub_grid_is_rows_of_the_whole(full, options):
    part = dataset(image_size=8, **options)
    few = part.images()
    kept = [np.isin(full.factors[:, f], list(c)) for f, c in enumerate(part.factors.values())]
    rows = np.flatnonzero(np.logical_and.reduce(kept))
    assert len(few) == part.size == len(rows)
    assert np.array_equal(few.stored, full.stored[rows])
    for f, values in enumerate(few.factor_values):
        whole = full.factor_values[f][full.factors[rows, f]]
        assert np.array_equal(values[few.factors[:, f]], whole)


def test_images_come_a_choice_of_hues_at_a_time_and_again():
    options = {"image_size": 20, "floor_hue": [0, 5], "wall_hue": [1, 2], "shape": [0, 2]}
    few = dataset(**options, scale=3).images()
    assert isinstance(few.pixels, Blocks)
    assert few.pixels.shape == (2 * 2 * 10 * 2 * 15, 20, 20, 3)
    begun, again = few.pixels.blocks(), few.pixels.blocks()
    first = list(islice(begun, 3))
    assert all(block.dtype == np.uint8 and block.shape == (30, 20, 20, 3) for block in first)
    assert np.array_equal(np.concatenate(first), np.concatenate(list(islice(again, 3))))
    assert np.array_equal(few.stored, dataset(**options, scale=3).images().stored)


def test_pixels_are_the_weights_times_the_colours_rounded():
    weights = rooms3d.weights((0, 7), (0, 2), (3,), 64).astype(float)
    assert np.array_equal(weights * 2**15, np.rint(weights * 2**15))
    assert weights.min() >= 0
    assert 0.9 < weights.sum(axis=-1).max() <= 1
    colours = rooms3d.colours(1, 6, 9).astype(float)
    exact = np.floor(weights @ colours + 0.5)
    drawn = images(floor_hue=1, wall_hue=6, object_hue=9, scale=[0, 7], shape=[0, 2], orientation=3)
    assert np.array_equal(drawn, exact)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_a_smaller_picture_shows_the_same(size):
    options = {"scale": [0, 7], "orientation": 3}
    large, small = images(128, **options), images(size, **options)
    assert dataset(image_size=size).image_shape == (3, size, size)
    means = large.reshape(len(large), size, 128 // size, size, -1, 3).mean(axis=(2, 4))
    assert np.abs(means - small).mean() < 3
    assert np.abs(means.mean(axis=(1, 2)) - small.mean(axis=(1, 2))).max() < 1


@pytest.mark.parametrize("size", [7, 129, 64.0, "64", True, None])
def test_image_size_out_of_range(size):
    with pytest.raises(ValidationError, match=r"no whole number from 8 to 128|no true or false"):
        dataset(image_size=size)


def test_a_class_that_is_not_there():
    with pytest.raises(ValidationError, match="there is no class 4; choose from 0 to 3"):
        dataset(shape=4)
