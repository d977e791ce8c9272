"""Files from a stranger are data: none is unpickled, and none leads to another."""

import json
import pickle
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from builders.strangers import STUDY, Bomb, images, refused

from disentbench.cli import main
from disentbench.datasets import dsprites_npz
from disentbench.errors import UserError
from disentbench.models import model_file
from disentbench.storage import seals

pytestmark = pytest.mark.usefixtures("canary")


def torch_file(path: Path, content) -> None:
    with seals.sealed(path) as part:
        torch.save(content, part)


def pickle_file(path: Path, content) -> None:
    with seals.sealed(path) as part:
        part.write_bytes(pickle.dumps(content))


def old_torch_file(path: Path, content) -> None:
    with seals.sealed(path) as part:
        torch.save(content, part, _use_new_zipfile_serialization=False)


def model(**parts) -> dict:
    return {"fingerprint": "", "parameters": {}, "failed": torch.zeros(1), "origins": []} | parts


BOMBS = [Bomb(), model(parameters=Bomb()), model(origins=[Bomb()]), {"fingerprint": Bomb()}]


@pytest.mark.parametrize("write", [torch_file, pickle_file, old_torch_file])
@pytest.mark.parametrize("content", BOMBS, ids=["alone", "parameters", "origins", "fingerprint"])
def test_a_model_is_never_unpickled(capsys, write, content):
    write(Path("model.pt"), content)
    words = ["--images", images(), "--model", "model.pt", "--latents", "latents.h5"]
    assert "model.pt cannot be read" in refused(capsys, "encode", json.dumps(STUDY), *words)


@pytest.mark.parametrize("write", [torch_file, pickle_file, old_torch_file])
@pytest.mark.parametrize("content", BOMBS, ids=["alone", "parameters", "origins", "fingerprint"])
def test_a_checkpoint_is_never_unpickled(capsys, write, content):
    """It counts as damaged: the training says so and begins anew."""
    write(Path("checkpoints/seeds-0-0.pt"), content)
    words = ["--images", images(), "--model", "model.pt", "--history", "history.csv"]
    words += ["--checkpoints", "checkpoints"]
    assert main(["train", json.dumps(STUDY), *map(str, words)]) == 0
    assert "begins anew" in capsys.readouterr().err
    assert model_file.load(Path("model.pt")).parameters


MEAN = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
FACTORS = np.random.default_rng(1).integers(0, 4, (20, 2))
BOMB = np.array([[Bomb()]], dtype=object)


@pytest.mark.parametrize("name", ["mean", "factors", "logvar"])
@pytest.mark.parametrize("command", ["score", "levels", "audit"])
def test_an_array_of_objects_is_never_unpickled(capsys, name, command):
    np.savez("x.npz", **({"mean": MEAN, "factors": FACTORS} | {name: BOMB}))
    assert "x.npz cannot be read" in refused(capsys, command, "x.npz")


@pytest.mark.parametrize("name", ["x.npz", "x.csv", "x.parquet", "x.h5"])
def test_a_pickle_by_another_name_is_never_unpickled(capsys, name):
    Path(name).write_bytes(pickle.dumps(Bomb()))
    assert name in refused(capsys, "score", name)
    pd.DataFrame({"z0": [1], "v0": [0]}).assign(z0=[Bomb()]).to_pickle(name)
    assert name in refused(capsys, "score", name)


@pytest.mark.parametrize("name", ["imgs", "latents_classes"])
def test_the_published_images_are_never_unpickled(capsys, name):
    arrays = {"imgs": np.zeros((1, 64, 64), np.uint8), "latents_classes": FACTORS}
    np.savez("x.npz", **(arrays | {name: BOMB}))
    assert "x.npz" in refused(capsys, "compare-dsprites", "x.npz")
    options = json.dumps({"path": "x.npz"})
    refused(capsys, "data", "dsprites_npz", "--options", options, "--out", "images.h5")
    with pytest.raises(UserError):
        dsprites_npz.read_bits("x.npz", (1,))


@pytest.mark.parametrize("member", ["../mean.npy", "/mean.npy", "mean"])
def test_an_archive_writes_no_files(capsys, member):
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr(member, b"touch")
    refused(capsys, "score", "x.npz")


SECRET = "secret.h5"


def linked(file):
    file["mean"] = h5py.ExternalLink(SECRET, "mean")


def linked_softly(file):
    file["away"] = h5py.ExternalLink(SECRET, "/")
    file["mean"] = h5py.SoftLink("/away/mean")


def linked_deeply(file):
    file["mean"] = MEAN
    file["logits/a"] = h5py.ExternalLink(SECRET, "mean")


def linked_as_attribute(file):
    file["mean"] = MEAN
    file["scales"] = h5py.ExternalLink(SECRET, "mean")


def stored_elsewhere(file):
    storage = [(str(Path("secret.txt").resolve()), 0, 240)]
    file.create_dataset("mean", (20, 3), np.float32, external=storage)


def virtual(file):
    layout = h5py.VirtualLayout((20, 3), np.float32)
    layout[:] = h5py.VirtualSource(SECRET, "mean", (20, 3))
    file.create_virtual_dataset("mean", layout)


FOREIGN = [linked, linked_softly, linked_deeply, linked_as_attribute, stored_elsewhere, virtual]


@pytest.mark.parametrize("command", ["score", "levels", "audit"])
@pytest.mark.parametrize("put", FOREIGN)
def test_latents_do_not_lead_to_other_files(capsys, put, command):
    Path("secret.txt").write_bytes(b"x" * 240)
    with h5py.File(SECRET, "w") as file:
        file["mean"] = MEAN
    with h5py.File("x.h5", "w") as file:
        put(file)
        file["factors"] = FACTORS
        file["logvar"] = MEAN
    error = refused(capsys, command, "x.h5")
    assert re.search("link to another file|values in other files", error)


@pytest.mark.parametrize("put", FOREIGN)
def test_images_do_not_lead_to_other_files(capsys, put):
    path = images()
    Path("secret.txt").write_bytes(b"x" * 240)
    with h5py.File(path, "r+") as file:
        put(file)
    with seals.sealed("again.h5") as part:
        part.write_bytes(path.read_bytes())
    words = ["--model", "model.pt", "--history", "history.csv", "--checkpoints", "checkpoints"]
    assert main(["train", json.dumps(STUDY), "--images", "again.h5", *words]) == 2
    assert re.search("link to another file|values in other files", capsys.readouterr().err)
    assert not Path("model.pt").exists()
