"""`disentbench.train` and `load`: the numbers of the command, with nothing but arrays at hand."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from builders.packs import GRID, tiny

import disentbench
from disentbench.api import training
from disentbench.cli import main
from disentbench.recipe import Recipe
from disentbench.storage.study_file import read_recipe

STEPS = 6
KEYWORDS = {
    "dataset": GRID,
    "objective": "beta_tcvae",
    "beta": 4,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "latents": 3,
    "steps": STEPS,
    "batch_size": 16,
}


def command(*words):
    assert main([*map(str, words)]) == 0


def pipeline(folder, recipe):
    """The files that the workflow's commands make of a recipe, in the workflow's places."""
    folder = folder / recipe.pack.path
    folder.mkdir(parents=True)
    (name, options), *_ = json.loads(recipe.text)["datasets"].items()
    file = options.pop("of", name)
    images, model = ("--images", folder / "images.h5"), ("--model", folder / "model.pt")
    command("data", file, "--options", json.dumps(options), "--out", images[1])
    beside = ("--history", folder / "history.csv", "--checkpoints", folder / "checkpoints")
    command("train", recipe.text, *images, *model, *beside, "--threads", 1)
    command("encode", recipe.text, *images, *model, "--latents", folder / "latents.h5")
    return folder


def same(ours, theirs):
    names = ours.parameters.keys()
    assert names == theirs.parameters.keys()
    assert all(torch.equal(ours.parameters[name], theirs.parameters[name]) for name in names)
    pd.testing.assert_frame_equal(ours.history, theirs.history, check_exact=True)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """Two runs with groups of latents and a discrete one."""
    return tiny("hfvae", seeds="0-1", steps=STEPS)


@pytest.fixture(scope="module")
def folder(recipe, tmp_path_factory):
    return pipeline(tmp_path_factory.mktemp("results"), recipe)


@pytest.fixture(scope="module")
def model(recipe):
    return disentbench.train(recipe, seed=1)


@pytest.fixture(scope="module")
def seen():
    """The images of the tests' data set, and their factors."""
    options = {key: value for key, value in GRID.items() if key != "of"}
    return disentbench.data(GRID["of"], **options)


def test_a_run_is_the_workflows_bit_for_bit(model, folder):
    loaded = disentbench.load(folder / "model.pt", seed=1)
    same(model, loaded)
    assert loaded.recipe.text == model.recipe.text
    history = pd.read_csv(folder / "history.csv")
    assert len(history) == 2 * len(model.history)
    of_seed = history[history["seed"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(model.history, of_seed, check_exact=True)


def test_it_encodes_what_the_workflow_does(model, folder, seen):
    posterior, stored = model.encode(seen.images), disentbench.latents(folder / "latents.h5")
    assert stored.seeds == (0, 1)
    np.testing.assert_array_equal(posterior.mean, stored.mean[1])
    np.testing.assert_array_equal(posterior.logvar, stored.logvar[1])
    np.testing.assert_array_equal(seen.factors, stored.factors)
    assert seen.factor_names == stored.factor_names
    assert posterior.logits["shape"].shape == (len(seen.images), 3)


def test_what_is_saved_is_loaded_and_is_the_workflows_own_file(model, folder, tmp_path, recipe):
    """The command encodes it as the model of that one run."""
    path = tmp_path / "mine.pt"
    model.save(path)
    again = disentbench.load(path)
    same(model, again)
    assert (again.recipe.text, again.seed, repr(again)) == (model.recipe.text, 1, repr(model))
    images = ("--images", folder / "images.h5")
    out = tmp_path / "latents.h5"
    command("encode", model.recipe.text, *images, "--model", path, "--latents", out)
    theirs = disentbench.latents(folder / "latents.h5").mean[1]
    np.testing.assert_array_equal(disentbench.latents(out).mean[0], theirs)
    disentbench.load(folder / "model.pt", seed=1).save(tmp_path / "again.pt")
    same(disentbench.load(tmp_path / "again.pt"), model)


def test_the_command_takes_a_model_of_python_as_trained(folder, tmp_path, capfd):
    """Its fingerprint is that of the recipe, the images and the code."""
    model = disentbench.train(**KEYWORDS)
    model.save(tmp_path / "model.pt")
    beside = pipeline(tmp_path / "other", model.recipe)
    capfd.readouterr()
    (beside / "model.pt").write_bytes((tmp_path / "model.pt").read_bytes())
    files = ("--images", beside / "images.h5", "--model", beside / "model.pt")
    files += ("--history", beside / "history.csv", "--checkpoints", beside / "checkpoints")
    command("train", model.recipe.text, *files)
    assert "trained already" in capfd.readouterr().err


def test_keywords_are_a_study(tmp_path):
    study = {
        "study": "notebook",
        "datasets": {"dsprites_small": GRID},
        "objectives": {"beta_tcvae": {"beta": [4]}},
        "seeds": 2,
        "architecture": KEYWORDS["architecture"],
        "latents": 3,
        "training": {"steps": STEPS, "batch_size": 16},
    }
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    ours = disentbench.train(**KEYWORDS, seed=2)
    for source in (study, str(tmp_path / "study.yaml"), json.dumps(study), read_recipe(study)):
        same(disentbench.train(source), ours)
    assert ours.recipe.pack.path == "dsprites_small/beta_tcvae/beta-4/seeds-2-2"


BYTES = np.random.default_rng(0).integers(256, size=(30, 8, 8, 3), dtype=np.uint8)
COLOURS = np.array(["red", "green"])[np.arange(30) % 2][:, None]
OWN = {key: value for key, value in KEYWORDS.items() if key != "dataset"}
KINDS = {
    "bytes": (BYTES, {"values": "bytes"}),
    "unit": ((BYTES / 255)[..., 0], {"values": "unit"}),
    "binary": (BYTES[..., 0] > 127, {"values": "binary"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_images_in_memory_train_as_those_of_a_file(kind, tmp_path):
    images, options = KINDS[kind]
    path = tmp_path / "own.npz"
    np.savez(path, images=images, factors=COLOURS, factor_names=["colour"])
    held = disentbench.train(images=images, factors=COLOURS, factor_names=["colour"], **OWN)
    filed = disentbench.train(dataset={"of": "npz", "path": str(path)} | options, **OWN)
    same(held, filed)
    assert held.made_of == filed.made_of
    held.save(tmp_path / "held.pt")
    path.unlink()
    same(disentbench.load(tmp_path / "held.pt"), held)
    assert held.recipe.dataset.sizes == (2,)
    np.testing.assert_allclose(held.encode(images).mean, filed.encode(torch.tensor(images)).mean)


def test_a_training_leaves_the_process_as_it_was(monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    seen = []

    def failing(*_, **__):
        seen.append((torch.get_num_threads(), torch.backends.cudnn.deterministic))
        raise RuntimeError

    monkeypatch.setattr(training.loop, "train", failing)
    with pytest.raises(RuntimeError):
        disentbench.train(**KEYWORDS, threads=3)
    assert seen == [(3, True)]
    assert (torch.get_num_threads(), torch.backends.cudnn.deterministic) == (threads, False)


def test_progress_is_told_where_it_is_wanted(capsys):
    disentbench.train(**KEYWORDS)
    assert capsys.readouterr() == ("", "")
    disentbench.train(**KEYWORDS, progress=True)
    assert f"step {STEPS}/{STEPS}" in capsys.readouterr().err


def test_a_training_that_diverges_says_so():
    with pytest.warns(UserWarning, match="diverged; all that it encodes is NaN"):
        model = disentbench.train(**KEYWORDS | {"learning_rate": 1e30})
    assert model.failed
    assert np.isnan(model.encode(np.zeros((2, 16, 16))).mean).all()


REFUSED = {
    "no option named 'betta'; beta_tcvae has .*beta.*; training has steps": {"betta": 1},
    "warm_up is an option of beta_tcvae and of training": {"warm_up": 2},
    "no objective named 'btcvae'; choose from": {"objective": "btcvae"},
    "objective is .*; write a name, or options with the name as 'of'": {"objective": {"beta": 4}},
    "2 packs, and this command takes one": {"beta": [1, 4]},
    "training.steps is 0; it should be at least 1": {"steps": 0},
    "images are a data set of their own": {"images": BYTES},
    "factors go with images": {"factors": COLOURS},
    "leave out dataset, objective": {"recipe": {"study": "x"}},
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_does_not_fit_is_a_sentence(words):
    with pytest.raises(disentbench.UserError, match=words):
        disentbench.train(**KEYWORDS | REFUSED[words])


def test_a_pack_of_several_seeds_asks_for_one(recipe):
    with pytest.raises(ValueError, match="has the seeds 0 to 1, and one is trained; name it"):
        disentbench.train(recipe)


UNFIT = {
    "bytes of 0 and 1, where white is 255": BYTES[..., 0] % 2,
    "hold int64; bring uint8 from 0 to 255": BYTES.astype(int),
    r"8\.5 in row 3; .*numbers from 0 to 1": np.where(np.arange(30) == 3, 8.5, 0.5)[:, None, None],
    r"the shape \(30, 3, 8, 8\)": BYTES.transpose(0, 3, 1, 2),
    "there is one image": BYTES[:1],
}


@pytest.mark.parametrize("words", UNFIT)
def test_images_that_are_none_are_refused(words):
    images = UNFIT[words]
    images = np.broadcast_to(images, (30, 8, 8)) if images.shape[1:] == (1, 1) else images
    with pytest.raises(disentbench.UserError, match=f"arrays in memory: .*{words}"):
        disentbench.train(images=images, **OWN)
