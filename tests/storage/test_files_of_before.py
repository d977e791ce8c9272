"""What the first version wrote still works: a study, its images, a model, latents, a checkpoint.

The files of `tests/data/before` are of revision 1a575c2, the checkpoint of a training that was
stopped at step 16 of 400.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from disentbench.cli import main
from disentbench.models import model_file
from disentbench.posterior.from_files import read_latents
from disentbench.storage import images_file
from disentbench.storage.study_file import read_recipe
from disentbench.training.loop import fingerprint

BEFORE = Path(__file__).parents[1] / "data/before"


@pytest.fixture
def before(tmp_path):
    return Path(shutil.copytree(BEFORE, tmp_path / "before"))


def train(folder, model, history):
    files = ["--images", folder / "images.h5", "--model", model, "--history", history]
    command = ["train", folder / "study.yaml", *files, "--checkpoints", folder / "checkpoints"]
    assert main([*map(str, command), "--threads", "1"]) == 0


def test_a_model_of_before_encodes_what_it_encoded(before):
    files = ["--images", before / "images.h5", "--model", before / "model.pt"]
    command = ["encode", before / "study.yaml", *files, "--latents", before / "new.h5"]
    assert main(list(map(str, command))) == 0
    old, new = (dict(read_latents(before / name)) for name in ("latents.h5", "new.h5"))
    assert old.keys() == new.keys() == {"0", "1"}
    for seed in old:
        np.testing.assert_allclose(new[seed].mean, old[seed].mean, atol=1e-3)
        np.testing.assert_allclose(new[seed].logvar, old[seed].logvar, atol=1e-3)
        assert new[seed].groups == old[seed].groups == {"position": [0, 1]}


def test_latents_of_before_are_scored(before):
    latents, out = str(before / "latents.h5"), str(before / "scores.csv")
    assert main(["score", latents, "--metrics", "mig,decomposition,elbo", "--out", out]) == 0
    scores = pd.read_csv(out)
    assert scores.groupby("metric").size().loc["mig"] == 2
    assert scores["value"].notna().all()


def test_a_training_that_was_stopped_before_goes_on(before, capfd):
    """Its code has changed since, so it would begin anew; here it is said to be of this code."""
    recipe = read_recipe(before / "study.yaml")
    path = before / "checkpoints/seeds-0-0.pt"
    saved = torch.load(before / "seeds-0-0.pt", weights_only=True)
    images = images_file.read_images(before / "images.h5")
    path.parent.mkdir()
    saved["players"] = {"model": {kind: saved.pop(kind) for kind in ("parameters", "moments")}}
    model_file.save(path, saved | {"fingerprint": fingerprint(recipe, images)})
    train(before, before / "new.pt", before / "new.csv")
    assert "seed 0  resumed at step 16/400" in capfd.readouterr().err
    old, new = (pd.read_csv(before / f"{name}.csv").set_index(["seed", "step"]) for name in HISTORY)
    assert new.index.equals(old.index)
    np.testing.assert_allclose(new.loc[0].loc[:16], old.loc[0].loc[:16], rtol=1e-6)
    last = [history["distortion"].groupby("seed").last() for history in (old, new)]
    np.testing.assert_allclose(*last, rtol=0.1)  # another machine rounds in another way


HISTORY = ("history", "new")
