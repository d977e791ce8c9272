"""The table of all scores in its two formats, and a study of 12,600 runs."""

import importlib
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import score_files
from pyarrow import parquet

from disentbench.cli import main
from disentbench.report import runs
from disentbench.report.page import render
from disentbench.storage.study_file import read_study

pytestmark = pytest.mark.usefixtures("quick_figures")

ROOT = Path(__file__).parents[2]
LARGE = ROOT / "configs/scale.yaml"
STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "scale": [0, 5]}},
    "objectives": {
        "vae": {},
        "beta_tcvae": {"beta": [1, 0.5], "estimator": ["mws", "mss"]},
    },
    "seeds": "0-4",
    "pack": 3,
    "architecture": "mlp_chen2018",
    "training": {"steps": 4, "batch_size": 8},
    "metrics": ["mig", "elbo"],
}


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """A folder with the score files of a study and both tables of them; seed 4 diverged."""
    folder, study = tmp_path_factory.mktemp("collected"), read_study(STUDY)
    score_files.score_files(folder, study, diverged=4)
    score_files.collected(folder, study)
    return folder


def test_both_tables_hold_every_score_to_the_last_digit(collected):
    table = pd.read_parquet(collected / "scores.parquet")
    pd.testing.assert_frame_equal(table, pd.read_csv(collected / "scores.csv"), check_exact=True)
    assert list(table) == [
        *("dataset", "objective", "setting", "seed", "beta", "estimator", "metric", "value"),
    ]
    written = pd.concat(
        pd.read_csv(path).rename(columns={"run": "seed"}).assign(setting=path.parts[-4])
        for path in (collected / "little").rglob("scores/*.csv")
    )
    both = table.merge(written, on=["setting", "seed", "metric"], validate="one_to_one")
    assert len(both) == len(table) == len(written) == 5 * 5 * 3
    np.testing.assert_array_equal(both["value_x"], both["value_y"])


def test_parquet_says_what_it_is_and_where_it_comes_from(collected):
    file = parquet.ParquetFile(collected / "scores.parquet")
    found = json.loads(file.schema_arrow.metadata[b"disentbench"])
    assert {"study", "revision", "versions"} <= set(found)
    assert read_study(found["study"]) == read_study(STUDY)
    group = file.metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    for name in ("dataset", "objective", "setting", "estimator", "metric"):
        assert "RLE_DICTIONARY" in columns[name].encodings
    assert columns["value"].statistics.null_count == 5 * 3


def test_a_table_that_cannot_be_written_beside_itself_is_refused(collected, tmp_path, capsys):
    arguments = ["collect", json.dumps(STUDY), "--results", collected, "--out", tmp_path / "x.json"]
    assert main(list(map(str, arguments))) == 2
    assert "must end in .csv" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_report_is_the_same_from_either_table(collected, tmp_path):
    study = read_study(STUDY)
    # Without the provenance in its metadata, which the report tells and CSV cannot hold.
    pd.read_parquet(collected / "scores.parquet").to_parquet(tmp_path / "scores.parquet")
    shutil.copy(collected / "scores.csv", tmp_path)
    for kind in ("csv", "parquet"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            render(study, tmp_path, tmp_path / f"scores.{kind}", tmp_path / kind / "index.html")
    one, two = tmp_path / "csv", tmp_path / "parquet"
    files = sorted(path.relative_to(one) for path in one.rglob("*.*"))
    assert {"index.html", "tables/tiny_settings.csv"} <= {path.as_posix() for path in files}
    for path in files:
        assert (one / path).read_bytes() == (two / path).read_bytes()


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("content", [b"", b"run,metric\n1,mig\n", b"PAR1 and then nothing PAR1"])
def test_what_is_no_table_of_scores_is_said_in_one_sentence(name, content, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(content)
    arguments = ["report", json.dumps(STUDY), "--scores", path, "--out", tmp_path / "r/index.html"]
    assert main(list(map(str, arguments))) == 2
    error = capsys.readouterr().err
    assert f"{path} cannot be read as a table of scores" in error
    assert len(error.strip().split("\n")) == 1


def test_a_run_that_is_named_twice_is_said(tmp_path):
    rows = [("tiny", "vae", "default", 0, "mig", value) for value in (0.1, 0.2)]
    pd.DataFrame(rows, columns=[*runs.RUN, "metric", "value"]).to_csv(tmp_path / "x.csv")
    with pytest.raises(ValueError, match="twice"):
        runs.read_runs(tmp_path / "x.csv")


def test_the_large_study_has_12600_runs_in_252_packs():
    study = read_study(LARGE)
    pairs = {(pack.objective, pack.setting) for pack in study.packs}
    assert len(study.packs) == len({pack.path for pack in study.packs}) == 252
    assert sum(len(pack.seeds) for pack in study.packs) == 12_600
    assert (len(study.datasets), len(pairs), study.seeds) == (7, 36, "0-49")
    assert all(read_study(study.recipe(pack).text).packs == [pack] for pack in study.packs[::25])


@pytest.mark.slow
def test_the_large_study_is_planned_collected_and_reported_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    scale = importlib.import_module("scale")
    assert scale.planned(LARGE).peak < 300
    study = read_study(LARGE)
    scale.made_up(study, tmp_path)
    for what, cost in scale.gathered(study, tmp_path):
        assert cost.peak < 2000, what
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert len(table) == 12_600 * table["metric"].nunique()
    page = (tmp_path / "report/index.html").read_text()
    assert "12\u2009600 runs" in page
    assert page.rstrip().endswith("</html>")
