"""One workflow of a study at a time, whose lock ends with it; what its terminal shows."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from disentbench.errors import UserError
from disentbench.workflow import folder
from disentbench.workflow.terminal import say_little

HOLDER = """
import subprocess, sys
from pathlib import Path
from disentbench.workflow.folder import hold
hold("mine", Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of a study, and the number of a job that it has started."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    job = int(process.stdout.readline())
    yield process
    os.kill(job, signal.SIGKILL)
    process.kill()
    process.communicate()


@pytest.fixture(autouse=True)
def release(monkeypatch):
    """Let go of what a test holds: a workflow would hold it to its end. Wait for nobody."""
    monkeypatch.setattr(folder, "ENDING_SECONDS", 0)
    yield
    while folder.HELD:
        folder.HELD.pop().release()


def test_a_second_workflow_is_refused_and_told_by_whom(tmp_path, holder):
    with pytest.raises(UserError) as refused:
        folder.hold("mine", tmp_path)
    owner = json.loads((tmp_path / "mine.lock").read_text())
    assert owner["pid"] == holder.pid
    assert str(refused.value) == (
        f"process {holder.pid} on {owner['host']}, since {owner['since']}, runs the study mine in "
        "this folder; let it end or stop it, then run this again"
    )
    folder.hold("another", tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": "x", "host": 1}', "\0\xff"])
def test_a_holder_that_has_not_said_who_it_is_is_another_process(tmp_path, holder, content):
    (tmp_path / "mine.lock").write_text(content)
    with pytest.raises(UserError, match=r"^another process runs the study mine"):
        folder.hold("mine", tmp_path)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_the_lock_ends_with_its_holder_while_its_jobs_live_on(tmp_path, holder, how):
    holder.send_signal(signal.Signals[how])
    holder.wait()
    folder.hold("mine", tmp_path)
    assert json.loads((tmp_path / "mine.lock").read_text())["pid"] == os.getpid()


def test_a_file_system_without_locks_is_a_warning(tmp_path, monkeypatch):
    def refuse(*_, timeout):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folder.FileLock, "acquire", refuse)
    with pytest.warns(UserWarning, match=r"mine\.lock cannot be locked .*run one at a time"):
        folder.hold("mine", tmp_path)


def test_the_terminal_shows_a_line_for_each_job_that_has_ended(tmp_path):
    terminal, everything = logging.StreamHandler(), logging.FileHandler(tmp_path / "log")
    terminal.setStream((tmp_path / "terminal").open("w"))
    terminal.name = "DefaultStreamHandler"
    for handler in (terminal, everything):
        handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.Logger("snakemake")
    logger.addHandler(terminal)
    logger.addHandler(everything)
    say_little(logger)
    say_little(logger)  # the Snakefile may be read twice
    for i, output in enumerate((["a.csv", "a.json"], [])):
        logger.info(
            "begins",
            extra={"event": "job_info", "jobid": i, "rule_name": "score", "output": output},
        )
    logger.info("Select jobs to execute...")
    for i in (1, 0):
        logger.info("ends", extra={"event": "job_finished", "job_id": i})
        logger.info(None, extra={"event": "progress", "done": 2 - i, "total": 9})
    logger.error("it has failed", extra={"event": "job_error"})
    terminal.stream.close()
    shown = Path(tmp_path / "terminal").read_text().splitlines()
    assert shown == ["1 of 9 done: score", "2 of 9 done: score a.csv", "it has failed"]
    assert len((tmp_path / "log").read_text().splitlines()) == 8
