"""What holds for every file in datasets/."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import disentbench
from disentbench.datasets import Dataset
from disentbench.datasets._grid import classes_kept, grid
from disentbench.plugins import load, names

NAMES = names("datasets")


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name):
    dataset = load("datasets", name)
    assert issubclass(dataset, Dataset)
    assert dataset.label
    assert dataset.reference


@pytest.mark.parametrize("name", NAMES)
def test_refuses_an_unknown_option(name):
    with pytest.raises(ValidationError, match="unknown key 'colour'; the keys are") as refused:
        load("datasets", name)(colour=0)
    assert refused.value.error_count() == 1


@pytest.mark.parametrize("name", NAMES)
def test_is_planned_without_torch(name):
    code = f"import sys, disentbench.datasets.{name}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_grid_counts_up_with_the_last_factor_fastest():
    assert grid((2, 1, 3)).tolist() == [[i, 0, j] for i in range(2) for j in range(3)]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [(4, (4,)), ([3, 0], (0, 3)), ({"stride": 2}, (0, 2, 4)), ({"stride": 9}, (0,))],
)
def test_a_choice_of_classes(choice, kept):
    assert classes_kept(choice, 6) == kept


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (6, "there is no class 6; choose from 0 to 5"),
        (-1, "there is no class -1; choose from 0 to 5"),
        ([0, 1.5], "there is no class 1.5; choose from 0 to 5"),
        (True, "there is no class True; choose from 0 to 5"),
        ("0", "there is no class '0'; choose from 0 to 5"),
        (None, "there is no class None; choose from 0 to 5"),
        ([], "keeps no class; name at least one of 0 to 5"),
        ([1, 1], "[1, 1] names a class twice"),
        ({"stride": 0}, "{'stride': 0} is no choice; write {stride: n} with a whole number n >= 1"),
        ({"step": 2}, "is no choice; write {stride: n}"),
        ({}, "is no choice; write {stride: n}"),
    ],
)
def test_a_wrong_choice_is_told_what_would_do(choice, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        classes_kept(choice, 6)


PLUGIN = '''
"""A data set of 500 images of three binary factors, and what may be wrong with it."""

from typing import ClassVar

import numpy as np

from disentbench.datasets import Dataset, Images


class Coins(Dataset):
    label: ClassVar[str] = "Coins"
    reference: ClassVar[str] = "a test"

    wrong: str = ""
    images_there: int = 500

    @property
    def factors(self):
        return {"a": (0, 1), "b": (0, 1), "c": (0, 1)}

    @property
    def size(self):
        return super().size if self.wrong == "grid" else self.images_there

    @property
    def image_shape(self):
        return (1, 64, 64)

    def images(self):
        rng = np.random.default_rng(0)
        parts = {
            "shape": (1, 64, 64),
            "factors": rng.integers(0, 2, (500, 3)),
            "bits": rng.integers(0, 256, (500, 512), dtype=np.uint8),
        }
        parts |= {
            "": {},
            "grid": {},
            "dtype": {"bits": parts["bits"].astype(float)},
            "shape": {"shape": (1, 32, 32)},
            "width": {"bits": parts["bits"][:, 1:]},
            "rows": {"bits": parts["bits"][1:]},
            "none": {"bits": None},
            "both": {"pixels": np.zeros((500, 64, 64, 1), np.uint8)},
            "pixels": {"bits": None, "pixels": np.zeros((500, 64, 64), np.uint8)},
            "classes": {"factors": parts["factors"] + 1},
            "floats": {"factors": parts["factors"] / 1.0},
            "names": {"factors": parts["factors"][:, :2]},
        }[self.wrong]
        values = (np.array([0.0, 1.0]),) * 3
        return Images("coins", "Coins", factor_names=("a", "b", "c"), factor_values=values, **parts)


dataset = Coins
'''
# The checks of a user, not the tests' own of shapes and types: in a process without their hook.
RUN = """
import contextlib, io, json, sys
from pathlib import Path
from disentbench.cli import main

def run(*words):
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(out):
        code = main([str(word) for word in words])
    return code, error.getvalue()

answers = {}
for wrong in sys.argv[1].split(","):
    options = json.dumps({"wrong": wrong})
    code, error = run("data", "coins", "--options", options, "--out", "images.h5")
    answers[wrong] = code, error, Path("images.h5").exists()
    Path("images.h5").unlink(missing_ok=True)
study = {
    "study": "x", "datasets": {"coins": {}}, "objectives": {"vae": {}}, "seeds": 0, "latents": 2,
    "architecture": {"of": "mlp_chen2018", "hidden": 4}, "metrics": ["mig"],
}
for batch in (500, 501):
    text = json.dumps(study | {"training": {"steps": 2, "batch_size": batch}})
    answers[f"status {batch}"] = *run("status", text), None
run("data", "coins", "--out", "images.h5")
for there in (500, 400):
    training = {"steps": 2, "batch_size": 300}
    datasets = {"coins": {"images_there": there}}
    text = json.dumps(study | {"training": training, "datasets": datasets})
    words = ["--images", "images.h5", "--model", f"{there}.pt", "--history", f"{there}.csv"]
    answers[f"train {there}"] = (
        *run("train", text, *words, "--checkpoints", f"{there}"), Path(f"{there}.pt").exists()
    )
print(json.dumps(answers))
"""
WRONG = {
    "grid": "has 500 images, where `size` of the data set 'coins' with these options is 8",
    "dtype": "it holds images as float64 (500, 512); its factors and its shape ask for uint8",
    "shape": "has 1, 32, 32 channels, height and width, where `stored_shape`",
    "width": "holds images as uint8 (500, 511)",
    "rows": "holds images as uint8 (499, 512)",
    "none": "holds bits and pixels, or neither",
    "both": "holds bits and pixels, or neither",
    "pixels": "holds images as uint8 (500, 64, 64); its factors and its shape ask for uint8 (500,",
    "classes": "the classes of 'a' run from 1 to 2, where its 2 values have 0 to 1",
    "floats": "it has factors as float64 (500, 3), where classes are expected",
    "names": "it has factors of another number than factor_names",
}


@pytest.fixture(scope="module")
def coins(tmp_path_factory):
    """What the commands say of a data set file that is dropped into a copy of the package."""
    folder = tmp_path_factory.mktemp("coins")
    package = Path(disentbench.__file__).parent
    shutil.copytree(package, folder / "disentbench", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "disentbench/datasets/coins.py").write_text(PLUGIN)
    command = [sys.executable, "-c", RUN, ",".join(["", *WRONG])]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_size_of_a_data_set_is_the_number_of_its_images(coins):
    assert coins[""] == [0, "", True]
    assert coins["status 500"][0] == 0
    code, error, _ = coins["status 501"]
    assert (code, "batch_size 501 is larger than coins's 500 images" in error) == (2, True)


@pytest.mark.parametrize("wrong", WRONG)
def test_images_of_a_wrong_kind_are_refused_before_they_are_written(coins, wrong):
    code, error, written = coins[wrong]
    assert WRONG[wrong] in error
    assert (code, error.count("\n"), written) == (2, 1, False)


def test_a_training_sees_the_images_that_its_study_means(coins):
    assert coins["train 500"][0] == 0
    assert coins["train 500"][2]
    code, error, trained = coins["train 400"]
    assert (code, trained) == (2, False)
    assert "images.h5 was made with other settings than those that are asked for" in error
