"""The benchmarks run; what they measure is theirs."""

import importlib
from pathlib import Path

import pytest
import torch

from disentbench.training.device_images import Resident

CPU = torch.device("cpu")


@pytest.fixture
def training(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    module = importlib.import_module("training")
    monkeypatch.setattr(module, "SECONDS", 0.0)
    few = {"posX": [0, 31], "posY": [0, 31], "orientation": [0], "scale": [0, 5]}
    monkeypatch.setattr(module, "GRID", few)
    return module


def test_the_section_on_training_has_a_row_a_case(training):
    small = {"batch": 2, "architecture": "conv_burgess2018", "precision": "float32"}
    cases = tuple(training.Case(members=members, **small) for members in (1, 2))
    *text, first, second = training.measured(cases, CPU, side=64).splitlines()
    assert "float32 | 2 | 1 |" in first
    assert "float32 | 2 | 2 |" in second
    assert {line.count("|") for line in (first, second, *text[-2:])} == {10}


def test_operations_are_those_of_the_layers(training):
    """Encoder 4096-1200-1200-20 and decoder 10-1200-1200-1200-4096, a product and a sum a weight:
    forward, to the weights, and to the inputs of all layers but the first."""
    case = training.Case("vae", "mlp_chen2018", "float32", batch=2)
    encoder = [4096 * 1200, 1200 * 1200, 1200 * 20]
    decoder = [10 * 1200, 1200 * 1200, 1200 * 1200, 1200 * 4096]
    images = Resident(case.recipe.dataset.images(), CPU)
    expected = 2 * (3 * sum(encoder + decoder) - encoder[0])
    assert training.operations(case, images) == expected
