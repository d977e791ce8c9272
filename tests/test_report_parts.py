"""Parts of the report whose content is known: levels, information, numbers as text."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from disentbench.report import information, levels, origin, text
from disentbench.report.levels import Level


@pytest.fixture
def axes():
    ax = Figure().add_subplot()
    ax.set_ylim(0, 0.5)
    return ax


@pytest.mark.parametrize(
    ("level", "words", "heights"),
    [
        (Level(0.1, 0.4), ["perfect\ncode", "chance"], [0.4, 0.1]),
        (Level(0.1, 0.11), ["perfect\ncode,\nchance"], [0.11, 0.1]),
        (Level(0.1, 0.9), ["chance", "perfect\ncode\n0.900 ↑"], [0.1]),
        (Level(-1.0, np.nan), ["chance\n−1.00 ↓"], []),
    ],
    ids=["inside", "together", "beyond", "below, one unknown"],
)
def test_levels_are_lines_within_the_axis_and_words_beyond_it(axes, level, words, heights):
    levels.mark(axes, level)
    assert [each.get_text() for each in axes.texts if each.get_text()] == words
    assert [line.get_ydata()[0] for line in axes.lines] == heights
    assert axes.get_ylim() == (0, 0.5)


def test_levels_of_data_sets_are_told_apart_where_they_differ():
    known = {"left": {"mig": Level(0.1, 1.0)}, "right": {"mig": Level(0.2, 1.0)}}
    assert levels.text(known, "mig", "chance") == "0.100 (left), 0.200 (right)"
    assert levels.text(known, "mig", "perfect") == "1.00"
    assert levels.text(known, "sap", "chance") == "–"


def pack(folder, runs):
    """A pack's files: 4 images, a factor that varies and one that does not, a discrete group."""
    with h5py.File(folder / "latents.h5", "w") as file:
        file["factors"] = np.array([[0, 0], [0, 0], [1, 0], [1, 0]])
        file["factors"].attrs["names"] = ["shape", "still"]
        file["logits/kind"] = np.zeros((1, 4, 3))
    (folder / "scores").mkdir()
    (folder / "scores/mig.json").write_text(json.dumps({"runs": runs}))
    return folder


def test_information_is_a_share_of_what_there_is_to_know(tmp_path):
    nats = [[0.0, 0.0], [0.25 * np.log(2), 0.0], [np.log(2), 0.0]]
    detail = {"mig": {"mutual_information": nats, "per_factor": [0.75, 0.0]}}
    shown = information.read(pack(tmp_path, {"7": detail, "8": {"mig": {}}}), 7, "a run")
    assert shown.factors == ["shape"]
    assert shown.variables == ["kind", "z1", "z0"]
    assert shown.share[:, 0] == pytest.approx([1, 0.25, 0])
    assert shown.gaps == pytest.approx([0.75])
    written = [each.get_text() for each in information.panel(shown).axes[0].texts]
    assert written == ["1.00", "0.25", "0", "0.75"]
    assert information.read(tmp_path, 8, "a run that diverged") is None


def test_no_information_without_latents(tmp_path):
    folder = pack(tmp_path, {})
    (folder / "latents.h5").unlink()
    assert information.read(folder, 7, "a run") is None


def test_a_diverged_run_keeps_no_column_of_its_own():
    losses = pd.DataFrame({"seed": 0, "step": [1, 2], "loss": [1.0, np.inf], "tc": np.nan})
    assert origin.step_of_divergence(losses, 0) == 2
    assert origin.step_of_divergence(losses.assign(loss=1.0), 0) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (1234.5, "1\u2009234"),
        (0.0001234, "1.23e−4"),
        (-0.5, "−0.500"),
        (0.0, "0"),
        (np.nan, "–"),
        (0.99999, "1.00"),
    ],
)
def test_numbers_have_three_digits(value, expected):
    assert text.number(value) == expected


def test_latex_is_escaped():
    assert text.latex("β_1 & 50%") == r"$\beta$\_1 \& 50\%"
