"""The data set file: what is written is read, whole or not at all, and as data."""

from dataclasses import fields

import h5py
import numpy as np
import pytest

from disentbench.datasets import Images
from disentbench.datasets._grid import grid
from disentbench.datasets.dsprites import dataset
from disentbench.errors import UserError
from disentbench.storage.hdf5 import (
    array,
    attribute,
    create,
    json_attribute,
    open_data,
    row,
    shape,
)
from disentbench.storage.images_file import read_images, unpack, write_images
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


@pytest.mark.parametrize("images", [binary(), binary(64), coloured()])
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


@pytest.mark.parametrize("index", [slice(None), np.array([5, 0, 5]), slice(3, 1)])
def test_unpacked_images_are_the_pixels(index):
    images = binary()
    flat = np.unpackbits(images.bits, axis=1)[:, : 20 * 20]
    assert np.array_equal(unpack(images, index), flat.reshape(-1, 1, 20, 20)[index])
    assert unpack(images, index).dtype == np.float32


def test_unpacked_colours_run_from_0_to_1():
    images = coloured()
    values = unpack(images, np.array([4, 1]))
    assert values.shape == (2, 3, 4, 5)
    assert values.dtype == np.float32
    assert values[1, 2, 3, 0] == pytest.approx(images.pixels[1, 3, 0, 2] / 255)


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


def test_nothing_is_there_until_the_block_ends(tmp_path):
    path = tmp_path / "images.h5"
    with create(path) as file:
        file["x"] = 1
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]


def link_out(file):
    file.create_group("deep")["out"] = h5py.ExternalLink("other.h5", "/secret")


def soft_link_through_a_link_out(file):
    file["door"] = h5py.ExternalLink("other.h5", "/")
    file["bits"] = h5py.SoftLink("/door/secret")


def external_storage(file):
    file.create_dataset("bits", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="u1")
    layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(4,))
    file.create_virtual_dataset("bits", layout)


@pytest.mark.parametrize(
    ("smuggle", "sentence"),
    [
        (link_out, "'deep/out' is a link to another file, other.h5; copy the values"),
        (soft_link_through_a_link_out, "'door' is a link to another file"),
        (external_storage, "'bits' keeps its values in other files"),
        (virtual, "'bits' keeps its values in other files"),
    ],
)
def test_a_file_that_leads_out_is_refused(tmp_path, smuggle, sentence):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.arange(4, dtype="u1")
    with h5py.File(tmp_path / "file.h5", "w") as file:
        smuggle(file)
    with pytest.raises(UserError, match=sentence) as refused, open_data(tmp_path / "file.h5"):
        pass
    assert str(refused.value).startswith(str(tmp_path / "file.h5"))


def test_links_within_the_file_may_pass(tmp_path):
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file["x"] = 7
        file["soft"] = h5py.SoftLink("/x")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file.create_group("loop")["up"] = file["/"]
    with open_data(tmp_path / "file.h5") as file:
        assert array(file, "soft") == 7
        with pytest.raises(UserError, match="no dataset 'dangling'"):
            array(file, "dangling")


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


def test_one_row_is_read_without_the_rest(tmp_path):
    with create(tmp_path / "file.h5") as file:
        file["mean"] = np.arange(6.0).reshape(3, 2)
    with open_data(tmp_path / "file.h5") as file:
        assert shape(file, "mean") == (3, 2)
        assert row(file, "mean", 1).tolist() == [2, 3]
        with pytest.raises(UserError, match="'mean' cannot be read"):
            row(file, "mean", 3)


def test_attributes_of_text(tmp_path):
    with create(tmp_path / "file.h5") as file:
        file.attrs["bytes"] = np.bytes_(b"Gr\xc3\xb6\xc3\x9fe")
        file.attrs["list"] = ["a", "ß"]
        file.attrs["json"] = "{"
        file.attrs["long"] = "x" * 200_000
    with open_data(tmp_path / "file.h5") as file:
        assert attribute(file, "bytes") == "Größe"
        assert attribute(file, "list") == ("a", "ß")
        assert len(attribute(file, "long")) == 200_000
        with pytest.raises(UserError, match="attribute 'json' is not JSON"):
            json_attribute(file, "json")
        with pytest.raises(UserError, match="has no dataset 'mean'; it holds nothing"):
            array(file, "mean")
