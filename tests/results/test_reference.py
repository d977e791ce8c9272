"""The results in git are those of the study beside them, scored by the metrics of today."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentbench import plugins
from disentbench.report.figures import _protocols, _table5, variance
from disentbench.results.tidy import RUN, read_made, read_scores
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"


@pytest.fixture(scope="module")
def study():
    return read_study(ROOT / "configs/reference.yaml")


@pytest.fixture(scope="module")
def folder(study) -> StudyFolder:
    assert study.study == "reference"
    return StudyFolder(RESULTS / study.study)


@pytest.fixture(scope="module")
def scores(folder) -> pd.DataFrame:
    return read_scores(folder.table)


def test_every_run_has_every_value_and_nothing_else_is_there(study, scores):
    expected = {
        (*pack.of, seed, value.name)
        for pack in study.packs
        for seed in pack.seeds
        for metric in study.metrics_on(pack.dataset)
        for value in plugins.load("metrics", metric).values
    }
    assert set(scores[[*RUN, "metric"]].itertuples(index=False, name=None)) == expected
    assert len(scores) == len(expected)


def test_a_run_has_all_its_values_or_failed_and_has_none(scores):
    missing = np.isnan(scores["value"]).groupby([scores[name] for name in RUN]).mean()
    assert set(missing) <= {0.0, 1.0}
    assert (missing == 0).mean() > 0.5


def test_values_are_in_their_ranges(study, scores):
    values = {v.name: v for m in study.metrics for v in plugins.load("metrics", m).values}
    for name, column in scores.dropna().groupby("metric")["value"]:
        rounding = 1e-6 * max(1, column.abs().max())
        assert column.min() >= values[name].low - rounding, name
        assert column.max() <= values[name].high + rounding, name


def test_they_were_made_of_the_study_that_is_beside_them_now(study, folder):
    assert read_made(folder.table)["study"] == study.text


def test_every_figure_is_there_in_both_formats(study, folder):
    figures = list(folder.page.parent.glob("figures/*"))
    assert figures
    assert {path.suffix for path in figures} == {".pdf", ".png"}
    stems = {path.stem for path in figures}
    assert len(figures) == 2 * len(stems)
    assert all(stem.startswith(tuple(study.datasets)) for stem in stems)


def test_what_the_text_about_them_shows_and_names_is_there():
    text = (RESULTS / "README.md").read_text()
    named = re.findall(r"\]\(([^)#:]+)\)", text)
    assert any(name.endswith(".png") for name in named)
    assert [name for name in named if not (RESULTS / name).exists()] == []


def test_the_shares_that_the_text_says_are_those_of_the_scores(study, scores):
    (dataset,) = study.datasets
    published = _table5.published(study, dataset).shares
    runs = scores.pivot(index=RUN[1:], columns="metric", values="value")
    text = (RESULTS / "README.md").read_text()
    rows = re.findall(
        r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE
    )
    assert [name for name, *_ in rows] == list(published)
    for name, *cells in rows:
        shares = variance.of(runs[name])
        expected = [f"{100 * share:.1f}" for share in (shares.objective, shares.settings)]
        assert cells == [*expected, *map(str, published[name])], name


def test_the_noise_that_the_text_says_is_that_of_the_study(study):
    runs = sum(len(pack.seeds) for pack in study.packs)
    here = (len(study.objectives) - 1) / (runs - 1), _protocols.floor(study)
    numbers = [f"{100 * share:.1f}" for share in (*here, 5 / 1799, 35 / 1799)]
    words = "{} and {} here and {} and {} there".format(*numbers)
    assert words in " ".join((RESULTS / "README.md").read_text().split())


def test_git_keeps_the_table_and_the_figures_alone():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    kept = [line.removeprefix("!/results/") for line in ignored if line.startswith("!/results/")]
    files = ["README.md", "reference/scores.parquet", "reference/report/figures/"]
    assert [name for name in kept if name not in ("reference/", "reference/report/")] == files
