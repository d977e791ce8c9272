"""What a change of a finished study or of the code computes anew, and what it leaves alone."""

import os
import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
import yaml
from builders.checkouts import READS, changed, planned, snakemake, variant

from disentbench.cli import main
from disentbench.storage.study_file import read_study
from disentbench.workflow import plan as plans


def left(checkout, config):
    """The jobs that are not done, as the plan of a study has them."""
    return plans.plan(read_study(config), checkout / "results").left


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
