"""The workflow from data to report, on the smallest study."""

import re

import h5py
import pandas as pd
import pytest
import yaml
from builders.checkouts import ROOT, planned, snakemake

from disentbench.cli import main
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study
from disentbench.workflow import plan as plans


def test_at_its_end_it_says_where_the_page_is(finished):
    page = finished / "results/smoke/report/index.html"
    assert (finished / "said").read_text().splitlines() == [f"The report: {page}"]


def test_what_jobs_took_lies_beside_their_logs_and_no_job_waits_for_it(checkout):
    study = read_study(checkout / "configs/smoke.yaml")
    jobs = ["train", "encode", *(f"score-{metric}" for metric in study.metrics)]
    packs = [StudyFolder(checkout / "results/smoke").pack(pack) for pack in study.packs]
    paths = [pack.benchmark(job) for pack in packs for job in jobs]
    assert sorted(checkout.glob("results/**/*.tsv")) == sorted(paths)
    assert all((pd.read_csv(path, sep="\t")["s"] > 0).all() for path in paths)
    for path in paths:
        path.unlink()
    assert planned(checkout) == {}


def test_every_run_is_in_the_table_with_every_value(checkout):
    table = pd.read_csv(checkout / "results/smoke/scores.csv")
    assert list(table)[:4] == ["dataset", "objective", "setting", "seed"]
    assert list(table)[-2:] == ["metric", "value"]
    runs = table.groupby(["objective", "setting", "seed"]).metric.apply(set)
    assert len(runs) == 4 * 2
    assert all({"mig", "rate", "total_correlation", "elbo"} <= metrics for metrics in runs)
    assert table.value.notna().all()


def test_beta_tcvae_at_one_is_the_vae_to_the_last_digit(checkout):
    table = pd.read_csv(checkout / "results/smoke/scores.csv")
    vae = table[table.objective == "vae"]
    same = table[(table.objective == "beta_tcvae") & (table.setting == "beta-1")]
    assert vae.value.tolist() == same.value.tolist()


def test_the_picture_of_the_pipeline_is_true(checkout):
    """The arrows of docs/architecture.md are those that Snakemake draws."""
    graph = snakemake(checkout, "--rulegraph").stdout
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    arrows = {f"{names[a]} --> {names[b]}" for a, b in re.findall(r"(\d+) -> (\d+)", graph)}
    page = (ROOT / "docs/architecture.md").read_text().partition("## The rooms")[0]
    assert set(re.findall(r"\w+ --> \w+", page)) == arrows


def test_the_study_took_what_its_plan_says(checkout, tmp_path):
    """Every job that Snakemake counts from scratch, and its files to within a twentieth."""
    study = read_study(checkout / "configs/smoke.yaml")
    plan = plans.plan(study, tmp_path)
    assert plan.jobs == plan.left == planned(checkout, "configs/smoke.yaml", "--forceall")
    files = (checkout / "results/smoke").rglob("*")
    took = sum(path.stat().st_size for path in files if path.is_file())
    assert plan.disk.total == pytest.approx(took, rel=0.05)


def test_the_latents_file_says_what_it_is(checkout):
    (path,) = checkout.glob("results/smoke/tiny/hfvae/*/*/latents.h5")
    with h5py.File(path) as file:
        images = len(file["index"])
        assert file["mean"].shape == file["logvar"].shape == (2, images, 4)
        assert file["mean"].chunks == (1, images, 4)
        assert file["logits/shape"].shape == (2, images, 3)
        assert [axis.label for axis in file["mean"].dims] == ["run", "image", "latent"]
        assert file["seeds"][:].tolist() == [0, 1]
        assert list(file["factors"].attrs["names"]) == [
            *("shape", "scale", "orientation", "posX", "posY"),
        ]
        identity = [
            file.attrs[key] for key in ("schema", "study", "dataset", "objective", "setting")
        ]
        assert identity == [1, "smoke", "tiny", "hfvae", "beta-4"]
        assert {"versions", "revision", "device", "study"} <= set(
            yaml.safe_load(file.attrs["provenance"])
        )


def test_the_report_is_one_page_that_needs_nothing_else(checkout):
    page = (checkout / "results/smoke/report/index.html").read_text()
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert list((checkout / "results/smoke/report").glob("figures/*.pdf"))
    assert list((checkout / "results/smoke/report").glob("tables/*.csv"))


def test_a_finished_study_has_nothing_to_do(checkout):
    assert planned(checkout) == {}


def test_a_finished_study_is_done_and_identical_to_itself(checkout, capsys):
    study, results = str(checkout / "configs/smoke.yaml"), str(checkout / "results")
    assert main(["status", study, "--results", results]) == 0
    counts = [line.split()[1:] for line in capsys.readouterr().out.splitlines()[2:]]
    assert len(counts) == 8
    assert all(done.isdecimal() and rest == ["-"] * 4 for done, *rest in counts)
    assert main(["verify", study, "--results", results]) == 0
    assert capsys.readouterr().out == "every file is whole\n"
    assert main(["diff", f"{results}/smoke", f"{results}/smoke", "--exit-code"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("identical: ")
    assert len(shown) == 5
