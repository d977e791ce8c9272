"""The renderer against real images and against published statistics of the whole data set."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from disentbench.datasets import dsprites_npz, dsprites_small
from disentbench.datasets._grid import grid
from disentbench.datasets.dsprites import VALUES, dataset
from disentbench.errors import UserError

SIZES = (3, 6, 40, 32, 32)
ONES = np.array([value.bit_count() for value in range(256)], np.uint8)


def unpacked(images):
    _, height, width = images.shape
    flat = np.unpackbits(images.bits, axis=1, count=height * width)
    return flat.reshape(-1, height, width)


@pytest.fixture(scope="module")
def full():
    return dataset().images()


@pytest.fixture(scope="module")
def areas(full):
    """Ones per image, as an array over the grid."""
    sprites = full.bits.reshape(720, -1, 512)
    return np.stack([ONES[s].sum(axis=1, dtype=int) for s in sprites]).reshape(SIZES)


def test_real_images_bit_for_bit(full):
    with np.load(Path(__file__).parents[1] / "data" / "dsprites_real_samples.npz") as real:
        rows = np.ravel_multi_index(real["classes"].T.astype(int), SIZES)
        assert np.array_equal(full.bits[rows], np.packbits(real["imgs"].reshape(-1, 4096), axis=1))


def test_ones_in_the_whole_data_set(areas):
    """The published pixel mean is exactly 128,328,862 ones; float32 drawing moves a few of them."""
    assert abs(areas.sum() - 128_328_862) <= 30
    assert abs(areas.sum() / (areas.size * 4096) - 0.042494423521889584) < 1e-8


def test_standard_deviation_within_an_image(areas):
    """The published mean of the images' standard deviations (ddof 1)."""
    p = areas / 4096
    assert np.sqrt(p * (1 - p) * 4096 / 4095).mean() == pytest.approx(0.19516645880626, abs=1e-8)


def test_mean_area_of_each_shape_and_scale(areas):
    """Pixels on average are the polygon's area, whatever the grid of pixels does to one image."""
    half, scale = 9.6, VALUES["scale"]
    square, ellipse = (2 * half * scale) ** 2, np.pi * half**2 * scale**2
    polygon = np.sin(2 * np.pi / 100) / (2 * np.pi / 100)  # 100 vertices lie inside the ellipse
    mean = areas.mean(axis=(2, 3, 4))
    assert mean[0] == pytest.approx(square, rel=2e-3)
    assert mean[1] == pytest.approx(ellipse * polygon, rel=2e-3)
    heart = 180 * np.pi * (19.2 * scale) ** 2 / (32 * 29)  # the curve (u, w) encloses 180 pi
    assert mean[2] == pytest.approx(heart, rel=2e-3)


def test_no_image_touches_the_border(full):
    touched = np.unpackbits(np.bitwise_or.reduce(full.bits, axis=0)).reshape(64, 64)
    for axis in (0, 1):
        assert np.flatnonzero(touched.any(axis=axis))[[0, -1]].tolist() == [2, 61]


def test_the_last_orientation_is_the_first(full):
    bits = full.bits.reshape(18, 40, -1)
    assert np.array_equal(bits[:, 39], bits[:, 0])


def test_order_and_values(full):
    assert full.factor_names == ("shape", "scale", "orientation", "posX", "posY")
    assert full.factor_sizes == SIZES
    assert len(full) == 737_280 == dataset().size
    assert np.array_equal(full.factors, grid(SIZES))
    ends = [(v[0], v[-1]) for v in full.factor_values]
    assert ends == [(1, 3), (0.5, 1), (0, 2 * np.pi), (0, 1), (0, 1)]


def test_position_moves_right_and_down():
    images = unpacked(dataset(shape=0, scale=0, orientation=0, posX=[0, 31], posY=[0, 31]).images())
    corners = [np.argwhere(i).mean(axis=0).round().tolist() for i in images]
    assert corners == [[16, 16], [48, 16], [16, 48], [48, 48]]


def test_an_angle_turns_counter_clockwise():
    """An eighth of a turn lifts the ellipse's right end."""
    image = unpacked(dataset(shape=1, scale=5, orientation=5, posX=16, posY=16).images())[0]
    row, column = np.argwhere(image).T
    assert np.cov(row, column)[0, 1] < 0


@pytest.mark.parametrize(
    "options",
    [
        {"shape": 2, "scale": [0, 5], "orientation": {"stride": 13}, "posX": 3, "posY": [30, 1]},
        {"orientation": [39], "posX": {"stride": 8}, "posY": {"stride": 5}},
        {"shape": [0], "scale": 3},
    ],
)
def test_a_sub_grid_is_rows_of_the_whole(full, options):
    part = dataset(**options)
    images = part.images()
    assert len(images) == part.size == np.prod(part.sizes)
    assert np.array_equal(images.bits, full.bits[part.rows])
    for f, (kept, values) in enumerate(zip(part.factors.values(), VALUES.values(), strict=True)):
        classes = images.factors[:, f]
        assert np.array_equal(np.array(kept)[classes], full.factors[part.rows, f])
        assert np.array_equal(images.factor_values[f], values[list(kept)])


def test_rendering_twice_gives_the_same():
    options = {"scale": [0, 5], "orientation": {"stride": 7}}
    assert np.array_equal(dataset(**options).images().bits, dataset(**options).images().bits)


@pytest.mark.parametrize("size", [8, 20, 32, 37, 63])
def test_a_smaller_canvas_keeps_the_shapes(size):
    options = {"orientation": {"stride": 3}, "posX": {"stride": 2}, "posY": {"stride": 2}}
    large, small = dataset(**options).images(), dataset(image_size=size, **options).images()
    assert small.shape == (1, size, size) == dataset(image_size=size).image_shape
    ratio = unpacked(small).sum() / unpacked(large).sum()
    assert ratio == pytest.approx((size / 64) ** 2, rel=0.02)


@pytest.mark.parametrize("size", [8, 20, 37, 64])
def test_an_upright_square_is_a_filled_rectangle(size):
    images = unpacked(dataset(image_size=size, shape=0, orientation=0).images())
    high, wide = images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)
    assert np.array_equal(images.sum(axis=(1, 2)), high * wide)
    side = 19.2 * size / 64 * VALUES["scale"].repeat(32 * 32)
    assert np.abs(high - side).max() <= 1.01  # 1, and the vertices' rounding
    assert np.abs(wide - side).max() <= 1.01


@pytest.mark.parametrize("size", [7, 65, 32.0, "32", True, None])
def test_image_size_out_of_range(size):
    with pytest.raises(ValidationError, match=r"no whole number from 8 to 64|no true or false"):
        dataset(image_size=size)


def test_a_class_that_is_not_there():
    with pytest.raises(ValidationError, match="there is no class 40; choose from 0 to 39"):
        dataset(orientation=40)


def test_the_demo_grid():
    small = dsprites_small.dataset()
    assert small.sizes == (3, 6, 1, 16, 16)
    assert small.image_shape == (1, 32, 32)
    images, same = small.images(), dataset(image_size=32, **small.factors).images()
    assert len(images) == 4608
    assert images.name == "dsprites_small"
    assert np.array_equal(images.bits, same.bits)


PART = dataset(shape=[0, 2], scale=[1], orientation=[0, 4], posX=[0, 9, 31], posY={"stride": 9})


def published(path, images, **other):
    """A file as published, of a sub-grid."""
    arrays = {
        "imgs": unpacked(images),
        "latents_classes": grid((1, *images.factor_sizes)),
        "metadata": np.array({"author": "someone"}, dtype=object),
    }
    np.savez_compressed(path, **(arrays | other))
    return path


def test_the_published_file_is_read_as_it_is(tmp_path):
    images = PART.images()
    path = published(tmp_path / "dsprites.npz", images)
    assert np.array_equal(dsprites_npz.read_bits(path, PART.sizes), images.bits)


def test_a_comparison_names_the_first_differences(tmp_path):
    images, changed = PART.images(), PART.images()
    changed.bits[3, 100] ^= 0b101
    changed.bits[20, 7] ^= 0b1
    changed.bits[31, 0] ^= 0b11
    found = dsprites_npz.compare(changed, images, show=2)
    assert found[:2] == (3, 5)
    assert found.first == ((3, tuple(images.factors[3]), 2), (20, tuple(images.factors[20]), 1))
    assert str(found).startswith("3 images differ, in 5 pixels\n  image 3, classes [0, 0, 0, 0, 3]")
    assert str(dsprites_npz.compare(images, images)) == "every pixel is the same"


SWAPPED = grid((1, *PART.sizes))[::-1]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"latents_classes": SWAPPED}, "its latents_classes are not the grid of 48 images"),
        ({"latents_classes": np.array([{}])}, "damaged or is not an .npz file of plain arrays"),
        ({"imgs": np.zeros((48, 64, 63), np.uint8)}, r"uint8 \(48, 64, 64\) is expected"),
        ({"imgs": np.zeros((48, 64, 64))}, "its imgs are float64"),
        ({"imgs": np.full((48, 64, 64), 255, np.uint8)}, "hold the value 255"),
    ],
)
def test_a_wrong_npz_is_refused(tmp_path, other, sentence):
    path = published(tmp_path / "dsprites.npz", PART.images(), **other)
    with pytest.raises(UserError, match=sentence):
        dsprites_npz.read_bits(path, PART.sizes)


def test_a_damaged_npz_is_refused(tmp_path):
    path = published(tmp_path / "dsprites.npz", PART.images())
    whole = path.read_bytes()
    for broken in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"dsprites\.npz is damaged"):
            dsprites_npz.read_bits(path, PART.sizes)
    with pytest.raises(UserError, match="is not a file; name the published"):
        dsprites_npz.dataset(path=tmp_path / "nowhere.npz").images()
    np.savez(path, imgs=np.zeros(3))
    with pytest.raises(UserError, match="it has no array 'latents_classes'"):
        dsprites_npz.read_bits(path, PART.sizes)


def test_the_path_must_be_a_path():
    with pytest.raises(ValidationError, match=r"3 is no path; name the published \.npz file"):
        dsprites_npz.dataset(path=3)
