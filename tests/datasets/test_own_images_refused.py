"""Files of somebody's images that cannot be read: one sentence, which names the file."""

import h5py
import numpy as np
import pytest
from builders.own_images import BITS, BYTES, DATASETS, FACTORS, RNG, ROWS, TEXT
from pydantic import ValidationError

from disentbench.datasets import h5, npz
from disentbench.errors import UserError

WRONG_SHAPES = {
    "nothing to measure": [(1, 8, 8), (0, 8, 8)],
    "say `axes: NHWC` or `axes: NCHW`": [(9, 3, 64, 3), (9, 1, 8, 1), (9, 1, 8, 3)],
    "drop alpha": [(9, 8, 8, 4), (9, 4, 8, 8)],
    "1 or 3 channels": [(9, 8, 8, 2), (9, 8, 8, 8)],
    "[image, height, width] will do": [(9,), (9, 64), (9, 1, 2, 3, 4)],
}


@pytest.mark.parametrize(("sentence", "shapes"), WRONG_SHAPES.items())
def test_no_shape_is_guessed(own, sentence, shapes):
    for shape in shapes:
        said = own.refused(images=np.zeros(shape, np.uint8))
        assert said.startswith(f"{own.path}: ")
        assert sentence in said


def test_axes_must_have_channels(own):
    said = own.refused({"axes": "NCHW"}, images=BYTES)
    assert "with `axes: NCHW` 5 channels; 1 or 3 will do" in said


WRONG_PIXELS = [
    ("bytes", BYTES / 255, "say `values: unit`"),
    ("bytes", BITS.astype(bool), "say `values: binary`"),
    ("bytes", BITS, "store them as uint8"),
    ("bytes", BYTES.astype(np.uint16), "store them as uint8"),
    ("unit", BYTES, "say `values: bytes`"),
    ("binary", BITS / 1.0, "say `values: unit`"),
    ("bytes", np.full((ROWS, 5, 7), 1j), "store them as uint8"),
]


@pytest.mark.parametrize(("values", "images", "sentence"), WRONG_PIXELS)
def test_no_kind_of_pixel_is_guessed(own, values, images, sentence):
    assert sentence in own.refused({"values": values}, images=images)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("odd", [-0.01, 1.01, np.nan, np.inf])
def test_a_number_that_is_no_shade_is_named_by_its_row(own, odd):
    images = RNG.random((ROWS, 5, 7)).astype(np.float32)
    images[17, 2, 3] = odd
    said = own.refused({"values": "unit"}, images=images)
    assert f"its images hold {odd:.6g} in row 17; `values: unit` takes numbers from 0 to 1" in said


@pytest.mark.usefixtures("small_blocks")
def test_what_is_not_binary_is_named_by_its_row(own):
    images = BITS.copy()
    images[19, 4, 6] = 2
    said = own.refused({"values": "binary"}, images=images)
    assert "its images hold 2 in row 19; `values: binary` takes 0 and 1" in said


WRONG_FACTORS = [
    ({"factors": FACTORS[1:]}, f"its factors have the shape ({ROWS - 1}, 2)"),
    ({"factors": FACTORS[:, 0]}, f"its factors have the shape ({ROWS},)"),
    ({"factors": FACTORS + 0.5}, "factor 0 is"),
    ({"factors": np.where(FACTORS == 0, np.nan, FACTORS)}, "factor 1 is nan in row"),
    ({"factors": FACTORS + 0j}, "its classes must be whole numbers or text"),
    ({"factors": FACTORS, "factor_names": ["a"]}, "there are 2 factors and 1 names for them"),
    ({"factors": FACTORS, "factor_names": ["a", "a"]}, "'a' twice; name each factor once"),
    ({"factors": FACTORS, "factor_names": [1, 2]}, "they must be a list of text"),
    ({"factors": FACTORS, "factor_names": [["a", "b"]]}, "they must be a list of text"),
    ({"factor_names": ["a", "b"]}, "it has 'factor_names' and no array 'factors'"),
    ({"factors": FACTORS, "factor_values/factor0": [1.0]}, "has the shape (1,), and the factor 4"),
    ({"factors": FACTORS, "factor_values/factor1": [1, 2, np.inf]}, "neither a finite number nor"),
    ({"factors": FACTORS, "factor_values/hue": [1, 2]}, "'factor_values/hue' is of no factor"),
    ({"factors": np.where(TEXT == "red", "r\x1b[1m", TEXT)}, "that can be printed will do"),
    ({"factors": np.zeros((ROWS, 201), np.int8)}, "of at most 200 factors"),
]


@pytest.mark.parametrize(("arrays", "sentence"), WRONG_FACTORS)
def test_factors_that_do_not_fit(own, arrays, sentence):
    said = own.refused(images=BYTES, **arrays)
    assert said.startswith(f"{own.path}: ")
    assert sentence in said


@pytest.mark.parametrize("name", ["", "a/b", ".", "..", "a\nb", "a\x07", " a", "x" * 65])
def test_names_that_cannot_be_a_factors(own, name):
    said = own.refused(images=BYTES, factors=FACTORS, factor_names=["a", name])
    assert "cannot be a factor's name" in said


def test_a_file_that_cannot_be_read(own):
    with pytest.raises(ValidationError, match="cannot be looked at"):
        DATASETS[own.kind](path=own.path)
    own.path.mkdir()
    with pytest.raises(ValidationError, match="a folder, is not a file"):
        DATASETS[own.kind](path=own.path)
    own.path.rmdir()
    own.path.write_bytes(b"no such thing")
    with pytest.raises(ValidationError, match=r"cannot be read as \.npz|is not an HDF5 file"):
        DATASETS[own.kind](path=own.path)
    assert "it has no array 'images'; it holds imgs" in own.refused(imgs=BYTES)
    for path in (3, "", None):
        with pytest.raises(ValidationError, match=r"is no path; name an (\.npz|HDF5) file"):
            DATASETS[own.kind](path=path)


def test_a_damaged_file_gives_no_images(own):
    dataset = own.made(images=BYTES, factors=FACTORS)
    whole = own.path.read_bytes()
    for size in (len(whole) // 3, len(whole) - 30):
        own.path.write_bytes(whole[:size])
        with pytest.raises(UserError):
            list(dataset.images().in_blocks())


def test_an_archive_whose_pixels_were_altered_is_refused(tmp_path):
    np.savez(tmp_path / "own.npz", images=BYTES)
    whole = bytearray((tmp_path / "own.npz").read_bytes())
    whole[len(whole) // 2] ^= 1
    (tmp_path / "own.npz").write_bytes(whole)
    with pytest.raises((UserError, ValidationError), match="Bad CRC-32"):
        list(npz.dataset(path=tmp_path / "own.npz").images().in_blocks())


def test_pickles_and_fortran_order_are_refused(tmp_path):
    path = tmp_path / "own.npz"
    for name, arrays in {
        "Python objects": {"images": BYTES, "factors": np.array([[{}]] * ROWS, dtype=object)},
        "Fortran's order": {"images": np.asfortranarray(BYTES)},
    }.items():
        np.savez(path, **arrays)
        with pytest.raises(ValidationError, match=name):
            npz.dataset(path=path)


def test_what_was_not_written_is_refused_when_a_study_is_read(tmp_path):
    for chunks in (None, (1, 8, 8)):
        with h5py.File(tmp_path / "own.h5", "w") as file:
            file.create_dataset("images", (4, 8, 8), np.uint8, chunks=chunks)
        with pytest.raises(ValidationError, match="not all of them were written"):
            h5.dataset(path=tmp_path / "own.h5")


def test_links_out_of_an_hdf5_file_are_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = BYTES
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["images"] = h5py.ExternalLink("other.h5", "images")
    with pytest.raises(ValidationError, match="is a link to another file"):
        h5.dataset(path=tmp_path / "own.h5")


def test_chunks_that_would_fill_the_memory_are_refused(tmp_path):
    shape = (2, 4096, 4096, 3)
    with h5py.File(tmp_path / "own.h5", "w") as file:
        resizable = {"chunks": (16, *shape[1:]), "maxshape": (None, *shape[1:])}
        file.create_dataset("images", shape, np.uint8, compression="gzip", **resizable)
        file["images"].id.write_direct_chunk((0, 0, 0, 0), b"\0" * 100)
    sentence = r"images lies in chunks of 16 rows, which take 768 MiB"
    with pytest.raises(ValidationError, match=sentence):
        h5.dataset(path=tmp_path / "own.h5")
