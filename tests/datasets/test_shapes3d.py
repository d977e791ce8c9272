"""3D Shapes: the right images under the right factors, read in blocks, and files that are not it.

The grid of most tests is a corner of the published one, in the published layout.
"""

import re
import tracemalloc
from typing import ClassVar

import h5py
import numpy as np
import pytest
from builders import published_files

from disentbench.datasets import _rows, promised, shapes3d
from disentbench.datasets._grid import Classes
from disentbench.errors import UserError

SIZES = (2, 3, 2, 2, 4, 3)
COUNT = 288
VALUES = [
    values[:size] for values, size in zip(shapes3d.dataset.values.values(), SIZES, strict=True)
]
PIXELS = np.random.default_rng(0).integers(256, size=(COUNT, 64, 64, 3), dtype=np.uint8)


class Corner(shapes3d.dataset):
    values: ClassVar = dict(zip(shapes3d.dataset.values, VALUES, strict=True))

    floor_hue: Classes = (0, 1)
    wall_hue: Classes = (0, 1, 2)
    object_hue: Classes = (0, 1)
    scale: Classes = (0, 1)
    shape: Classes = (0, 1, 2, 3)
    orientation: Classes = (0, 1, 2)


@pytest.fixture
def path(tmp_path):
    return published_files.shapes3d(tmp_path / "3dshapes.h5", VALUES, PIXELS)


def row_of(classes):
    """Where a combination stands: the orientation is the fastest, the floor the slowest."""
    floor, wall, hue, scale, shape, orientation = classes
    return ((((floor * 3 + wall) * 2 + hue) * 2 + scale) * 4 + shape) * 3 + orientation


def test_the_published_grid():
    whole = shapes3d.dataset()
    assert list(whole.factors) == [
        *("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
    ]
    assert (whole.sizes, whole.size) == ((10, 10, 10, 8, 4, 15), 480_000)
    assert whole.image_shape == (3, 64, 64)
    ends = [(values[0], values[-1]) for values in whole.values.values()]
    assert ends == [(0, 0.9)] * 3 + [(0.75, 1.25), (0, 3), (-30, 30)]
    assert len(whole.names["shape"]) == 4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"wall_hue": [2, 0], "shape": 3, "orientation": {"stride": 2}},
        {"floor_hue": 1, "wall_hue": 1, "object_hue": 0, "scale": 1, "shape": 2, "orientation": 1},
    ],
)
@pytest.mark.parametrize("storage", [{}, {"chunks": (7, 64, 32, 1), "compression": "gzip"}])
def test_an_image_is_found_under_its_factors(tmp_path, monkeypatch, options, storage):
    monkeypatch.setattr(_rows, "BLOCK_BYTES", 10 * 64 * 64 * 3)
    path = published_files.shapes3d(tmp_path / "3dshapes.h5", VALUES, PIXELS, **storage)
    made = Corner(path=path, **options)
    images = promised(made, made.images(), "it")
    blocks = list(images.in_blocks())
    assert max(map(len, blocks)) <= 10
    assert np.array_equal(np.concatenate(blocks), images.stored)  # begun anew
    kept = list(made.factors.values())
    for i in np.random.default_rng(1).integers(len(images), size=20):
        classes = [of[c] for of, c in zip(kept, images.factors[i], strict=True)]
        assert np.array_equal(images.stored[i], PIXELS[row_of(classes)])
        values = [of[c] for of, c in zip(images.factor_values, images.factors[i], strict=True)]
        assert values == [of[c] for of, c in zip(VALUES, classes, strict=True)]


def test_memory_is_that_of_blocks(path, monkeypatch):
    monkeypatch.setattr(_rows, "BLOCK_BYTES", 2**17)
    pixels = Corner(path=path, shape=[0, 2]).images().pixels
    tracemalloc.start()
    count = sum(len(block) for block in pixels.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 144
    assert peak < PIXELS.nbytes / 4


def relabelled(file):
    file["labels"][100, 3] = 0.8


def unlabelled(file):
    file["labels"][3, 0] = np.nan


def of_another_grid(file):
    file["labels"][:] = file["labels"][:][::-1]


def without_labels(file):
    del file["labels"]


def of_floats(file):
    images = file["images"][:].astype("f4")
    del file["images"]
    file["images"] = images


def of_fewer(file):
    images = file["images"][1:]
    del file["images"]
    file["images"] = images


def unwritten(file):
    del file["images"]
    file.create_dataset("images", PIXELS.shape, "u1", chunks=(8, 64, 64, 3))


def of_huge_chunks(file):
    del file["images"]
    chunks = {"chunks": (2**13, 64, 64, 3), "maxshape": (None, 64, 64, 3), "compression": "gzip"}
    file.create_dataset("images", PIXELS.shape, "u1", **chunks)
    file["images"][:1] = 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (relabelled, "the scale of image 100 is 0.8, where the grid has 0.75"),
        (unlabelled, "the floor_hue of image 3 is nan, where the grid has 0"),
        (of_another_grid, "of image 0 is 0.1, where the grid has 0"),
        (without_labels, "has no dataset 'labels'; it holds images"),
        (of_floats, r"its images are float32 \(288, 64, 64, 3\), where uint8 \(288, 64, 64, 3\)"),
        (of_fewer, r"its images are uint8 \(287, 64, 64, 3\), where uint8 \(288, 64, 64, 3\)"),
        (unwritten, "images' claims .* and not all of them were written"),
        (
            of_huge_chunks,
            "keeps its images in chunks of 100,663,296 bytes, each of which is unpacked whole",
        ),
    ],
)
def test_another_file_is_refused(path, change, sentence):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(UserError, match=sentence) as refused:
        Corner(path=path).images()
    assert str(path) in str(refused.value)


def test_a_truncated_file_is_refused(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"3dshapes\.h5 is truncated or damaged"):
        Corner(path=path).images()


def test_a_file_whose_chunks_are_lost_is_refused(path):
    """Where the index of the chunks was, there is nothing."""
    published_files.shapes3d(path, VALUES, PIXELS, chunks=(20, 64, 64, 3))
    whole = path.read_bytes()
    nodes = [found.start() for found in re.finditer(rb"TREE\x01", whole)]  # of chunks
    assert nodes
    for i in nodes:
        path.write_bytes(whole[: i + 24] + b"\7" * 300 + whole[i + 324 :])
        with pytest.raises(UserError, match=r"3dshapes\.h5 is damaged: '/images' cannot be read"):
            Corner(path=path).images()


def test_a_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTBENCH_DATA", str(tmp_path))
    with pytest.raises(UserError) as missing:
        shapes3d.dataset().images()
    assert str(missing.value) == (
        f"{tmp_path}/shapes3d/3dshapes.h5 is not there; `disentbench fetch shapes3d` downloads it, "
        "or name the file with `path:`"
    )
    with pytest.raises(UserError, match=r"mine\.h5 is not there; let `path:` name 3dshapes\.h5"):
        shapes3d.dataset(path=tmp_path / "mine.h5").images()
    with pytest.raises(UserError, match=r"a folder, is not a file; name 3dshapes\.h5"):
        shapes3d.dataset(path=tmp_path).images()
