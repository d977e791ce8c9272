"""Files that are no files, or hold what none of ours do: one sentence, at once."""

import json
import os
import socket
from pathlib import Path

import h5py
import numpy as np
import pytest
from builders.strangers import FACTORS, MEAN, STUDY, h5, refused

from disentbench.errors import UserError
from disentbench.storage import seals

pytestmark = pytest.mark.usefixtures("canary")


def fifo(path):
    os.mkfifo(path)


def folder(path):
    Path(path).mkdir()


def device(path):
    Path(path).symlink_to("/dev/zero")


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


KINDS = {fifo: "a pipe", folder: "a folder", device: "a device", listening: "a socket"}
READERS = {
    **{
        f"score {name}": ["score", name]
        for name in ("x.npz", "x.npy", "x.h5", "x.csv", "x.parquet")
    },
    **{f"{name} x.npz": [name, "x.npz"] for name in ("levels", "audit", "compare-dsprites")},
    "levels x.h5": ["levels", "x.h5"],
    "status": ["status", "x.yaml"],
    "encode model": ["encode", "STUDY", "--images", "x.h5", "--model", "x.pt", "--latents", "l.h5"],
    "data": ["data", "dsprites_npz", "--options", '{"path": "x.npz"}', "--out", "i.h5"],
}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_named_and_never_opened(capsys, make, reader):
    words = [json.dumps(STUDY) if word == "STUDY" else word for word in READERS[reader]]
    for name in ("x.npz", "x.npy", "x.h5", "x.csv", "x.parquet", "x.yaml", "x.pt"):
        make(name)
    more = ["--with", "factors=x.npy"] if "x.npy" in words else []
    error = refused(capsys, *words, *more)
    assert KINDS[make] in error


def test_a_model_and_a_table_are_regular_files(tmp_path):
    for make, words in KINDS.items():
        path = tmp_path / make.__name__
        os.chdir(tmp_path)  # a socket's name is short
        make(path.name)
        for read in (seals.check_seal, seals.checked):
            with pytest.raises(UserError, match=words):
                read(path)


@pytest.mark.parametrize("command", ["score", "levels"])
def test_what_goes_with_the_codes_is_not_written_over(capsys, command):
    np.save("x.npy", MEAN)
    np.save("f.npy", FACTORS)
    before = Path("f.npy").read_bytes()
    words = ("x.npy", "--with", "factors=f.npy", "--metrics", "mig", "--out", "f.npy")
    assert "f.npy is named twice" in refused(capsys, command, *words)
    assert Path("f.npy").read_bytes() == before


@pytest.mark.parametrize("make", KINDS)
def test_no_file_takes_the_place_of_what_is_none(capsys, make):
    make("out.csv")
    before = Path("out.csv").stat()
    np.save("x.npy", MEAN)
    np.save("f.npy", FACTORS)
    words = ("x.npy", "--with", "factors=f.npy", "--metrics", "mig", "--out", "out.csv")
    assert "out.csv is " in refused(capsys, "score", *words)
    assert Path("out.csv").stat().st_mode == before.st_mode


@pytest.mark.parametrize("part", ['{"images": 3}', '{"stride": 2}'])
def test_a_part_is_of_a_data_set_file(capsys, part):
    np.save("x.npy", MEAN)
    np.save("f.npy", FACTORS)
    h5()
    for words in (("x.npy", "--with", "factors=f.npy"), ("x.h5",)):
        error = refused(capsys, "levels", *words, "--metrics", "mig", "--evaluate", part)
        assert f"images.h5; {words[0]} is none" in error


def test_a_link_to_itself_is_refused(capsys):
    Path("loop.h5").symlink_to("loop.h5")
    assert "loop.h5 cannot be read" in refused(capsys, "score", "loop.h5", "--metrics", "mig")


@pytest.mark.parametrize(
    "groups", ['{"a": [0.0, 1.0]}', '{"a": [true]}', '{"a": 0}', "[1]", "[[0]]"]
)
def test_groups_of_anything_but_latents_are_refused(capsys, groups):
    h5()
    with h5py.File("x.h5", "r+") as file:
        file.attrs["groups"] = groups
    error = refused(capsys, "score", "x.h5")
    assert "groups are" in error or "'groups' is no JSON object" in error


def test_an_attribute_of_many_values_is_refused(capsys):
    with h5py.File("x.h5", "w", libver="latest") as file:
        file["mean"], file["factors"] = MEAN, FACTORS
        file.attrs.create("groups", np.zeros(10**6, "i1"))
    assert "attribute 'groups' is too large" in refused(capsys, "score", "x.h5")


def test_a_filter_that_is_not_installed_is_named(capsys):
    """Nothing is damaged: the file was written where the filter is."""
    h5()
    with h5py.File("x.h5", "r+") as file:
        del file["mean"]
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((20, 3))
        plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space, kind = h5py.h5s.create_simple((20, 3)), h5py.h5t.IEEE_F32LE
        dataset = h5py.h5d.create(file.id, b"mean", kind, space, plan)
        dataset.write_direct_chunk((0, 0), MEAN.tobytes(), 0)
    error = refused(capsys, "score", "x.h5")
    assert "'mean' is compressed with the filter unknown (32015), which is not installed" in error
    assert "damaged" not in error
