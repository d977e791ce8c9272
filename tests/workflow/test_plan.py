"""What a plan says before a study runs: its jobs, its disk, its hours, and what is left of it."""

import json
import os
import subprocess
import sys

import pytest
from builders import half_done
from builders.checkouts import ROOT
from builders.half_done import made

from disentbench.cli import main
from disentbench.results.status import status
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study
from disentbench.study.evaluation import Evaluate
from disentbench.workflow import disk, hours, jobs, plan_text
from disentbench.workflow import plan as plans
from disentbench.workflow.hours import Throughput

LITTLE = half_done.OF
SCRATCH = half_done.EVERYTHING | {"all": 1}
LAST = {"collect": 1, "report": 1, "all": 1}


def left(results, study=LITTLE):
    return jobs.left(study, status(study, results))


@pytest.fixture(scope="module")
def published():
    return read_study(ROOT / "configs/locatello2019_dsprites.yaml")


@pytest.fixture
def finished(tmp_path):
    """Results in which every file of the little study is there."""
    for job in half_done.jobs(tmp_path):
        made(job)
    return tmp_path


def test_every_job_is_counted_and_the_rule_that_asks_for_all(tmp_path):
    assert jobs.from_scratch(status(LITTLE, tmp_path)) == SCRATCH
    assert left(tmp_path) == SCRATCH


def test_of_what_is_finished_nothing_is_left(finished):
    assert left(finished) == {}
    assert jobs.from_scratch(status(LITTLE, finished)) == SCRATCH


@pytest.mark.parametrize(
    ("gone", "again"),
    [
        ("tiny/images.h5", SCRATCH),
        ("tiny/vae/default/seeds-0-1/model.pt", {"train": 1, "encode": 1, "score": 2, "audit": 1}),
        ("tiny/vae/default/seeds-2-3/latents.h5", {"encode": 1, "score": 2, "audit": 1}),
        ("tiny/beta_tcvae/beta-4/seeds-0-1/model.pt", {"train": 1, "encode": 1, "score": 2}),
        ("tiny/beta_tcvae/beta-4/seeds-0-1/scores/elbo.csv", {"score": 1}),
    ],
)
def test_what_follows_from_a_missing_file_is_left_with_it(finished, gone, again):
    (finished / "little" / gone).unlink()
    assert left(finished) == again | LAST


@pytest.mark.parametrize(
    ("gone", "again"),
    [
        ("tiny/levels/mig.csv", {"levels": 1}),
        ("tiny/audit.csv", {"audit": 1}),
        ("report/index.html", {}),
    ],
)
def test_a_report_alone_is_made_of_what_nothing_else_is_made_of(finished, gone, again):
    (finished / "little" / gone).unlink()
    assert left(finished) == again | {"report": 1, "all": 1}


def test_a_metric_that_compares_runs_is_scored_again_in_every_pack_of_the_setting(tmp_path):
    study = read_study(half_done.STUDY | {"metrics": ["udr"]})
    for job in half_done.jobs_of.jobs(study, StudyFolder(tmp_path / "little")):
        made(job)
    assert left(tmp_path, study) == {}
    (tmp_path / "little/tiny/beta_tcvae/beta-1/seeds-0-1/model.pt").unlink()
    assert left(tmp_path, study) == {"train": 1, "encode": 1, "score": 2} | LAST


def planned(*words, capsys):
    """The plan as a machine has it."""
    assert main(["plan", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_dsprites_part_of_the_study_of_2019_is_counted_by_hand(tmp_path, capsys):
    """1,800 models of 737,280 images and 10 latents: mean and logvar are 106 GB, and the distortion
    of every image, its five factors and its index are the rest but for kilobytes a pack."""
    study = ROOT / "configs/locatello2019_dsprites.yaml"
    plan = planned(study, "--results", tmp_path, "--images-per-second", 1000, capsys=capsys)
    assert (plan["runs"], plan["packs"]) == (1800, 36)
    assert plan["jobs"] == plan["left"]
    assert plan["jobs"]["score"] == 36 * 14
    N, runs, packs = 737_280, 1800, 36
    assert plan["images"]["dsprites"] | {"remedy": ""} == {
        **{"made": N, "evaluated": N, "absent": [], "remedy": ""}
    }
    posteriors = runs * N * 10 * 2 * 4
    assert posteriors == 106_168_320_000
    rest = plan["disk"]["needed"]["latents"] - posteriors - runs * N * 4 - packs * N * 6 * 8
    assert 0 < rest < packs * 50_000
    spent = plan["hours"]["all"]
    assert spent["alone"] == pytest.approx(runs * 300_000 * 64 / 1000 / 3600)
    assert plan["hours"]["left"] == spent
    assert not list(tmp_path.iterdir())


def test_half_the_digits_take_half_the_disk_and_fewer_images_in_proportion(published):
    whole, half = disk.needed(published), disk.needed(published, Evaluate(latents="float16"))
    assert whole["latents"] - half["latents"] == 106_168_320_000 // 2
    tenth = disk.needed(published, Evaluate(images=73_728))
    assert tenth["latents"] == pytest.approx(whole["latents"] / 10, rel=1e-3)
    assert {k: whole[k] for k in ("images", "models")} == {k: half[k] for k in ("images", "models")}


@pytest.mark.parametrize(
    ("most", "remedy"),
    [
        (70e9, {"latents": "float16"}),
        (15e9, {"latents": "float16", "images": 100_000}),
        (6e9, {"latents": "float16", "images": 10_000}),
        (1e9, None),
    ],
)
def test_the_least_that_would_do_for_a_disk_is_found(published, most, remedy):
    found = disk.remedy(published, int(most))
    assert (found and found[0].model_dump(exclude_defaults=True)) == remedy
    assert found is None or sum(disk.needed(published, found[0]).values()) == found[1] <= most


def test_where_the_disk_does_not_do_it_is_said_what_would(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "free", lambda folder: 1000)
    found = plans.plan(LITTLE, tmp_path)
    assert f"it needs {plan_text.size(found.disk.total)} and 1.0 kB are free; no choice of " in (
        plan_text.text(found)
    )
    half = found.disk._replace(remedy=(Evaluate(latents="float16"), 900))
    shown = plan_text.text(found._replace(disk=half))
    assert "`evaluate: {latents: float16}` would make it 900 bytes" in shown


def test_what_is_there_is_not_written_again(tmp_path):
    whole = plans.plan(LITTLE, tmp_path).disk
    assert (whole.there, whole.left) == (0, whole.total)
    (tmp_path / "little/deep/down").mkdir(parents=True)
    (tmp_path / "little/deep/down/file").write_bytes(bytes(1000))
    (tmp_path / "little/file").write_bytes(bytes(10))
    (tmp_path / "another").write_bytes(bytes(5))
    found = plans.plan(LITTLE, tmp_path).disk
    assert (found.there, found.left) == (1010, whole.total - 1010)


def test_a_file_that_goes_while_it_is_looked_at_takes_no_room(tmp_path, monkeypatch):
    listed = os.scandir
    (tmp_path / "renamed").write_bytes(bytes(10))

    def and_then_gone(folder):
        entries = list(listed(folder))
        (tmp_path / "renamed").unlink()
        return entries

    monkeypatch.setattr(os, "scandir", and_then_gone)
    assert disk.there(tmp_path) == 0


def test_the_free_space_is_that_of_the_nearest_folder_there_is(tmp_path):
    free = disk.free(tmp_path / "not/there/yet")
    assert free == pytest.approx(disk.free(tmp_path), rel=0.1)
    assert free > 0


def test_a_study_in_words(tmp_path, capsys):
    assert main(["plan", json.dumps(half_done.STUDY), "--results", str(tmp_path / "none")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "little",
        "runs     12 in 6 packs",
        "jobs     31: data 1, train 6, encode 6, score 12, levels 2, audit 1, collect 1, report 1, "
        "all 1",
        "left     all of them",
        "images   tiny: 288, of which all are evaluated",
    ]


def test_trainings_that_are_done_in_part_are_left_in_part(finished):
    """Of six packs of 2 x 100 steps one is to be trained, and half of it has been."""
    half_done.pack(finished).joinpath("model.pt").unlink()
    half_done.begun(finished, done=100)
    plan = plans.plan(LITTLE, finished, Throughput(lambda pack: 8.0, "given", False))
    every, rest = plan.hours
    assert every.alone == pytest.approx(12 * 100 / 3600)  # a step of 8 images is a second
    assert rest.alone == pytest.approx(100 / 3600)
    assert "of which 2 min of one core are left" in plan_text.text(plan)


def test_no_more_at_once_than_there_is(tmp_path):
    """A core has a run at a time, a GPU a pack: there are 12 and 6 of them."""
    images = {pack: 2 * 3600 for pack in LITTLE.packs}

    def spent(whole, at_once):
        return hours.hours(images, Throughput(lambda pack: 1.0, "given", whole), at_once)

    assert spent(False, 1).alone == spent(False, 1).wall == 12
    assert spent(False, 4).wall == spent(True, 4).wall == 3
    assert spent(False, 100).wall == 1
    assert spent(True, 100).wall == 2


def test_packs_have_throughputs_of_their_own():
    rates = dict(zip(LITTLE.packs, (1.0, 2, 4, 4, 4, 4), strict=True))
    images = dict.fromkeys(LITTLE.packs, 3600)
    told = hours.hours(images, Throughput(rates.__getitem__, "measured", True), 1)
    assert told.alone == pytest.approx(1 + 1 / 2 + 4 / 4)
    assert (told.slowest, told.fastest, told.wall) == (1, 4, told.alone)


def test_a_file_that_is_not_there_yet_is_said(tmp_path, capsys):
    study = half_done.STUDY | {
        "datasets": {"rooms": {"of": "shapes3d", "path": str(tmp_path / "3dshapes.h5")}},
        "architecture": {"of": "conv_locatello2019"},
    }
    assert main(["plan", json.dumps(study), "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "rooms: 480,000, of which all are evaluated; " in out
    assert f"{tmp_path / '3dshapes.h5'} is not there yet: " in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.yaml"], "no study file nowhere.yaml"),
        (["configs/smoke.yaml", "--device", "abacus"], "has no device 'abacus' with a training"),
        (["configs/smoke.yaml", "--images-per-second", "0"], "'0' is no number above 0"),
        (["configs/smoke.yaml", "--images-per-second", "fast"], "'fast' is no number above 0"),
        (["configs/smoke.yaml", "--images-per-second", "inf"], "'inf' is no number above 0"),
        (
            ["configs/smoke.yaml", "--images-per-second", "1e-320"],
            "no number above 0, and 1e-06",
        ),
        (["configs/smoke.yaml", "--at-once", "1" + 400 * "0"], "and at most 9 digits"),
        (["configs/smoke.yaml", "--at-once", "0"], "'0' is no whole number of at least 1"),
        (["configs/smoke.yaml", "--measure", "--device", "x"], "give one of them"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(words, sentence, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    try:
        code = main(["plan", *words])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert not told.out


def test_a_plan_of_12600_runs_imports_no_torch(tmp_path):
    code = (
        "import sys; from disentbench.cli import main\n"
        "assert main(['plan', *sys.argv[1:]]) == 0\n"
        "assert not {'torch', 'sklearn', 'pandas', 'h5py'} & set(sys.modules), 'heavy import'"
    )
    words = ROOT / "configs/scale.yaml", "--results", tmp_path, "--images-per-second", "1e5"
    command = [sys.executable, "-c", code, *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "12,600 in 252 packs" in run.stdout
