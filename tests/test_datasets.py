"""What holds for every file in datasets/."""

import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from disentbench.datasets import Dataset, classes_kept, grid
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
