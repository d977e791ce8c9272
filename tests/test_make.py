"""`make report` where a path and a study have spaces in their names and nobody has a home.

It goes on by itself whatever has killed it, and a second one is told of the first.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib as mpl
import pytest
import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "Makefile", "pyproject.toml", "constraints.txt", "configs", "workflow")
ENVIRONMENT = Path(sys.prefix)
LONGEST = 600  # seconds; what takes longer hangs
SOURCE = "my study.yaml"
STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "posX": {"stride": 8}, "posY": {"stride": 8}}},
    "objectives": {"vae": {}},
    "seeds": "0",
    "latents": 2,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 2, "batch_size": 8},
    "metrics": ["mig"],
}
RULES = ("data", "levels", "train", "encode", "score", "audit", "collect", "report", "all")
# The first job says that it has begun, and stays.
COMMAND, STALLED = '"disentbench data ', '"touch begun && sleep 600 && disentbench data '

BUILT = bool(shutil.which("make")) and (ENVIRONMENT / "run").exists()
NEEDS_MAKE = pytest.mark.skipif(not BUILT, reason="needs make and the environment that it builds")
pytestmark = NEEDS_MAKE


def laid_out(folder: Path, study: dict) -> Path:
    """A copy of the checkout with the environment of this one, and a study."""
    shutil.copytree(ROOT / "disentbench", folder / "disentbench")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    (folder / "profiles").symlink_to("workflow/profiles")
    (folder / ".venv").symlink_to(ENVIRONMENT)
    for name in ("pyproject.toml", "constraints.txt"):  # or make would build it again
        os.utime(folder / name, (0, 0))
    (folder / SOURCE).write_text(yaml.safe_dump(study, sort_keys=False))
    return folder


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


def surroundings(checkout) -> dict[str, str]:
    """Of a notebook in a container that has neither a home nor a language.

    What a `make` around the tests hands down (its variables, `CORES=2`, and that it is not the
    first, of which GNU make says a word more at its end) is none of it.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return inherited | {
        "PYTHONPATH": str(checkout),
        "HOME": "/dev/null",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": mpl.get_cachedir(),  # or all fonts would be looked for again
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "OMP_NUM_THREADS": "1",
    }


def start(checkout, *command) -> subprocess.Popen:
    """A command in a session of its own, as in a terminal."""
    return subprocess.Popen(
        command,
        cwd=checkout,
        env=surroundings(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def report(checkout) -> subprocess.Popen:
    return start(checkout, "make", "report", f"STUDY={SOURCE}", "CORES=1")


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
    assert re.search(r"^train +7$", words, re.MULTILINE), words
    asked = ("results/little/tiny/images.h5", "--cores", "1", "--configfile", checkout / SOURCE)
    made = start(checkout, *snakemake, *asked, "--directory", tmp_path)
    words, _ = made.communicate(timeout=LONGEST)
    assert made.returncode == 0, words
    images = "results/little/tiny/images.h5"
    assert (tmp_path / images).read_bytes() == (checkout / images).read_bytes()
