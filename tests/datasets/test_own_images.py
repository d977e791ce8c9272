"""Images of one's own in an .npz or an .h5: what the test has written is what is read."""

from collections import Counter

import h5py
import numpy as np
import pytest
from builders.own_images import BITS, BYTES, FACTORS, RNG, ROWS, TEXT

from disentbench.datasets import h5, promised
from disentbench.datasets._own_arrays import layout_of
from disentbench.storage.images_file import read_images, write_images

LAYOUTS = {
    "NHWC": (BYTES, BYTES),
    "NCHW": (BYTES.transpose(0, 3, 1, 2).copy(), BYTES),
    "grey": (BYTES[..., 0], BYTES[..., :1]),
    "grey, last": (BYTES[..., :1], BYTES[..., :1]),
    "grey, second": (BYTES[:, None, :, :, 1], BYTES[..., 1:2]),
}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", LAYOUTS)
def test_pixels_are_those_of_the_file_whatever_its_axes(own, name):
    stored, expected = LAYOUTS[name]
    images = own.read(images=stored, factors=FACTORS)
    assert images.shape == (expected.shape[3], 5, 7)
    for _ in range(2):  # the blocks begin anew
        blocks = list(images.pixels.blocks())
        assert {len(block) for block in blocks[:-1]} == {12 // expected.shape[3]}
        assert np.array_equal(np.concatenate(blocks), expected)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
def test_numbers_from_0_to_1_become_the_nearest_bytes(own, kind):
    values = RNG.random((ROWS, 5, 7)).astype(kind)
    values[0, 0, :3] = 0, 1, 0.5  # 127.5, to the even one
    images = own.read({"values": "unit"}, images=values)
    expected = [round(255 * float(value)) for value in values.ravel()]
    assert images.stored.ravel().tolist() == expected
    assert images.stored.ravel()[:3].tolist() == [0, 255, 128]


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.usefixtures("small_blocks")
def test_binary_images_are_packed(own, kind, channels):
    planes = np.stack([BITS, 1 - BITS, BITS][:channels], axis=1)
    stored = planes.transpose(0, 2, 3, 1).astype(kind)
    images = own.read({"values": "binary"}, images=stored)
    assert images.pixels is None
    assert images.bits.shape == (ROWS, (35 * channels + 7) // 8)
    unpacked = np.unpackbits(images.bits, axis=1, count=35 * channels)
    assert np.array_equal(unpacked.reshape(planes.shape), planes)


def test_classes_are_the_sorted_values(own):
    images = own.read(images=BYTES, factors=FACTORS, factor_names=["pos x", "größe"])
    assert images.factor_names == ("pos x", "größe")
    for known, classes, came in zip(images.factor_values, images.factors.T, FACTORS.T, strict=True):
        assert known.tolist() == sorted(set(came.tolist()))
        assert np.array_equal(known[classes], came)


def test_text_is_a_class_too(own):
    images = own.read(images=BYTES, factors=TEXT)
    assert images.factor_names == ("factor0",)
    assert images.factor_values[0].tolist() == ["blue", "grün", "red"]
    assert np.array_equal(images.factor_values[0][images.factors[:, 0]], TEXT[:, 0])


def test_a_file_may_say_what_its_classes_stand_for(own):
    angles, names = [0.0, 0.5, 1.5, 3.0], ["cube", "ball", "cone"]
    values = {"factor_values/angle": angles, "factor_values/shape": names}
    named = own.read(images=BYTES, factors=FACTORS, factor_names=["angle", "shape"], **values)
    assert [known.tolist() for known in named.factor_values] == [angles, names]
    one = own.read(images=BYTES, factors=FACTORS, **{"factor_values/factor1": [2.0, 4.0, 8.0]})
    assert [known.tolist() for known in one.factor_values] == [[-5, 5, 15, 25], [2.0, 4.0, 8.0]]


def test_images_without_factors(own):
    dataset = own.made(images=BYTES)
    images = promised(dataset, dataset.images(), "what it gives")
    assert (dataset.factors, dataset.sizes, dataset.size) == ({}, (), ROWS)
    assert (images.factors.shape, images.factors.dtype) == ((ROWS, 0), np.int64)
    assert (images.factor_names, images.factor_values) == ((), ())


def test_the_data_set_file_holds_them(own, tmp_path):
    """Text, absent combinations and several images of one combination come back."""
    images = own.read(images=BYTES, factors=np.concatenate([TEXT, TEXT[::-1]], axis=1))
    assert max(Counter(map(tuple, images.factors.tolist())).values()) > 1
    write_images(images, tmp_path / "images.h5", {})
    back = read_images(tmp_path / "images.h5")
    assert np.array_equal(back.stored, BYTES)
    assert np.array_equal(back.factors, images.factors)
    assert [v.tolist() for v in back.factor_values] == [v.tolist() for v in images.factor_values]
    assert back.digest == images.digest


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((9, 8, 8, 3), None, (3, 8, 8)),
        ((9, 3, 8, 8), None, (3, 8, 8)),
        ((9, 3, 64, 3), "NHWC", (3, 3, 64)),
        ((9, 3, 64, 3), "NCHW", (3, 64, 3)),
        ((9, 1, 64, 3), "NHWC", (3, 1, 64)),
        ((9, 3, 8, 4), None, (3, 8, 4)),
        ((9, 4, 8, 1), None, (1, 4, 8)),
        ((9, 3, 1), None, (1, 3, 1)),
    ],
)
def test_channels_are_where_they_can_be(shape, axes, expected):
    assert layout_of(shape, axes).shape == expected


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("chunks", [(1, 5, 7, 3), (3, 2, 4, 1), (10, 5, 7, 3), (ROWS, 5, 7, 3)])
def test_chunks_are_read_as_a_whole(tmp_path, chunks):
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file.create_dataset("images", data=BYTES, chunks=chunks, compression="gzip")
    images = h5.dataset(path=tmp_path / "own.h5").images()
    sizes = [len(block) for block in images.in_blocks()]
    assert sum(sizes) == ROWS
    assert all(size % chunks[0] == 0 for size in sizes[:-1])
    assert np.array_equal(images.stored, BYTES)
