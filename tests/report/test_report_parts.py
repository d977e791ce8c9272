"""Parts of the report whose content is known: levels, information, numbers as text."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from builders.studies import made
from matplotlib.figure import Figure

from disentbench import plugins
from disentbench.datasets._grid import grid
from disentbench.report import checks, collapse, levels, records, runs, style, text
from disentbench.report.figures import information, training
from disentbench.report.levels import Level
from disentbench.storage.layout import PackFolder, StudyFolder


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
    return PackFolder(folder)


def test_information_is_a_share_of_what_there_is_to_know(tmp_path):
    nats = [[0.0, 0.0], [0.25 * np.log(2), 0.0], [np.log(2), 0.0]]
    detail = {"mig": {"mutual_information": nats, "per_factor": [0.75, 0.0]}}
    shown = information.read_information(
        pack(tmp_path, {"7": detail, "8": {"mig": {}}}), "mig", 7, "a run"
    )
    assert shown.factors == ["shape"]
    assert shown.variables == ["kind", "z1", "z0"]
    assert shown.share[:, 0] == pytest.approx([1, 0.25, 0])
    assert shown.gaps == pytest.approx([0.75])
    written = [each.get_text() for each in information.drawn(shown).axes[0].texts]
    assert written == ["1.00", "0.25", "0", "0.75"]
    assert (
        information.read_information(PackFolder(tmp_path), "mig", 8, "a run that diverged") is None
    )


def test_no_information_without_latents(tmp_path):
    folder = pack(tmp_path, {})
    folder.latents.unlink()
    assert information.read_information(folder, "mig", 7, "a run") is None


def test_a_diverged_run_keeps_no_column_of_its_own():
    losses = pd.DataFrame({"seed": 0, "step": [1, 2], "loss": [1.0, np.inf], "tc": np.nan})
    assert records.step_of_divergence(losses, 0) == 2
    assert records.step_of_divergence(losses.assign(loss=1.0), 0) is None


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


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.00049, "< 0.001"),
        (0.001, "0.001"),
        (0.0123, "0.012"),
        (0.05, "0.050"),
        (0.1, "0.10"),
        (0.09961, "0.10"),
        (1.0, "1.00"),
        (np.nan, "–"),
    ],
)
def test_p_is_never_nought(p, expected):
    assert text.probability(p) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.00612, "0.0062"), (0.01, "0.010"), (1.21, "1.3"), (12.0, "12")]
)
def test_a_bound_holds(value, expected):
    assert text.at_most(value) == expected


def test_estimators_have_axes_of_their_own_and_what_is_shown_has_no_unit():
    losses = pd.DataFrame(
        {
            "seed": 0,
            "step": [1, 2, 1, 2, 1],
            "loss": 1.0,
            "tc_between": [44.0, 45.0, 0.1, 0.2, np.nan],
            "mmd": [0.1, 0.2, np.nan, np.nan, np.nan],
            training.OBJECTIVE: ["a", "a", "b", "b", "vae"],
            training.ESTIMATOR: ["mws", "mws", "hfvae", "hfvae", "mws"],
            training.IS_MEDIAN: True,
        }
    )
    found = training.curves(losses)
    assert [training.title(curve) for curve in found] == [
        "Loss (each objective’s own)",
        "TC between, estimated by mws",
        "TC between, estimated by hfvae",
        "MMD",
    ]
    looks = {name: style.Look("#000000", "o") for name in ("a", "b", "vae")}
    drawn = [training.drawn(losses, curve, looks).axes[0] for curve in found]
    assert [len(ax.lines) for ax in drawn] == [3, 1, 1, 1]
    assert list(drawn[1].lines[0].get_ydata()) == [44.0, 45.0]
    assert [ax.get_ylabel() for ax in drawn] == ["nats per image"] * 3 + [""]


def test_a_constant_code_ranks_above_noise_by_jemmig_alone():
    factors = grid((3, 4, 5))
    entropy = np.log([3, 4, 5])
    expected = np.mean(np.log(20) / (entropy + np.log(20)))
    every = [v for name in plugins.names("metrics") for v in plugins.load("metrics", name).values]
    names = [value.name for value in every if value.constant_wins]
    assert collapse.constant(factors, names) == {"jemmig": pytest.approx(expected)}


def test_a_run_collapsed_where_no_unit_is_active_or_the_rate_is_nought():
    runs = pd.DataFrame({"active_units": [0, 2, np.nan], "rate": [5.0, 0.01, 0.01]})
    assert list(collapse.collapsed(runs)) == [True, False, True]
    assert list(collapse.collapsed(runs[["rate"]])) == [False, True, True]
    assert not collapse.collapsed(pd.DataFrame({"mig": [0.1]})).any()


def test_values_that_are_no_numbers_are_counted_by_run_and_say_why():
    scored = pd.DataFrame(
        {"mig": [0.1, np.nan, np.nan], "elbo": [-np.inf, 1.0, np.nan], "rate": 1.0},
        pd.MultiIndex.from_product([["tiny"], ["vae"], ["default"], [0, 1, 2]]),
    )
    failed = {("tiny", "vae", "default", 2)}
    found = checks.undefined(scored, ["mig", "elbo", "rate"], failed)
    assert found.total == 2
    assert found.lines == ["mig: missing or not a number in 1 run", "elbo: infinite in 1 run"]


def test_why_a_value_is_no_number_is_told_from_the_details_of_the_scores(tmp_path):
    study = made(metrics=["mig"])
    folder = tmp_path / "little/tiny/vae/default/seeds-0-1/scores"
    folder.mkdir(parents=True)
    told = {"runs": {}, "notes": {"1": {"mig": ["mig cannot be computed: it is so"]}}}
    (folder / "mig.json").write_text(json.dumps(told))
    scored = pd.DataFrame({"mig": np.nan}, runs.planned(study)[:2])
    found = checks.undefined(
        scored, ["mig"], set(), checks.whys(study, StudyFolder(tmp_path / "little"))
    )
    assert found.total == 2
    assert found.lines == [
        "mig: missing or not a number in 2 runs (mig cannot be computed: it is so)"
    ]


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.05, "0.050"), (0.0502, "0.0502"), (0.0498, "0.0498"), (0.012, "0.012"), (1e-4, "< 0.001")],
)
def test_a_p_near_the_level_shows_on_which_side_it_is(p, words):
    assert text.probability(p) == words


def test_what_could_not_be_looked_at_is_not_called_none():
    runs_ = pd.DataFrame({"mig": [0.5]})
    assert collapse.none(runs_) == "not known: no run has a rate or active units"
    assert collapse.none(runs_.assign(rate=1.0)) == "none"
    gone = checks.trouble("gone", "", ["a pack"], "none")
    one = checks.trouble("diverged", "", ["a run"], "none")
    none = checks.trouble("unscored", "", [], "none")
    said = checks.status([gone, one, none], [], 4)
    assert [each.text for each in said][:2] == ["4 of 4 runs finished", "at least 1 diverged"]


def test_latex_is_escaped():
    assert text.latex("β_1 & 50%") == r"$\beta$\_1 \& 50\%"
