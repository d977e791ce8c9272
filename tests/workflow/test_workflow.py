"""The workflow from data to report, on the smallest study; what a change computes anew."""

import os
import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import h5py
import pandas as pd
import pytest
import yaml
from builders.checkouts import READS, ROOT, changed, copy_of_checkout, planned, snakemake, variant

from disentbench.cli import main
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study
from disentbench.workflow import plan as plans


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which the smoke study is finished."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    run = snakemake(folder)
    assert run.returncode == 0, run.stderr
    (folder / "said").write_text(run.stdout)
    return folder


def test_at_its_end_it_says_where_the_page_is(checkout):
    page = checkout / "results/smoke/report/index.html"
    assert (checkout / "said").read_text().splitlines() == [f"The report: {page}"]
    assert page.exists()


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


def left(checkout, config):
    """The jobs that are not done, as the plan of a study has them."""
    return plans.plan(read_study(config), checkout / "results").left


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


def test_a_new_strength_trains_itself_alone(checkout):
    objectives = yaml.safe_load((checkout / "configs/smoke.yaml").read_text())["objectives"]
    objectives["beta_tcvae"]["beta"].append(8)
    more = variant(checkout, "strength", objectives=objectives)
    plan = planned(checkout, more)
    assert plan == {"train": 1, "encode": 1, "score": 3, "collect": 1, "report": 1, "all": 1}
    assert plan == left(checkout, more)


def test_a_new_block_of_seeds_trains_itself_alone(checkout):
    more = variant(checkout, "seeds", seeds="0-3")
    plan = planned(checkout, more)
    assert plan == left(checkout, more)
    assert plan == {
        **{"train": 4, "encode": 4, "score": 12, "audit": 1},
        **{"collect": 1, "report": 1, "all": 1},
    }


def test_another_part_of_the_images_trains_nothing(checkout):
    part = variant(checkout, "part", evaluate={"stride": {"posX": 2}, "latents": "float16"})
    plan = planned(checkout, part)
    assert plan == {
        **{"encode": 4, "score": 12, "levels": 3, "audit": 1},
        **{"collect": 1, "report": 1, "all": 1},
    }


def test_a_run_is_compared_with_those_of_other_packs(checkout):
    of_vae = {"study": "compared", "objectives": {"vae": {}}, "seeds": "0-3", "metrics": ["udr"]}
    path = variant(checkout, "compared", **of_vae)
    scores = "results/compared/tiny/vae/default/seeds-0-1/scores/udr.csv"
    assert planned(checkout, path, scores) == {"data": 1, "train": 2, "encode": 2, "score": 1}


@pytest.mark.slow
def test_how_seeds_are_packed_changes_no_number_and_new_seeds_are_compared_with_the_old(checkout):
    changes = {"objectives": {"vae": {}}, "seeds": "0-3", "metrics": ["udr", "mig"]}
    changes["training"] = {"steps": 5, "batch_size": 32}
    numbers = ("scores.csv", "tiny/audit.csv")
    for pack in (2, 4):
        study = f"packs-{pack}"
        path = variant(checkout, study, study=study, pack=pack, **changes)
        run = snakemake(checkout, *(f"results/{study}/{file}" for file in numbers), config=path)
        assert run.returncode == 0, run.stderr
    two, four = (checkout / f"results/packs-{pack}" for pack in (2, 4))
    table, other = (
        pd.read_csv(folder / "scores.csv").sort_values(["metric", "seed"], ignore_index=True)
        for folder in (two, four)
    )
    assert table.equals(other)
    assert table.value.notna().all()
    assert (two / "tiny/audit.csv").read_text() == (four / "tiny/audit.csv").read_text()
    more = variant(checkout, "more", **changes | {"study": "packs-2", "pack": 2, "seeds": "0-5"})
    assert planned(checkout, more, "results/packs-2/scores.csv") == {
        **{"train": 1, "encode": 1, "collect": 1},
        "score": 2 + 2,  # udr of both old packs, too
    }


def test_a_new_metric_trains_nothing_and_scores_itself_alone(checkout):
    metrics = ["mig", "decomposition", "elbo", "active_units"]
    plan = planned(checkout, variant(checkout, "metric", metrics=metrics))
    assert plan == {"score": 4, "levels": 1, "collect": 1, "report": 1, "all": 1}


def test_a_new_objective_trains_itself_alone(checkout):
    objectives = yaml.safe_load((checkout / "configs/smoke.yaml").read_text())["objectives"]
    objectives["beta_vae"] = {"beta": [2]}
    plan = planned(checkout, variant(checkout, "objective", objectives=objectives))
    assert plan == {"train": 1, "encode": 1, "score": 3, "collect": 1, "report": 1, "all": 1}


ALL = {"collect": 1, "report": 1, "all": 1}
TRAININGS = {"train": 4, "encode": 4, "score": 12, "audit": 1} | ALL


def test_the_numbers_of_a_published_study_make_the_table_anew_and_train_nothing(checkout):
    numbers = {"tiny": {"vae": {"default": 0}}}
    assert planned(checkout, variant(checkout, "numbered", published_id=numbers)) == ALL


@pytest.mark.parametrize(
    ("file", "plan"),
    [
        ("objectives/hfvae.py", {"train": 1, "encode": 1, "score": 3} | ALL),
        ("metrics/mig.py", {"score": 4, "levels": 1} | ALL),
        ("metrics/_information.py", {"score": 4, "levels": 1} | ALL),
        ("posterior/quadrature.py", {"score": 4, "levels": 1, "audit": 1} | ALL),
        ("posterior/rates.py", {"score": 8, "levels": 2, "audit": 1} | ALL),
        ("objectives/_terms.py", TRAININGS),
        ("models/layers.py", TRAININGS),
        ("datasets/dsprites.py", TRAININGS | {"data": 1, "levels": 3}),
        ("training/encode.py", TRAININGS | {"train": 0}),
        ("scoring/audit.py", {"audit": 1, "report": 1, "all": 1}),
        ("results/collect.py", ALL),
        ("report/templates/page.css", {"report": 1, "all": 1}),
        ("training/progress.py training/checkpoint.py metrics/_boosting.py", {}),
    ],
)
def test_a_changed_file_computes_anew_what_it_alters(checkout, file, plan):
    with ExitStack() as stack:
        for each in file.split():
            stack.enter_context(changed(checkout, each))
        assert planned(checkout) == {rule: count for rule, count in plan.items() if count}


def test_a_new_clone_of_the_same_code_computes_nothing(checkout):
    for path in [checkout / "Snakefile", *checkout.glob("[wd]*/**/*.*")]:
        path.touch()
    assert planned(checkout) == {}


def test_a_changed_file_with_an_old_time_is_seen(checkout):
    """As `rsync -a` brings it to the cluster."""
    with changed(checkout, "metrics/mig.py") as path:
        os.utime(path, (0, 0))
        assert planned(checkout) == {"score": 4, "levels": 1} | ALL


def test_a_change_that_is_declared_harmless_computes_nothing(checkout, tmp_path, quick_figures):
    """The same study, with all that Snakemake knows of it, in which the change stays."""
    copy = Path(shutil.copytree(checkout, tmp_path / "checkout"))
    path = copy / "disentbench/training/loss.py"
    path.write_text(path.read_text() + "\n# changed\n")
    assert planned(copy)["train"] == 4
    before = (copy / "results/smoke/scores.csv").read_text()
    touched = snakemake(copy, "--touch")
    assert touched.returncode == 0, touched.stderr
    assert planned(copy) == {}
    study, results = str(copy / "configs/smoke.yaml"), str(copy / "results")
    assert main(["verify", study, "--results", results]) == 0
    page = copy / "results/smoke/report/index.html"
    report = ["report", study, "--results", results, "--out", str(page)]
    assert main([*report, "--scores", str(page.parents[1] / "scores.csv")]) == 0
    assert (copy / "results/smoke/scores.csv").read_text() == before


def test_a_file_that_a_data_set_reads_is_an_input(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    small = yaml.safe_load((checkout / "configs/smoke.yaml").read_text())["datasets"]["tiny"]
    datasets = {"read": small | {"of": "reads", "path": "~/pixels.bin"}}
    config = variant(checkout, "reads", study="reads", datasets=datasets)
    path, target = tmp_path / "pixels.bin", "results/reads/read/images.h5"
    plugin = checkout / "disentbench/datasets/reads.py"
    plugin.write_text(READS)
    try:
        path.write_text("1")
        run = snakemake(checkout, target, config=config)
        assert run.returncode == 0, run.stderr
        assert planned(checkout, config, target) == {}
        path.write_text("2")
        assert planned(checkout, config, target) == {"data": 1}
        os.utime(path, (0, 0))  # as `mv` or `rsync -a` brings an older one
        assert planned(checkout, config, target) == {"data": 1}
        path.unlink()
        gone = snakemake(checkout, "-n", config=config)
        assert gone.returncode == 2
        assert re.search(r"^disentbench: datasets.read reads .*pixels.bin, which", gone.stderr)
    finally:
        plugin.unlink()


def test_scores_of_another_setting_are_named_set_aside_and_made_again(checkout, tmp_path):
    copy = Path(shutil.copytree(checkout, tmp_path / "checkout"))
    results = copy / "results/smoke"
    table, vae = results / "scores.csv", results / "tiny/vae/default/seeds-0-1/scores"
    before = table.read_text()
    for path in (results / "tiny/beta_tcvae/beta-4/seeds-0-1/scores").glob("mig.*"):
        shutil.copy2(path, vae)
    table.unlink()
    run = snakemake(copy, "results/smoke/scores.csv")
    assert run.returncode == 1
    assert "mig.csv is not what its name says" in (results / "logs/collect.log").read_text()
    assert (vae / "mig.csv.damaged").exists()
    run = snakemake(copy, "results/smoke/scores.csv")
    assert run.returncode == 0, run.stderr
    assert table.read_text() == before


def test_diverged_runs_are_said_so_and_the_others_finish(checkout):
    diverging = variant(
        checkout,
        "diverging",
        study="diverging",
        objectives={"vae": {}},
        training={"steps": 30, "batch_size": 32, "learning_rate": 1e30},
        metrics=["mig", "elbo"],
    )
    run = snakemake(checkout, "results/diverging/scores.csv", config=diverging)
    assert run.returncode == 0, run.stderr
    table = pd.read_csv(checkout / "results/diverging/scores.csv")
    assert set(table.value.isna()) == {True}
