"""Which trainings run, how fast, and how much time is left: what their notes and locks say."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.half_done import OF, STUDY, begun, counts, jobs, lock, made, written
from filelock import SoftFileLease

from disentbench.cli import main
from disentbench.results import status as how_far
from disentbench.results import status_text
from disentbench.storage.study_file import read_study


def ended_process() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_time_left_is_what_remains_at_the_rate_of_those_that_run(tmp_path):
    lock(begun(tmp_path, 0))  # 5 steps a second, 50 left
    lock(begun(tmp_path, 1, done=60, began=30))  # 3 a second, 140 left
    begun(tmp_path, 2, done=80)  # stopped, 120 left
    made(jobs(tmp_path, "train")[3])
    found = how_far.status(OF, tmp_path)
    assert [each.rate for each in found.running] == [5, 3]
    assert [each.done for each in found.stopped] == [80]
    assert found.seconds_left == pytest.approx((50 + 140 + 120 + 2 * 200) / 8)
    assert found.jobs["train"] == {"done": 1, "running": 2, "missing": 3}
    shown = status_text.text(found)
    assert "tiny/vae/default/seeds-0-1: 75 %, 150 of 200 steps, 5.0 a second, 10 s left" in shown
    assert "stopped, to be resumed\n  tiny/beta_tcvae/beta-1/seeds-0-1: 40 %" in shown
    assert "1 min, at the rate of the 2 that run now" in shown


@pytest.mark.parametrize(
    ("owner", "runs"),
    [
        ({}, True),
        ({"age": 50}, True),
        ({"age": -300}, True),  # the clock of the other machine is ahead
        ({"age": 120}, False),
    ],
)
def test_a_trainer_elsewhere_runs_while_its_lock_is_fresh(tmp_path, owner, runs):
    lock(begun(tmp_path), **owner)
    assert bool(how_far.status(OF, tmp_path).running) is runs


def test_a_trainer_here_runs_while_its_process_lives(tmp_path):
    path = begun(tmp_path)
    with SoftFileLease(path):
        assert how_far.status(OF, tmp_path).running
        text = path.read_text()
    assert not how_far.status(OF, tmp_path).running
    path.write_text(text.replace(f"pid={os.getpid()}", f"pid={ended_process()}"))
    found = how_far.status(OF, tmp_path)
    assert not found.running
    assert found.stopped


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "null", "{", '{"done": 1}', '{"done": "x", "began": 0, "seconds": 0}'),
        '{"done": 1e999, "began": 0, "seconds": 1}',
        *('{"done": NaN, "began": 0, "seconds": 1}', '{"done": 9, "began": 9, "seconds": 0}'),
    ],
)
def test_a_progress_that_cannot_be_read_is_none(tmp_path, content):
    """Whoever runs is said to run; how fast is not known."""
    path = lock(begun(tmp_path))
    written(path.parent / "checkpoints/progress.json", content)
    (training,) = how_far.status(OF, tmp_path).running
    assert training.rate is None
    assert training.done in (0, 9)
    assert "unknown until those that run now are timed" in status_text.text(
        how_far.status(OF, tmp_path)
    )


@pytest.mark.parametrize("content", ["", "filelock/2\n", "\0\xff", "1\nhost\n"])
def test_a_lock_that_names_nobody_is_judged_by_its_age(tmp_path, content):
    path = written(begun(tmp_path), content)
    assert how_far.status(OF, tmp_path).running
    os.utime(path, (0, 0))
    assert not how_far.status(OF, tmp_path).running


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="only Linux tells")
def test_a_command_of_this_machine_is_seen_at_its_work(tmp_path):
    command = written(tmp_path / "disentbench", "import time; print(flush=True); time.sleep(60)")
    out = Path("little", OF.packs[0].path, "scores/mig.csv")
    words = [sys.executable, command, "score", "x.h5", "--out", out, "--detail", "y"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            assert counts(tmp_path, "running") == {"score": 1}
        finally:
            process.kill()
    assert counts(tmp_path, "running") == {}


def test_a_training_says_itself_how_far_it_is(tmp_path):
    """The trainer and the status agree on files, locks and what a kill leaves."""
    long = STUDY | {"seeds": "0-1", "objectives": {"vae": {}}, "training": {"steps": 10**5}}
    of = read_study(long)
    images, folder = tmp_path / "images.h5", tmp_path / "little" / of.packs[0].path
    data = STUDY["datasets"]["tiny"]
    options = json.dumps({key: value for key, value in data.items() if key != "of"})
    assert main(["data", data["of"], "--options", options, "--out", str(images)]) == 0
    words = ["--images", images, "--model", folder / "model.pt", "--threads", "1"]
    words += ["--history", folder / "history.csv", "--checkpoints", folder / "checkpoints"]
    command = [sys.executable, "-m", "disentbench.cli", "train", json.dumps(long), *words]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 600
            while not how_far.status(of, tmp_path).timed and time.monotonic() < until:
                assert process.poll() is None
                time.sleep(0.5)
            found = how_far.status(of, tmp_path)
        finally:
            process.kill()
    (training,) = found.timed
    assert 0 < training.done < training.total == 2 * 10**5
    assert found.seconds_left == pytest.approx(training.left / training.rate)
    after = how_far.status(of, tmp_path)
    assert not after.running
    assert after.stopped
