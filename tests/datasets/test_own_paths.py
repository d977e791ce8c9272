"""What stands under a name of a file, and under a path, is said once and in one sentence."""

import json
import re
import warnings
import zipfile

import h5py
import numpy as np
import pytest
from builders.own_images import BYTES, FACTORS
from pydantic import ValidationError

from disentbench import plugins
from disentbench.cli import main
from disentbench.datasets import h5, npz
from disentbench.errors import UserError
from disentbench.storage import limits


def said_of(dataset, path):
    with pytest.raises(ValidationError) as refused:
        dataset(path=path)
    said = str(refused.value.errors()[0]["ctx"]["error"])
    assert said.count(path.name) == 1
    assert said.startswith(str(path))
    return said


def group(file, name):
    file.create_group(name)


def dead_link(file, name):
    file[name] = h5py.SoftLink("/nowhere")


def single(file, name):
    file[name] = 1


IS = {group: "a group", dead_link: "a link to '/nowhere', where nothing is", single: "one itself"}
ODD = [
    ("images", group, "has no dataset 'images': that is {}"),
    ("images", dead_link, "has no dataset 'images': that is {}"),
    ("factors", group, "has no dataset 'factors': that is {}"),
    ("factors", dead_link, "has no dataset 'factors': that is {}"),
    ("factor_values", dead_link, "factor_values must be a group of datasets, not {}"),
    ("factor_values", single, "factor_values must be a group of datasets, not {}"),
    ("factor_values/factor0", group, "has no dataset 'factor_values/factor0': that is {}"),
]


@pytest.mark.parametrize(("name", "put", "sentence"), ODD)
def test_what_is_no_dataset_is_called_what_it_is(tmp_path, name, put, sentence):
    path = tmp_path / "own.h5"
    with h5py.File(path, "w") as file:
        for other, array in {"images": BYTES, "factors": FACTORS}.items():
            if other != name:
                file[other] = array
        put(file, name)
    assert sentence.format(IS[put]) in said_of(h5.dataset, path)


def test_an_array_that_is_there_twice(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, images=BYTES)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("images.npy", archive.read("images.npy"))
    assert "has two arrays of the name 'images'" in said_of(npz.dataset, path)


def test_values_of_factors_are_named_by_their_factor(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, images=BYTES, factors=FACTORS, factor_values=[1, 2])
    said = said_of(npz.dataset, path)
    assert "'factor_values' is of no factor; factor_values/NAME is, of one of factor0, f" in said


NO_PATHS = ["a\0b", "a\ud800b", "\udcff.png", "a/" + "b" * 256, "a/" * 2100]
PATHS = [
    ("npz", {}, "path"),
    ("h5", {}, "path"),
    ("folder", {}, "path"),
    ("dsprites_npz", {}, "path"),
    ("shapes3d", {}, "path"),
    ("dsprites_background", {}, "picture"),
]


@pytest.mark.parametrize("path", NO_PATHS)
@pytest.mark.parametrize(("name", "options", "key"), PATHS)
def test_what_can_be_no_path_is_said_in_a_sentence(name, options, key, path):
    with pytest.raises(UserError, match="cannot be a path: it has ") as refused:
        plugins.make("datasets", name, options | {key: path})
    assert str(refused.value).startswith(f"datasets.{name}: {key}: ")
    str(refused.value).encode()


def test_the_command_says_so_too(tmp_path, capsys):
    words = ["data", "npz", "--options", json.dumps({"path": "a\0b"}), "--out"]
    assert main([*words, str(tmp_path / "images.h5")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_home_of_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert limits.expanded(limits.Path("~/a")) == tmp_path / "a"
    sentence = "~nobody-of-this-name/own.npz begins with the home of a user who is not known here"
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        npz.dataset(path="~nobody-of-this-name/own.npz")
