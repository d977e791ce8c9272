"""SmallNORB: both halves in the order of the factors, and files that are not it."""

import gzip
from typing import ClassVar

import numpy as np
import pytest
from builders import published_files
from builders.published_files import INSTANCES, NORB, matrix
from PIL import Image

from disentbench.datasets import promised, smallnorb
from disentbench.datasets._grid import Classes
from disentbench.errors import UserError

SIZES = (2, 2, 3, 1)
HALF = 60


class Few(smallnorb.dataset):
    values: ClassVar = {
        name: values[:size]
        for (name, values), size in zip(smallnorb.dataset.values.items(), SIZES, strict=True)
    }

    category: Classes = (0, 1)
    elevation: Classes = (0, 1)
    azimuth: Classes = (0, 1, 2)
    lighting: Classes = (0,)


def half(name):
    """Both cameras' images with their categories and the rest, in no order.

    The first camera's images say in their corner (bright, then dark) what they are of.
    """
    rng = np.random.default_rng(len(name))
    described = [
        (category, instance, elevation, azimuth, 0)
        for category in range(2)
        for instance in INSTANCES[name]
        for elevation in range(2)
        for azimuth in range(3)
    ]
    described = rng.permutation(described).astype(np.int32)
    dat = rng.integers(256, size=(HALF, 2, 96, 96), dtype=np.uint8)
    info = described[:, 1:] * [1, 1, 2, 1]
    return dat, described[:, 0], info.astype(np.int32)


HALVES = {name: half(name) for name in NORB}
ROWS = {  # (category, instance, elevation, azimuth): (half, row)
    (int(cat[row]), int(info[row, 0]), int(info[row, 1]), int(info[row, 2]) // 2): (name, row)
    for name, (_, cat, info) in HALVES.items()
    for row in range(HALF)
}


@pytest.fixture(params=[".mat.gz", ".mat"])
def folder(request, tmp_path):
    return published_files.smallnorb(tmp_path, HALVES, request.param)


def test_the_published_grid():
    whole = smallnorb.dataset()
    assert list(whole.factors) == ["category", "elevation", "azimuth", "lighting"]
    assert (whole.sizes, whole.size) == ((5, 9, 18, 6), 48_600)
    assert whole.image_shape == (1, 64, 64)
    assert [values[-1] for values in whole.values.values()] == [4, 70, 340, 5]
    assert len(whole.names["category"]) == 5


@pytest.mark.parametrize("options", [{}, {"category": 1, "azimuth": [2, 0]}, {"elevation": [1]}])
def test_an_image_is_found_under_its_factors(folder, options):
    made = Few(path=folder, **options)
    images = promised(made, made.images(), "it")
    kept = list(made.factors.values())
    for i, of in enumerate(images.factors):
        category, elevation, azimuth, _ = (k[c] for k, c in zip(kept, of, strict=True))
        instance = (*INSTANCES["training"], *INSTANCES["testing"])[i % 10]
        name, row = ROWS[category, instance, elevation, azimuth]
        first_camera = Image.fromarray(HALVES[name][0][row, 0])
        expected = first_camera.resize((64, 64), Image.Resampling.LANCZOS)
        assert np.array_equal(images.stored[i, :, :, 0], np.asarray(expected))
    assert np.array_equal(images.factors, np.unique(images.factors, axis=0).repeat(10, axis=0))


def test_bytes_have_no_sign(tmp_path):
    """An even grey of 200 is 200 after the resampling; with a sign it would be -56."""
    halves = {
        name: (np.full_like(dat, 200), cat, info) for name, (dat, cat, info) in HALVES.items()
    }
    images = Few(path=published_files.smallnorb(tmp_path, halves)).images()
    assert (images.stored == 200).all()


NOT_A_GRID = "not one image of every combination of classes and each of the instances 0, 1, 2, 3, 5"
DAT, CAT, INFO = HALVES["testing"]


def repeated(column, value):
    """Every image with this value in a column of info."""
    info = INFO.copy()
    info[:, column] = value
    return info


@pytest.mark.parametrize(
    ("part", "content", "sentence"),
    [
        (0, matrix(DAT, magic=published_files.INTEGERS), "it begins with 0x1e3d4c54, where 0x1e3d"),
        (1, matrix(CAT, magic=published_files.BYTES), "with 0x1e3d4c55, where 0x1e3d4c54, for int"),
        (0, b"\x89HDF" + matrix(DAT)[4:], "it begins with 0x46444889, where 0x1e3d4c55"),
        (0, matrix(DAT[:, 0]), "it has 3 axes, where 4 are expected"),
        (0, matrix(DAT[1:]), r"it is a matrix of \(59, 2, 96, 96\), where \(60, 2, 96, 96\) is"),
        (0, matrix(DAT, sizes=(2**30, 2, 96, 96)), r"it is a matrix of \(1073741824, 2, 96, 96\)"),
        (0, matrix(DAT)[:-5], "is truncated or damaged: it ends 5 bytes too early"),
        (0, matrix(DAT)[:6], "is truncated or damaged: it ends 2 bytes too early"),
        (1, matrix(CAT) + b"0", "more follows its values"),
        (1, matrix(CAT + 1), "its category runs from 1 to 2, where 0 to 1 are expected"),
        (1, matrix(1 - CAT * 2), "its category runs from -1 to 1, where 0 to 1 are expected"),
        (1, matrix(1 - CAT), None),  # the categories change places: a whole grid, too
        (1, matrix(CAT * 0), NOT_A_GRID),
        (
            2,
            matrix(repeated(0, 3)),
            NOT_A_GRID,
        ),
        (2, matrix(repeated(0, 10)), "its instance runs from 10 to 10, where 0 to 9 are expected"),
        (2, matrix(repeated(2, 3)), "its azimuth has the odd number 3"),
        (2, matrix(repeated(3, 1)), "its lighting runs from 1 to 1, where 0 to 0 are expected"),
        (
            2,
            HALVES["training"][2],
            NOT_A_GRID,
        ),
    ],
)
def test_another_file_is_refused(tmp_path, part, content, sentence):
    halves = HALVES | {"testing": [*HALVES["testing"]]}
    halves["testing"][part] = content
    folder = published_files.smallnorb(tmp_path, halves)
    if sentence is None:
        Few(path=folder).images()
        return
    with pytest.raises(UserError, match=sentence) as refused:
        Few(path=folder).images()
    named = ("dat", "cat", "info")[2 if "combination" in sentence else part]
    assert str(refused.value).startswith(f"{folder / NORB['testing']}-{named}.mat.gz is ")


def test_a_damaged_file_is_refused(tmp_path):
    published_files.smallnorb(tmp_path, HALVES)
    path = tmp_path / f"{NORB['training']}-dat.mat.gz"
    whole, last = path.read_bytes(), gzip.compress(matrix(HALVES["training"][0]))[:-8]
    for content in (b"", b"no archive", whole[: len(whole) // 2], last + bytes(8)):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"-dat\.mat\.gz is truncated or damaged: "):
            Few(path=tmp_path).images()


def test_files_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTBENCH_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"-dat\.mat\.gz is not there; .* or name the folder with"):
        smallnorb.dataset().images()
    published_files.smallnorb(tmp_path, HALVES, ".mat")
    (tmp_path / f"{NORB['testing']}-info.mat").unlink()
    with pytest.raises(UserError, match=r"-testing-info\.mat\.gz is not there; let `path:` name "):
        Few(path=tmp_path).images()
