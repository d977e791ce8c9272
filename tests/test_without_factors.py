"""A data set without factors goes through every command; what needs factors is left out.

Beside it in the study stands one that is drawn by weights, some combinations of it never.
"""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from builders.checkouts import copy_of_checkout, planned
from builders.every_command import COMMANDS, run
from builders.without_factors import STRIPES, study

from disentbench.plugins import needs
from disentbench.posterior.from_files import read_latents
from disentbench.scoring.scores import chosen
from disentbench.storage import hdf5

PARTS = ("seen", "held_out")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with stripes, and what the commands have made of the study."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("photographs"))
    (folder / "disentbench/datasets/stripes.py").write_text(STRIPES)
    (folder / "study.yaml").write_text(study())
    made = run(folder, "-c", COMMANDS, "study.yaml")
    assert made.returncode == 0, made.stderr
    (folder / "out.txt").write_text(made.stdout)
    return folder


@pytest.fixture(scope="module")
def results(checkout):
    return checkout / "results/photographs"


def test_each_data_set_has_the_values_that_it_can_have(results):
    scores = pd.read_csv(results / "scores.csv")
    of = {name: set(rows["metric"]) for name, rows in scores.groupby("dataset")}
    assert of["stripes"] == {"elbo", "distortion", "active_units"}
    parts = {f"{value}_{part}" for value in ("mig", "elbo", "distortion") for part in PARTS}
    assert of["tiny"] == {"mig", *of["stripes"], *parts}
    assert scores.groupby("dataset")["seed"].nunique().eq(2).all()
    assert scores["value"].notna().all()


def test_the_study_is_done_whole_and_equal_to_itself(checkout):
    out = (checkout / "out.txt").read_text()
    assert "every file is whole" in out
    assert "identical: " in out
    jobs = dict(line.split()[:2] for line in out.splitlines()[1:11] if line.split()[1:2] != [])
    assert jobs["score"] == jobs["levels"] == str(2 + 4)


def test_its_latents_have_no_factors(results):
    (path,) = results.glob("stripes/vae/*/*/latents.h5")
    with hdf5.open_checked(path) as file:
        assert hdf5.shape(file, "factors") == (64, 0)
        assert hdf5.attribute(file["factors"], "names") == ()


def test_what_was_held_out_is_in_the_latents_and_scored_apart(results):
    """Hearts of scale 5, and squares of the first two of four places: 16 and 2 x 2 x 4 of 96."""
    (path,) = results.glob("tiny/vae/*/*/latents.h5")
    _, represented = next(read_latents(path))
    shape, scale, _, x, _ = represented.factors.T
    held = ((shape == 2) & (scale == 1)) | ((shape == 0) & (x < 2))
    assert held.sum() == 16 + 16
    np.testing.assert_array_equal(represented.held_out, held)
    scores = pd.read_csv(results / "scores.csv")
    found = scores[scores["dataset"] == "tiny"].set_index(["seed", "metric"])["value"]
    for part, rows in (("seen", ~held), ("held_out", held)):
        expected = represented.distortion[rows].mean()
        assert found[0, f"distortion_{part}"] == pytest.approx(expected)


def test_the_page_says_so_and_ranks_it_by_what_it_has(results):
    page = (results / "report/index.html").read_text()
    sentence = "This data set has no factors. Not measured on it, as they need factors: MIG and "
    sentence += "Held-out combinations."
    assert page.count(sentence) == 1
    assert "one channel; no factors. a test" in page
    assert "on stripes highest mean ELBO over the runs that have one" in page
    assert "on tiny highest mean MIG over the runs that have one" in page
    assert len(re.findall(r'<h\d id="drawing-tiny"[^>]*>What training saw', page)) == 1
    assert "drawing-stripes" not in page
    assert "4 steps of 8 images, 0.500 epochs, drawn with replacement by weights on tiny" in page
    words = "32 of 96 combinations, those in which shape is square and posX is 0 or 8, or shape is "
    assert f"{words}heart and scale is 5." in page
    undefined = page.split('id="undefined"')[1].split("<dt")[0]
    assert "none" in undefined
    for name, columns in {"correlations": 8, "held_out": 9}.items():
        assert pd.read_csv(results / f"report/tables/tiny_{name}.csv").shape == (1, columns)
    board = pd.read_csv(results / "report/tables/stripes_settings.csv")
    assert set(board["value"]) == {"elbo", "distortion", "active_units"}
    assert board["mean"].notna().all()
    assert "mig" in set(pd.read_csv(results / "report/tables/tiny_settings.csv")["value"])


def test_the_workflow_asks_for_no_more(checkout):
    (checkout / "again.yaml").write_text(study(study="again"))
    assert planned(checkout, "again.yaml") == {
        **{"data": 2, "train": 2, "encode": 2, "score": 6, "levels": 6, "audit": 2},
        **{"collect": 1, "report": 1, "all": 1},
    }


def test_a_metric_that_needs_factors_says_that_there_are_none(checkout, results):
    (path,) = results.glob("stripes/vae/*/*/latents.h5")
    asked = run(checkout, "-m", "disentbench.cli", "score", path, "--metrics", "mig")
    assert asked.returncode == 2
    assert "the metric 'mig' needs factors, which is not given" in asked.stderr
    _, represented = next(read_latents(path))
    every = chosen(None, represented)
    assert "elbo" in every
    assert not any("factors" in needs(metric) for metric in every)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"datasets": ["stripes"], "metrics": ["elbo", "mig"]},
            "metrics names mig, which needs factors: no data set of the study has that",
        ),
        ({"metrics": ["mig"]}, "none of the metrics can be measured on stripes"),
    ],
)
def test_a_metric_that_no_data_set_can_have_is_refused(checkout, changes, sentence):
    (checkout / "wrong.yaml").write_text(study(**changes))
    asked = run(checkout, "-m", "disentbench.cli", "status", "wrong.yaml")
    assert asked.returncode == 2
    assert sentence in asked.stderr
    assert len(asked.stderr.splitlines()) == 1


def test_of_all_metrics_those_that_need_factors_are_left_out_in_silence(checkout):
    every = yaml.safe_load(study(datasets=["stripes"]))
    del every["metrics"]
    (checkout / "every.yaml").write_text(yaml.safe_dump(every))
    code = "import sys; from pathlib import Path; from disentbench.storage.study_file import *;"
    code += "study = read_study(Path('every.yaml')); print(study.metrics_on('stripes'));"
    code += "print(read_study(study.text).metrics_on('stripes'))"
    asked = run(checkout, "-c", code)
    assert asked.returncode == 0, asked.stderr
    first, again = asked.stdout.splitlines()
    assert first == again
    assert "'elbo'" in first
    assert "'mig'" not in first
