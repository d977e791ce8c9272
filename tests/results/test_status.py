"""How far a study is: what its files, locks and logs say, and no more than that."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import SoftFileLease

from disentbench.cli import main
from disentbench.results import status as how_far
from disentbench.results import status_text
from disentbench.storage import jobs as jobs_of
from disentbench.storage import seals
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study

STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "posX": {"stride": 8}, "posY": {"stride": 8}}},
    "objectives": {"vae": {}, "beta_tcvae": {"beta": [1, 4]}},
    "seeds": "0-3",
    "pack": 2,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 100, "batch_size": 8},
    "metrics": ["mig", "elbo"],
}
OF = read_study(STUDY)
PACKS = 6
EVERYTHING = {"data": 1, "train": PACKS, "encode": PACKS, "score": 2 * PACKS} | {
    **{"levels": 2, "audit": 1, "collect": 1, "report": 1}
}


def pack(results: Path, i: int = 0) -> Path:
    return results / "little" / OF.packs[i].path


def written(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def made(job: jobs_of.Job, **said) -> Path:
    """A job's output that says what it is, `said` in place of some of it, and holds nothing."""
    said = job.identity | {"code": job.code} | said
    if job.output.suffix in seals.TABLES:
        seals.write_sums(written(job.output), identity=said)
    else:
        with seals.sealed(job.output, said) as path:
            path.touch()
    return job.output


def jobs(results: Path, stage: str = "") -> list[jobs_of.Job]:
    return [
        job
        for job in jobs_of.jobs(OF, StudyFolder(results / "little"))
        if job.stage.startswith(stage)
    ]


def begun(results: Path, i: int = 0, **content) -> Path:
    """A training that has noted how far it is, and its lock."""
    content = {"done": 150, "total": 200, "seconds": 10, "began": 100} | content
    written(pack(results, i) / "checkpoints/progress.json", json.dumps(content))
    return pack(results, i) / "checkpoints.lock"


def lock(path: Path, host: str = "elsewhere", pid: int = 1, age: float = 0) -> Path:
    """The lock of a trainer that was last heard of so many seconds ago."""
    owner = f"filelock/2\npid={pid}\nhost={host}\nmode=lease\ntoken=a\nduration=30.0\n"
    written(path, owner)
    os.utime(path, (time.time() - age,) * 2)
    return path


def counts(results: Path, state: str) -> dict[str, int]:
    found = how_far.status(OF, results).jobs
    return {stage: n for stage, states in found.items() if (n := states[state])}


def ended_process() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_of_a_study_that_has_not_begun_all_is_missing(tmp_path, capsys):
    assert counts(tmp_path, "missing") == EVERYTHING
    assert main(["status", json.dumps(STUDY), "--results", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("little\n")
    assert "time left for all trainings: unknown, none runs now" in shown
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_done(tmp_path):
    for job in jobs(tmp_path):
        made(job)
    assert counts(tmp_path, "done") == EVERYTHING
    shown = status_text.text(how_far.status(OF, tmp_path))
    assert not any(
        words in shown for words in ("time left", "other settings", "other code", "not there")
    )


def test_the_folder_that_is_not_there_is_named(tmp_path):
    assert f"{tmp_path / 'little'} is not there" in status_text.text(how_far.status(OF, tmp_path))


def test_what_other_settings_have_made_is_not_done(tmp_path):
    """After `steps: 100 -> 200` all that hangs on a training is to be made anew, and is named."""
    for job in jobs(tmp_path):
        made(job)
    longer = read_study(STUDY | {"training": {"steps": 200, "batch_size": 8}})
    found = how_far.status(longer, tmp_path)
    other = {stage: n for stage, states in found.jobs.items() if (n := states["other"])}
    trained = ("train", "encode", "score", "audit")
    assert other == {s: EVERYTHING[s] for s in trained} | {"collect": 1, "report": 1}
    assert len(found.trainings) == PACKS
    shown = status_text.text(found)
    assert f"{pack(tmp_path) / 'model.pt'} was made with other settings" in shown
    assert "time left for all trainings" in shown


def test_the_file_of_another_run_is_not_done(tmp_path):
    vae, other = jobs(tmp_path, "score")[0], jobs(tmp_path, "score")[-2]
    made(vae, **other.identity)
    found = how_far.status(OF, tmp_path)
    assert found.jobs["score"]["other"] == 1
    assert f"is not what its name says: it is '{other.identity['of']}'" in found.other[0]


def test_a_file_that_does_not_say_what_it_is_is_not_done(tmp_path):
    written(pack(tmp_path) / "model.pt")
    assert counts(tmp_path, "other") == {"train": 1}


def test_what_other_code_has_made_is_done_and_counted(tmp_path):
    for job in jobs(tmp_path):
        made(job, code="another" if job.stage in ("train", "levels") else job.code)
    found = how_far.status(OF, tmp_path)
    assert counts(tmp_path, "done") == EVERYTHING
    assert f"made by other code: levels 2, train {PACKS}; " in status_text.text(found)


def test_runs_in_packs_of_another_size_are_counted(tmp_path):
    """Seeds 0-3 in packs of 4, of which those of one setting exist in packs of 2 and 1."""
    for job in jobs(tmp_path, "train")[:2]:
        made(job)
    setting = pack(tmp_path).parent
    written(setting / "seeds-3-3/model.pt")  # it is in seeds-2-3, too
    (setting / "seeds-0-7").mkdir()  # nothing has come of it
    fours = read_study(STUDY | {"pack": 4})
    assert how_far.status(OF, tmp_path).cut == 0
    found = how_far.status(fours, tmp_path)
    assert found.cut == 4
    assert "4 runs exist in packs of another size" in status_text.text(found)


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


TRACE = "Traceback (most recent call last):\n  File 'x', line 1\n"
FAILURES = {
    "disentbench train: no space left\n\n": "disentbench train: no space left",
    "seed 0\n" + TRACE + "ValueError: wrong\n": "ValueError: wrong",
    TRACE + "torch.OutOfMemoryError: too much\nadvice\n": "torch.OutOfMemoryError: too much",
    TRACE + "odd.Fault\n": "odd.Fault",
    "MemoryError": "MemoryError",
    "bash: line 1: disentbench: command not found": "bash: line 1: disentbench: command not found",
    "x" * 20_000 + "\nOSError: \x1b[31mred\x00\n": "OSError:  [31mred",
}
NO_FAILURES = [
    "",
    "\n",
    "seed 0  step 10/40  loss 3.0\n",
    "warning: the Error of sampling is large\n",
    "disentbench train: stopped by SIGTERM; step 3 of 9 is saved\n",
    TRACE + "KeyboardInterrupt\n",
    "\udcff\udcfe",
]


@pytest.mark.parametrize(("log", "words"), FAILURES.items())
def test_what_has_failed_is_said_in_the_words_of_its_log(tmp_path, log, words):
    path = written(pack(tmp_path) / "logs/train.log", log)
    found = how_far.status(OF, tmp_path)
    assert found.failures == [how_far.Failure("train", path, words)]
    assert found.jobs["train"] == {"failed": 1, "missing": 5}
    assert f"failed\n  {path}: {words}" in status_text.text(found)


@pytest.mark.parametrize("log", NO_FAILURES)
def test_other_logs_tell_of_no_failure(tmp_path, log):
    path = written(pack(tmp_path) / "logs/train.log")
    path.write_bytes(log.encode("utf-8", "surrogateescape"))
    assert not how_far.status(OF, tmp_path).failures


def test_an_old_error_of_what_is_done_or_runs_is_none(tmp_path):
    lock(begun(tmp_path, 0))
    made(jobs(tmp_path, "train")[1])
    for i in range(2):
        written(pack(tmp_path, i) / "logs/train.log", "disentbench train: no\n")
    assert not how_far.status(OF, tmp_path).failures


def test_failures_are_in_the_order_of_the_pipeline_and_long_lists_are_cut(tmp_path):
    many = read_study(STUDY | {"seeds": "0-59"})
    for each in many.packs:
        folder = tmp_path / "little" / each.path
        written(folder / "logs/score-mig.log", "ValueError: a")
        written(folder / "logs/encode.log", "ValueError: b")
    written(folder / "logs/train.log", "ValueError: " + "c" * 500)
    shown = status_text.text(how_far.status(many, tmp_path)).splitlines()
    failed = shown[shown.index("failed") + 1 :]
    assert "train.log: ValueError: cc" in failed[0]
    assert failed[0].endswith("c ...")
    assert all("encode.log: ValueError: b" in line for line in failed[1:20])
    assert failed[20:] == [f"  and {2 * 90 + 1 - 20} more"]


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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 s"), (29.4, "29 s"), (30.1, "1 min"), (3540, "59 min"), (3599, "1 h 0 min")),
        *((12_000, "3 h 20 min"), (86_400 * 2 + 3600 * 4, "2 d 4 h")),
    ],
)
def test_durations(seconds, words):
    assert status_text.duration(float(seconds)) == words


@pytest.mark.parametrize("kind", [os.mkfifo, os.mkdir])
def test_what_stands_where_a_file_should_be_stops_nothing(tmp_path, kind):
    """A pipe has no end, and a folder cannot be read."""
    for name in ("logs/train.log", "latents.h5", "scores/mig.sha256", "scores/mig.csv"):
        path = pack(tmp_path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind(path)
    assert how_far.status(OF, tmp_path).jobs


def test_status_imports_no_torch():
    code = (
        "import sys; from disentbench.cli import main; main(['status', sys.argv[1]]);"
        "assert not {'torch', 'sklearn', 'pandas', 'h5py'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(STUDY)], check=True)


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
