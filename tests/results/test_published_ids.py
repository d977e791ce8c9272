"""The numbers of a published study in the tidy table: whole, beside the seed, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from builders import half_done, score_files
from pyarrow import parquet, types

from disentbench.cli import main
from disentbench.report import runs
from disentbench.results import diff, tidy
from disentbench.results import status as how_far
from disentbench.storage.study_file import read_study

STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "scale": [0, 5]}},
    "objectives": {"vae": {}, "beta_vae": {"beta": [1, 4]}},
    "seeds": "0-3",
    "pack": 3,
    "architecture": "mlp_chen2018",
    "training": {"steps": 4, "batch_size": 8},
    "metrics": ["mig"],
}
NUMBERS = {"tiny": {"vae": {"default": 1200}, "beta_vae": {"beta-4": 1900}}}
PLAIN, NUMBERED = read_study(STUDY), read_study(STUDY | {"published_id": NUMBERS})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder with the table of one study, without numbers and with them."""
    folder = tmp_path_factory.mktemp("tables")
    score_files.score_files(folder, PLAIN, diverged=2)
    score_files.collected(folder, PLAIN, "plain.csv")
    score_files.collected(folder, NUMBERED, "numbered.csv")
    return folder


def test_a_run_has_the_number_of_its_setting_and_its_seed(tables):
    table = pd.read_parquet(tables / "numbered.parquet")
    assert list(table) == [
        *("dataset", "objective", "setting", "seed", "published_id", "beta", "metric", "value"),
    ]
    numbers = table.groupby(["objective", "setting"])["published_id"].unique()
    assert list(numbers["vae", "default"]) == [1200, 1201, 1202, 1203]
    assert list(numbers["beta_vae", "beta-4"]) == [1900, 1901, 1902, 1903]
    assert numbers["beta_vae", "beta-1"].isna().all()


def test_numbers_are_whole_in_both_tables(tables):
    file = parquet.ParquetFile(tables / "numbered.parquet")
    column = file.read(["published_id"]).column(0)
    assert types.is_int64(column.type)
    assert column.null_count == 4
    assert pd.read_parquet(tables / "numbered.parquet")["published_id"].dtype == "Int64"
    written = pd.read_csv(tables / "numbered.csv", dtype=str, keep_default_na=False)
    assert set(written["published_id"]) == {"", *map(str, [*range(1200, 1204), *range(1900, 1904)])}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_all_else_in_the_table_is_as_it_was(tables, kind):
    read = pd.read_csv if kind == "csv" else pd.read_parquet
    plain, numbered = (read(tables / f"{name}.{kind}") for name in ("plain", "numbered"))
    assert "published_id" not in plain
    pd.testing.assert_frame_equal(plain, numbered.drop(columns="published_id"), check_exact=True)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_who_reads_scores_reads_the_same(tables, kind):
    plain, numbered = (tables / f"{name}.{kind}" for name in ("plain", "numbered"))
    pd.testing.assert_frame_equal(tidy.read_scores(plain), tidy.read_scores(numbered))
    pd.testing.assert_frame_equal(runs.read_runs(plain), runs.read_runs(numbered))


def test_diff_compares_scores_and_names_the_studies_that_differ(tables, capsys):
    assert diff.compare(tables / "plain.csv", tables / "numbered.csv").same
    found = diff.compare(tables / "plain.parquet", tables / "numbered.parquet")
    assert found.same
    assert set(found.study["name"]) == {
        f"published_id.tiny.{setting}" for setting in ("vae.default", "beta_vae.beta-4")
    }
    assert main(["diff", *(str(tables / f"{name}.csv") for name in ("plain", "numbered"))]) == 0
    assert capsys.readouterr().out.startswith("identical: ")


def test_a_number_is_no_swept_setting():
    plain, numbered = runs.catalogue(PLAIN), runs.catalogue(NUMBERED)
    pd.testing.assert_frame_equal(plain, numbered)
    assert set(numbered["key"]) == {"", "beta"}
    assert [NUMBERED.point(pack) for pack in NUMBERED.packs] == [
        PLAIN.point(pack) for pack in PLAIN.packs
    ]
    np.testing.assert_array_equal(runs.planned(PLAIN), runs.planned(NUMBERED))


def test_new_numbers_make_the_table_and_the_report_anew_and_nothing_else(tmp_path):
    for job in half_done.jobs(tmp_path):
        half_done.made(job)
    numbers = {"tiny": {"vae": {"default": 50}}}
    for study, anew in (
        (half_done.STUDY, {}),
        (half_done.STUDY | {"published_id": numbers}, {"collect": 1, "report": 1}),
    ):
        found = how_far.status(read_study(study), tmp_path).jobs
        assert {stage: n for stage, states in found.items() if (n := states["other"])} == anew
