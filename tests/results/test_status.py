"""How far a study is: what its files and logs say, and no more than that."""

import json
import os
import subprocess
import sys

import pytest
from builders.half_done import (
    EVERYTHING,
    OF,
    PACKS,
    STUDY,
    begun,
    counts,
    jobs,
    lock,
    made,
    pack,
    written,
)

from disentbench.cli import main
from disentbench.results import status as how_far
from disentbench.results import status_text
from disentbench.storage.study_file import read_study


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
    (said,) = how_far.status(OF, tmp_path).other
    assert "is damaged: it does not say what it is" in said


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
