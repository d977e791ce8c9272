"""The benchmarks run; what they measure is theirs."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

CPU = torch.device("cpu")
FOLDER = Path(__file__).parents[1] / "benchmarks"
SMALL = {"batch": 2, "architecture": "conv_burgess2018", "precision": "float32"}


@pytest.fixture
def benchmark(monkeypatch):
    """A module of benchmarks/ by its name, on few images and in no time."""
    monkeypatch.syspath_prepend(FOLDER)
    steps = importlib.import_module("steps")
    few = {"posX": [0, 31], "posY": [0, 31], "orientation": [0], "scale": [0, 5]}
    monkeypatch.setattr(steps, "GRID", few)
    monkeypatch.setattr(steps, "SECONDS", 0.0)
    return importlib.import_module


def test_the_gpus_section_has_a_row_a_case(benchmark):
    gpu = benchmark("gpu")
    cases = tuple(gpu.Case(members=members, **SMALL) for members in (1, 2))
    *text, first, second = gpu.measured(cases, CPU, side=64).splitlines()
    assert "float32 | 2 | 1 |" in first
    assert "float32 | 2 | 2 |" in second
    assert {line.count("|") for line in (first, second, *text[-2:])} == {10}


def test_operations_are_those_of_the_layers(benchmark):
    """Encoder 4096-1200-1200-20 and decoder 10-1200-1200-1200-4096, a product and a sum a weight:
    forward, to the weights, and to the inputs of all layers but the first."""
    steps = benchmark("steps")
    case = steps.Case("vae", "mlp_chen2018", "float32", batch=2)
    encoder = [4096 * 1200, 1200 * 1200, 1200 * 20]
    decoder = [10 * 1200, 1200 * 1200, 1200 * 1200, 1200 * 4096]
    expected = 2 * (3 * sum(encoder + decoder) - encoder[0])
    assert steps.operations(case, steps.resident(case, CPU)) == expected


def test_the_processors_sections(benchmark, monkeypatch):
    cpu = benchmark("cpu")
    monkeypatch.setattr(cpu, "ONE", cpu.Case(members=1, **SMALL))
    monkeypatch.setattr(cpu, "CASES", (cpu.ONE, cpu.ONE._replace(precision="bf16")))
    monkeypatch.setattr(cpu, "growth", list)
    assert cpu.costs().count("| beta_tcvae | conv_burgess2018 |") == 2
    rows = dict(line.strip("| ").split(" | ") for line in cpu.profiled().splitlines()[7:])
    assert float(rows["convolutions, gradients"]) > 0
    parts = [float(spent) for name, spent in rows.items() if name != "all"]
    assert float(rows["all"]) == pytest.approx(sum(parts), abs=0.1 * len(parts))


def test_contenders_are_compared_in_the_same_round(benchmark, monkeypatch):
    """Rates of one and two copies side by side; each ratio is one of rates of its own round."""
    cpu = benchmark("cpu")
    said = [sys.executable, "-c", "print('warm'); print(30.0, 0.5)"]
    assert cpu.side_by_side(said, 1) == (30.0, 0.5)
    assert cpu.side_by_side(said, 2) == (60.0, 1.0)
    found = {"ours": [(10.0, 1.0), (40.0, 2.0)]}
    found |= {name: [(5.0, 1.0), (10.0, 1.0)] for name in cpu.PEERS.values()}
    ratio = "3.00 (2.00 to 4.00)"
    assert cpu.compared("ours", found) == f"| ours | 25 | 10 to 40 | {ratio} | {ratio} | 2.00 |"


def test_a_shift_by_bf16_would_show(benchmark):
    precision = benchmark("precision")
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([precision.SETTINGS, range(24)])
    exact, alike = (
        pd.DataFrame(rng.normal(size=(len(index), 5)), index, precision.VALUES) for _ in "ab"
    )
    assert "The least of the p-values is 0.000" in precision.text(exact, alike + 3)
    assert "The least of the p-values is 0.000" not in precision.text(exact, alike)


def test_what_an_objective_does_is_said_beside_the_vae(benchmark):
    """The same seeds shifted by 2: their difference is exact, its interval that of their spread."""
    objectives = benchmark("objectives")
    values = {"vae": [1.0, 2.0, 3.0], "dip_vae_i": [3.0, 4.0, 5.0]}
    tidy = pd.DataFrame(
        [
            (objective, "default", seed, metric, value)
            for objective, numbers in values.items()
            for seed, value in enumerate(numbers)
            for metric in objectives.VALUES
        ],
        columns=["objective", "setting", "seed", "metric", "value"],
    )
    vae, other = objectives.text(objectives.scores(tidy)).splitlines()[-2:]
    assert vae.startswith("| vae | default | 2.0 ± 1.0 | 2.00 ± 1.00 |")
    assert vae.endswith("|  |  |")
    assert other.endswith("| 2.00 (-0.27 to 4.27) | 2.00 (-0.27 to 4.27) |")


def test_what_a_part_alters_is_said_beside_the_spread_over_seeds(benchmark):
    """Values of seeds are 1, 2 and 3; one way is half a unit off, to either side."""
    evaluation = benchmark("evaluation")
    off = {"float16": (0.5, -0.5, 0.5)}
    table = pd.DataFrame(
        [
            (str(run), name, 1.0 + run + off.get(way, (0, 0, 0))[run], objective, way)
            for way in (*evaluation.WAYS, evaluation.AGAIN)
            for objective in evaluation.STUDY["objectives"]
            for run in range(3)
            for name in ("mig", "rate_se")
        ],
        columns=["run", "metric", "value", "objective", "way"],
    )
    lines = evaluation.text(table, 0.01, dict.fromkeys(evaluation.WAYS, 10**6), 1.0).splitlines()
    head, _, row = (line.strip("| ").split(" | ") for line in lines if line.startswith("|"))
    cells = dict(zip(head, row, strict=True))
    assert (cells["value"], cells["mean"], cells["over seeds"]) == ("mig", "2", "1")
    assert (cells["float16"], cells["stride 2"]) == ("0.5000", "0.0000")
