"""MPI3D: streamed from its archives; its sets are told apart by the number of their images."""

import tracemalloc
import zipfile
from typing import ClassVar

import numpy as np
import pytest
from builders import published_files

from disentbench.datasets import (
    _rows,
    mpi3d_complex,
    mpi3d_real,
    mpi3d_realistic,
    mpi3d_toy,
    promised,
)
from disentbench.datasets._grid import Classes
from disentbench.errors import UserError

LARGE, SMALL = 1_036_800, 460_800
SETS = [mpi3d_toy.dataset, mpi3d_realistic.dataset, mpi3d_real.dataset, mpi3d_complex.dataset]
SIZES = (2, 3, 2, 2, 1, 4, 3)
COUNT = 288
PIXELS = np.random.default_rng(0).integers(256, size=(COUNT, 64, 64, 3), dtype=np.uint8)


class Corner(mpi3d_toy.dataset):
    values: ClassVar = {
        name: values[:size]
        for (name, values), size in zip(mpi3d_toy.dataset.values.items(), SIZES, strict=True)
    }

    object_color: Classes = (0, 1)
    object_shape: Classes = (0, 1, 2)
    object_size: Classes = (0, 1)
    camera_height: Classes = (0, 1)
    background_color: Classes = (0,)
    horizontal_axis: Classes = (0, 1, 2, 3)
    vertical_axis: Classes = (0, 1, 2)


def row_of(classes):
    """Where a combination stands: the vertical axis is the fastest, the color the slowest."""
    color, shape, size, height, background, horizontal, vertical = classes
    sprite = (((color * 3 + shape) * 2 + size) * 2 + height) * 1 + background
    return (sprite * 4 + horizontal) * 3 + vertical


@pytest.mark.parametrize("dataset", SETS)
def test_the_published_grids(dataset):
    few = dataset is mpi3d_complex.dataset
    assert dataset().sizes == ((4, 4) if few else (6, 6)) + (2, 3, 3, 40, 40)
    assert dataset().size == (SMALL if few else LARGE)
    assert dataset().image_shape == (3, 64, 64)
    assert list(dataset().factors) == [
        *("object_color", "object_shape", "object_size", "camera_height", "background_color"),
        *("horizontal_axis", "vertical_axis"),
    ]


def test_no_checksum_is_asked_of_the_file_that_was_replaced():
    assert mpi3d_real.dataset.downloads[0].checksum is None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"object_shape": [2, 0], "horizontal_axis": {"stride": 3}},
        {"object_color": 1, "vertical_axis": 2, "camera_height": 0},
    ],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_image_is_found_under_its_factors(tmp_path, monkeypatch, options, save):
    monkeypatch.setattr(_rows, "BLOCK_BYTES", 10 * 64 * 64 * 3)
    save(tmp_path / "toy.npz", images=PIXELS)
    made = Corner(path=tmp_path / "toy.npz", **options)
    images = promised(made, made.images(), "it")
    blocks = list(images.in_blocks())
    assert max(map(len, blocks)) <= 10
    assert np.array_equal(np.concatenate(blocks), images.stored)  # begun anew
    kept = list(made.factors.values())
    for i in np.random.default_rng(1).integers(len(images), size=20):
        classes = [of[c] for of, c in zip(kept, images.factors[i], strict=True)]
        assert np.array_equal(images.stored[i], PIXELS[row_of(classes)])


def test_memory_is_that_of_blocks(tmp_path, monkeypatch):
    """The whole grid of the complex set's arm: 1,600 poses of two sprites, 39 MB."""
    monkeypatch.setattr(_rows, "BLOCK_BYTES", 2**21)

    class Poses(mpi3d_complex.dataset):
        values: ClassVar = {
            name: values if "axis" in name else values[: 1 + (name == "object_size")]
            for name, values in mpi3d_complex.dataset.values.items()
        }
        object_color: Classes = (0,)
        object_shape: Classes = (0,)
        camera_height: Classes = (0,)
        background_color: Classes = (0,)

    body = bytes(2 * 1600 * 64 * 64 * 3)
    path = published_files.npz_of_a_header(tmp_path / "x.npz", (3200, 64, 64, 3), body)
    pixels = Poses(path=path).images().pixels
    tracemalloc.start()
    count = sum(len(block) for block in pixels.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 3200
    assert peak < len(body) / 4


@pytest.mark.parametrize("dataset", SETS)
def test_a_file_of_the_other_number_is_named(tmp_path, dataset):
    """It is known by its header; not one image is read."""
    few = dataset is mpi3d_complex.dataset
    count = LARGE if few else SMALL
    path = published_files.npz_of_a_header(tmp_path / "x.npz", (count, 64, 64, 3))
    with pytest.raises(UserError) as refused:
        dataset(path=path).images()
    assert str(refused.value) == f"{path} is not {dataset.label} as published: " + (
        "1,036,800 images are the toy, realistic or real set; use mpi3d_toy, mpi3d_realistic or "
        "mpi3d_real"
        if few
        else "460,800 images are the complex set; use mpi3d_complex"
    )


@pytest.mark.parametrize("dataset", SETS)
def test_a_file_of_the_right_number_must_hold_its_images(tmp_path, dataset):
    path = published_files.npz_of_a_header(tmp_path / "x.npz", (dataset().size, 64, 64, 3), b"few")
    with pytest.raises(UserError, match=r"images claims .* of values, and .* are there"):
        dataset(path=path).images()


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": PIXELS[1:]}, "287 images are no set of MPI3D; mpi3d_toy has 1,036,800"),
        (
            {"images": np.zeros((9, 2), bool)},
            r"its images are bool \(9, 2\), where uint8 \(1036800, 64, 64, 3\) is expected",
        ),
        ({"images": np.array([{}])}, "it holds Python objects, which are never loaded"),
        ({"pictures": PIXELS[:1]}, "it has no array 'images', but pictures"),
    ],
)
def test_another_file_is_refused(tmp_path, arrays, sentence):
    path = published_files.npz(tmp_path / "mpi3d_toy.npz", **arrays)
    with pytest.raises(UserError, match=sentence) as refused:
        mpi3d_toy.dataset(path=path).images()
    assert str(path) in str(refused.value)


def test_fortrans_order_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.asfortranarray(PIXELS))
    with pytest.raises(UserError, match="in Fortran's order, where uint8"):
        Corner(path=tmp_path / "x.npz").images()


def test_a_damaged_file_is_refused(tmp_path):
    path = published_files.npz(tmp_path / "mpi3d_toy.npz", images=PIXELS)
    whole = path.read_bytes()
    for broken in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"mpi3d_toy\.npz cannot be read as \.npz"):
            Corner(path=path).images()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(1000) + whole[middle + 1000 :])
    pixels = Corner(path=path).images().pixels
    with pytest.raises(UserError, match=r"mpi3d_toy\.npz cannot be read as \.npz"):
        list(pixels.blocks())


def test_an_archive_that_says_less_than_it_claims(tmp_path):
    """A member shorter than the archive's list of them says."""
    path = published_files.npz_of_a_header(tmp_path / "x.npz", (COUNT, 64, 64, 3), bytes(1000))
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.infolist()
    size, true = (n.to_bytes(4, "little") for n in (PIXELS.nbytes + 128, member.file_size))
    path.write_bytes(path.read_bytes().replace(true, size))
    with pytest.raises(UserError, match=r"x\.npz cannot be read as \.npz"):
        list(Corner(path=path).images().pixels.blocks())
