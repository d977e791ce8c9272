"""The data set file: what is written is read, whole or not at all, and as data."""

import warnings
from dataclasses import fields, replace

import h5py
import numpy as np
import pytest
import torch
from builders.training import CPU

from disentbench.datasets import Images
from disentbench.datasets._grid import grid
from disentbench.datasets.dsprites import dataset
from disentbench.errors import UserError
from disentbench.models.device_images import Resident
from disentbench.storage.hdf5 import (
    create,
    json_attribute,
    open_data,
)
from disentbench.storage.images import Blocks
from disentbench.storage.images_file import read_images, write_images
from disentbench.storage.seals import SEAL_BYTES


def binary(size=20):
    return dataset(image_size=size, scale=[1, 4], orientation=0, posX=[0, 31]).images()


def coloured():
    rng = np.random.default_rng(0)
    return Images(
        name="colours",
        label="Colours",
        shape=(3, 4, 5),
        factors=grid((2, 3)),
        factor_names=("hue", "größe"),
        factor_values=(np.array([0.0, 0.5]), np.array([1.0, 2.0, 4.0])),
        pixels=rng.integers(256, size=(6, 4, 5, 3), dtype=np.uint8),
    )


def bare():
    """Images of which nothing is known."""
    nothing = np.zeros((6, 0), np.int64)
    return replace(coloured(), factors=nothing, factor_names=(), factor_values=())


def named():
    """Images whose classes have names, and something to be rendered with."""
    values = np.array(["red", "größer"]), np.array([1.0, 2.0, 4.0])
    return replace(
        coloured(), factor_values=values, material={"picture": np.eye(3, dtype=np.uint8)}
    )


@pytest.mark.parametrize("images", [binary(), binary(64), coloured(), bare(), named()])
def test_what_is_written_is_read(tmp_path, images):
    write_images(images, tmp_path / "new" / "images.h5", {"device": "cpu"})
    back = read_images(tmp_path / "new" / "images.h5")
    for field in fields(Images):
        np.testing.assert_equal(getattr(back, field.name), getattr(images, field.name))
    assert back.factor_sizes == images.factor_sizes
    assert back.factors.dtype == np.int64
    with open_data(tmp_path / "new" / "images.h5") as file:
        assert json_attribute(file, "provenance") == {"device": "cpu"}


def test_the_same_images_make_the_same_file(tmp_path):
    for name in "ab":
        write_images(binary(), tmp_path / name, {"x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_viewer_is_told_what_the_axes_are(tmp_path):
    write_images(binary(), tmp_path / "images.h5", {})
    with h5py.File(tmp_path / "images.h5") as file:
        assert [axis.label for axis in file["bits"].dims] == ["image", "byte"]
        assert [axis.label for axis in file["factors"].dims] == ["image", "factor"]
        assert file.attrs["dataset"] == "dsprites"
        assert file.attrs["factor_sizes"].tolist() == [3, 2, 1, 2, 32]


@pytest.mark.parametrize("index", [list(range(12)), [5, 0, 5], []])
def test_on_a_device_images_are_their_pixels(index):
    images = binary()
    flat = np.unpackbits(images.bits, axis=1)[:, : 20 * 20]
    x = Resident(images, CPU)[torch.tensor(index, dtype=torch.int64)]
    assert x.dtype == torch.float32
    assert np.array_equal(x.numpy(), flat.reshape(-1, 1, 20, 20)[index])


def test_on_a_device_colours_run_from_0_to_1():
    images = coloured()
    values = Resident(images, CPU)[torch.tensor([[4, 1], [0, 0]])]
    assert values.shape == (2, 2, 3, 4, 5)
    assert values[0, 1, 2, 3, 0].item() == pytest.approx(images.pixels[1, 3, 0, 2] / 255)
    assert torch.equal(values[1, 0], values[1, 1])


def test_pixels_are_mapped_and_not_loaded(tmp_path):
    """They lie in the file as they are, where all processes see the same, and nobody writes."""
    path, images = tmp_path / "images.h5", coloured()
    write_images(images, path, {}, {"of": "colours"})
    back = read_images(path)
    assert isinstance(back.pixels, np.memmap)
    assert back.pixels.mode == "r"  # of another one the system would keep memory ready
    assert images.pixels.tobytes() in path.read_bytes()
    with pytest.raises(ValueError, match="read-only"):
        back.pixels[:] = 0
    assert np.array_equal(back.pixels, images.pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resident = Resident(back, CPU)
    assert resident.rows.data_ptr() == back.pixels.ctypes.data


def test_a_file_says_the_word_for_its_images_and_is_believed(tmp_path):
    path, images = tmp_path / "images.h5", coloured()
    write_images(images, path, {}, {"of": "colours"})
    assert read_images(path).known_digest == images.digest
    write_images(images, path, {})
    assert read_images(path).known_digest is None
    assert read_images(path).digest == images.digest


def streamed(images, sizes):
    """The same images, of which so many come at a time."""

    def blocks():
        first = 0
        for size in sizes:
            yield images.pixels[first : first + size]
            first += size

    return replace(images, pixels=Blocks(images.pixels.shape, blocks))


@pytest.mark.parametrize("sizes", [[6], [1] * 6, [4, 2], [5, 0, 1]])
def test_what_comes_in_blocks_is_the_same_file(tmp_path, sizes):
    images = streamed(coloured(), sizes)
    assert images.digest == coloured().digest
    assert np.array_equal(images.stored, coloured().pixels)
    for name, written in (("a", coloured()), ("b", images)):
        write_images(written, tmp_path / name, {}, {"of": "colours"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("sizes", [[5], [6, 1], []])
def test_more_or_fewer_than_were_promised_are_no_file(tmp_path, sizes):
    pixels = np.zeros((9, 4, 5, 3), np.uint8)
    blocks = Blocks((6, 4, 5, 3), lambda: (pixels[:size] for size in sizes))
    with pytest.raises(UserError, match=rf"it gives {sum(sizes)} images, and its factors are of 6"):
        write_images(replace(coloured(), pixels=blocks), tmp_path / "images.h5", {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("block", [np.zeros((6, 5, 4, 3), np.uint8), np.zeros((6, 4, 5, 3))])
def test_blocks_of_another_kind_are_no_file(tmp_path, block):
    images = replace(coloured(), pixels=Blocks((6, 4, 5, 3), lambda: iter([block])))
    with pytest.raises(
        UserError, match=r"it gives images as .*, where uint8 \(4, 5, 3\) is expected"
    ):
        write_images(images, tmp_path / "images.h5", {})
    assert not list(tmp_path.iterdir())


def interrupted(path, error):
    with create(path) as file:
        file["bits"] = np.zeros(10)
        raise error


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "images.h5"
    write_images(binary(), path, {})
    before = path.read_bytes()
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            interrupted(path, error)
    with pytest.raises(TypeError):
        write_images(binary(), path, {"not": object()})
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_what_is_no_hdf5_file_is_refused(tmp_path):
    path = tmp_path / "images.h5"
    write_images(binary(), path, {})
    whole = path.read_bytes()
    with pytest.raises(UserError, match=r"nowhere\.h5 does not exist"):
        read_images(tmp_path / "nowhere.h5")
    with pytest.raises(UserError, match="is not a file; name an HDF5 file"):
        read_images(tmp_path)
    for broken in (b"", b"PK\3\4 something else"):
        path.write_bytes(broken)
        with pytest.raises(UserError, match="is not an HDF5 file"):
            read_images(path)
    for length in (20, 600, len(whole) // 2, len(whole) - SEAL_BYTES - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="is truncated or damaged"):
            read_images(path)


def test_a_damaged_chunk_is_the_files_fault(tmp_path):
    path = tmp_path / "images.h5"
    write_images(binary(), path, {})
    with h5py.File(path) as file:
        chunk = file["bits"].id.get_chunk_info(0)
    broken = bytearray(path.read_bytes())
    broken[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(broken)
    with pytest.raises(UserError, match="is damaged: its content is not what its checksum says"):
        read_images(path)
    path.write_bytes(broken[:-SEAL_BYTES])
    with pytest.raises(UserError, match="is damaged: 'bits' cannot be read"):
        read_images(path)


def test_another_hdf5_file_is_no_data_set_file(tmp_path):
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file["mean"] = np.zeros((3, 2))
    with pytest.raises(UserError, match="has no attribute 'schema'"):
        read_images(tmp_path / "file.h5")
    with h5py.File(tmp_path / "file.h5", "a") as file:
        file.attrs["schema"] = 2
    with pytest.raises(UserError, match="has schema 2; this version reads schema 1"):
        read_images(tmp_path / "file.h5")


def test_parts_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "images.h5"
    write_images(binary(), path, {})
    with h5py.File(path, "a") as file:
        file.attrs["shape"] = (1, 64, 64)
    with pytest.raises(UserError, match="holds images as uint8"):
        read_images(path)
    write_images(binary(), path, {})
    with h5py.File(path, "a") as file:
        rows = file["bits"][1:]
        del file["bits"]
        file["bits"] = rows
    with pytest.raises(UserError, match="holds images as uint8"):
        read_images(path)
