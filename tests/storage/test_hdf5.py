"""HDF5 files: whole or not there, and data alone."""

import h5py
import numpy as np
import pytest

from disentbench.errors import UserError
from disentbench.storage.hdf5 import array, attribute, create, json_attribute, open_data, row, shape


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
