"""`make report` where a path and a study have spaces in their names and nobody has a home.

It goes on by itself whatever has killed it, and a second one is told of the first.
"""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from builders.make_report import LONGEST, NEEDS_MAKE, SOURCE, STUDY, laid_out, report, start

from disentbench.storage.study_file import read_study

RULES = ("data", "levels", "train", "encode", "score", "audit", "collect", "report", "all")
# The first job says that it has begun, and stays.
COMMAND, STALLED = '"disentbench data ', '"touch begun && sleep 600 && disentbench data '

pytestmark = NEEDS_MAKE


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """One whose first job stays."""
    folder = laid_out(tmp_path_factory.mktemp("with") / "a space", STUDY)
    rewrite(folder, COMMAND, STALLED)
    return folder


def rewrite(checkout, old, new):
    rule = checkout / "workflow/rules/data.smk"
    text = rule.read_text()
    assert old in text
    rule.write_text(text.replace(old, new))


def wait_for(path, run):
    end = time.monotonic() + LONGEST
    while not path.exists():
        assert run.poll() is None, run.stdout.read()
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.05)
    path.unlink()


@pytest.fixture(scope="module")
def killed(checkout) -> dict[str, tuple[str, int]]:
    """By signal, what a second `make report` said beside the one that it killed, and its code."""
    said = {}
    for name in ("SIGKILL", "SIGHUP"):
        first = report(checkout)
        wait_for(checkout / "begun", first)
        second = report(checkout)
        words, _ = second.communicate(timeout=LONGEST)
        os.killpg(first.pid, signal.Signals[name])
        first.communicate(timeout=LONGEST)
        said[name] = words, second.returncode
    rewrite(checkout, STALLED, COMMAND)
    return said


@pytest.fixture(scope="module")
def finished(checkout, killed) -> str:
    """What is on the terminal when it has gone on to the end."""
    run = report(checkout)
    words, _ = run.communicate(timeout=LONGEST)
    assert run.returncode == 0, words
    return words


def test_a_second_one_is_refused_in_a_sentence(killed):
    for words, code in killed.values():
        assert code == 2
        assert re.search(
            r"^disentbench: process \d+ on \S+, since [-\d]+ [:\d]+, runs the study little in this "
            r"folder; let it end or stop it, then run this again$",
            words,
            re.MULTILINE,
        ), words
        assert "Traceback" not in words


def test_it_goes_on_to_a_report_whose_path_it_says_last(checkout, finished):
    page = checkout / "results/little/report/index.html"
    assert finished.splitlines()[-1] == f"The report: {page}"
    assert page.exists()


def test_the_terminal_has_a_line_for_each_job_and_the_log_has_all(checkout, finished):
    lines = re.findall(r"^(\d+) of (\d+) done: (\w+)", finished, re.MULTILINE)
    assert [int(done) for done, _, _ in lines] == list(range(1, len(RULES) + 1))
    assert {rule for _, _, rule in lines} == set(RULES)
    assert "reason:" not in finished
    (log,) = re.findall(r"^Complete log\(s\): (.*)$", finished, re.MULTILINE)
    assert Path(log).read_text().count("reason:") == len(RULES)


def test_from_elsewhere_the_demo_is_found_and_results_stay_there(checkout, tmp_path, finished):
    snakemake = (sys.executable, "-m", "snakemake", "-s", checkout / "Snakefile")
    planned = start(tmp_path, *snakemake, "-n", "results/demo/scores.csv")
    words, _ = planned.communicate(timeout=LONGEST)
    assert planned.returncode == 0, words
    packs = len(read_study(checkout / "configs/demo.yaml").packs)
    assert re.search(rf"^train +{packs}$", words, re.MULTILINE), words
    asked = ("results/little/tiny/images.h5", "--cores", "1", "--configfile", checkout / SOURCE)
    made = start(checkout, *snakemake, *asked, "--directory", tmp_path)
    words, _ = made.communicate(timeout=LONGEST)
    assert made.returncode == 0, words
    images = "results/little/tiny/images.h5"
    assert (tmp_path / images).read_bytes() == (checkout / images).read_bytes()
