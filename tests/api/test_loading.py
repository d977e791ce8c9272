"""`disentbench.load`: files of before, files of another pack, and files from strangers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.packs import tiny
from builders.studies import made, trained

import disentbench
from disentbench.models import model_file
from disentbench.storage import seals
from disentbench.storage.layout import PackFolder

BEFORE = Path(__file__).parents[1] / "data/before"


def test_a_file_of_before_is_loaded_with_its_study(tmp_path):
    path = Path(shutil.copy(BEFORE / "model.pt", tmp_path / "model.pt"))
    with pytest.raises(ValueError, match=r"before recipes stood in such files; name its study="):
        disentbench.load(path)
    model = disentbench.load(path, study=BEFORE / "study.yaml", seed=1)
    stored = disentbench.latents(BEFORE / "latents.h5")
    dataset = model.recipe.dataset
    images = dataset.images().stored
    pixels = np.unpackbits(images, axis=1)[:, : np.prod(dataset.image_shape)].astype(bool)
    seen = pixels.reshape(len(pixels), *dataset.image_shape[1:])
    np.testing.assert_allclose(model.encode(seen).mean, stored.mean[1], atol=1e-3)
    assert model.history.empty
    shutil.copy(BEFORE / "history.csv", tmp_path)
    history = disentbench.load(path, study=BEFORE / "study.yaml", seed=1).history
    assert history["seed"].unique().tolist() == [1]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study whose models, without recipes in them, are as the pipeline leaves them."""
    of = made(seeds="0-1", metrics=["mig"])
    folder = tmp_path_factory.mktemp("results")
    trained(folder, of, failed=(1,))
    return of, folder


def test_the_place_of_a_file_says_which_pack_it_is(study, tmp_path):
    of, folder = study
    for pack in of.packs:
        path = PackFolder(folder / of.study / pack.path).model
        model = disentbench.load(path, study=json.loads(of.text), seed=0)
        assert model.recipe.pack.of == pack.of
        assert len(model.history) == 4
    moved = shutil.copy(path, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="is not where a pack of little has its model, such as"):
        disentbench.load(moved, study=json.loads(of.text), seed=0)
    with pytest.raises(ValueError, match="has the seeds 0 to 1, not 2; name one, seed=0"):
        disentbench.load(path, study=json.loads(of.text), seed=2)


def test_a_run_that_diverged_encodes_nothing(study):
    of, folder = study
    path = PackFolder(folder / of.study / of.packs[0].path).model
    model = disentbench.load(path, study=json.loads(of.text), seed=1)
    assert model.failed
    assert np.isnan(model.encode(np.zeros((2, 32, 32))).mean).all()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "mine.pt"
    disentbench.train(tiny("vae", seeds="0")).save(path)
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe": str(BEFORE / "study.yaml")}, "holds what is no recipe"),
        ({"recipe": "{}"}, "study"),
        ({"recipe": 3}, "cannot be read as a model"),
        ({"recipe": "{"}, "holds what is no recipe"),
        ({"history": torch.zeros(1)}, "cannot be read as a model"),
        ({"history": "\n"}, "the history of losses in the model file is no table"),
        ({"failed": torch.zeros(2, dtype=torch.bool)}, "does not hold the parameters"),
        ({"recipe": tiny("hfvae", seeds="0").text}, "does not hold the parameters"),
    ],
)
def test_what_a_stranger_wrote_is_looked_at(alone, tmp_path, change, words):
    content = model_file.load(alone)._asdict() | change
    model_file.save(tmp_path / "odd.pt", content)
    with pytest.raises(disentbench.UserError, match=words):
        disentbench.load(tmp_path / "odd.pt")


def test_a_damaged_file_is_found_out(alone, tmp_path):
    damaged = bytearray(alone.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged.pt").write_bytes(damaged)
    with pytest.raises(disentbench.UserError, match="is damaged"):
        disentbench.load(tmp_path / "damaged.pt")
    with pytest.raises(disentbench.UserError, match="does not exist"):
        disentbench.load(tmp_path / "none.pt")


def test_a_history_of_another_run_is_not_taken_for_its_own(alone, tmp_path):
    saved = model_file.load(alone)
    model_file.save(tmp_path / "model.pt", saved._replace(history="")._asdict())
    (tmp_path / "history.csv").write_text("seed,step,loss\n0,6,1.5\n")
    assert disentbench.load(tmp_path / "model.pt").history["loss"].tolist() == [1.5]
    seals.write_sums(tmp_path / "history.csv", identity={"of": "other/history"})
    assert disentbench.load(tmp_path / "model.pt").history.empty


@pytest.mark.parametrize("file", ["npz", "h5", "folder"])
def test_a_strangers_recipe_opens_no_file_of_ours(alone, tmp_path, file):
    content = model_file.load(alone)._asdict()
    read = json.loads(content["recipe"]) | {"datasets": {file: {"path": str(tmp_path)}}}
    model_file.save(tmp_path / "odd.pt", content | {"recipe": json.dumps(read)})
    with pytest.raises(disentbench.UserError, match=f"datasets.{file} does not say what its"):
        disentbench.load(tmp_path / "odd.pt")


@pytest.mark.parametrize("turn", [torch.Tensor.double, torch.Tensor.to_sparse, torch.Tensor.int])
def test_parameters_are_arrays_of_float32(alone, tmp_path, turn):
    content = model_file.load(alone)._asdict()
    content["parameters"] = {name: turn(p) for name, p in content["parameters"].items()}
    model_file.save(tmp_path / "odd.pt", content)
    with pytest.raises(disentbench.UserError, match="parameters that are no arrays of float32"):
        disentbench.load(tmp_path / "odd.pt")


def test_a_folder_is_no_model_and_nobody_is_told_to_remove_it(tmp_path):
    with pytest.raises(disentbench.UserError, match="a folder, is not a file; name a model"):
        disentbench.load(tmp_path)
