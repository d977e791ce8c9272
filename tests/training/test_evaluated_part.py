"""A part of the images is encoded as all of them are, and measured on its own factors."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from builders.packs import GRID, tiny
from builders.training import CPU

from disentbench.cli import main
from disentbench.models.device_images import Resident
from disentbench.models.model_file import Saved
from disentbench.models.vae import vae_of
from disentbench.scoring.calibration import calibrate
from disentbench.storage import images_file
from disentbench.storage.classes import classes
from disentbench.study.evaluation import Evaluate
from disentbench.training import encode

PARTS = ({"stride": {"posX": 2, "scale": 3}}, {"images": 50})


@pytest.mark.parametrize("keys", PARTS, ids=str)
@pytest.mark.parametrize("dataset", ["dsprites_small", "dsprites_noisy"])
def test_a_part_is_the_same_rows_of_the_whole(dataset, keys, monkeypatch):
    """Noise of codes and of rendering is an image's own, in chunks of any size.

    A product of few rows may sum in another order than one of many, and differ in the last digit.
    """
    recipe = tiny("hfvae", seeds="3-4", dataset=GRID | {"of": dataset, "orientation": 0})
    images, vae = recipe.dataset.images(), vae_of(recipe)
    members = [vae.initialise(np.random.default_rng(seed)) for seed in recipe.pack.seeds]
    stacked = {name: 3 * torch.stack([m[name] for m in members]) for name in members[0]}
    saved = Saved("", stacked, torch.tensor([False, False]), [])
    resident = Resident(images, CPU, recipe.dataset)
    rows = Evaluate(**keys).rows(images.factors, images.factor_names)
    assert 0 < len(rows) < len(images)

    def runs(**part):
        return list(encode.encode(vae, saved, resident, recipe.pack.seeds, CPU, **part))

    whole = runs()
    monkeypatch.setattr(encode, "CHUNK", 16)
    for all_of_it, part in zip(whole, runs(rows=rows), strict=True):
        for name in ("mean", "logvar", "distortion"):
            expected = getattr(all_of_it, name)[rows]
            np.testing.assert_allclose(getattr(part, name), expected, rtol=1e-5, atol=1e-6)
        expected = all_of_it.logits["shape"][rows]
        np.testing.assert_allclose(part.logits["shape"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("keys", PARTS, ids=str)
def test_levels_are_those_of_the_factors_that_are_measured(keys, tmp_path):
    images = tiny().dataset.images()
    images_file.write_images(images, tmp_path / "images.h5", {})
    words = ["levels", tmp_path / "images.h5", "--metrics", "mig,sap_r2", "--out"]
    out = tmp_path / "levels.csv"
    assert main([*map(str, words), str(out), "--evaluate", json.dumps(keys)]) == 0
    rows = Evaluate(**keys).rows(images.factors, images.factor_names)
    alone = calibrate(classes(images.factors[rows]), ["mig", "sap_r2"])
    pd.testing.assert_frame_equal(pd.read_csv(out), alone)


def test_what_is_asked_of_a_command_is_checked(tmp_path, capsys):
    images_file.write_images(tiny().dataset.images(), tmp_path / "images.h5", {})
    words = ["levels", str(tmp_path / "images.h5"), "--evaluate", '{"every": 2}']
    assert main(words) == 2
    assert "evaluate: unknown key 'every'; the keys are stride" in capsys.readouterr().err
