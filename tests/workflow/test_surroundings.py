"""Commands in other surroundings than ours: an encoding without Greek letters, python -OO."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

NARROW = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


def disentbench(*arguments, python=(), **environment) -> subprocess.CompletedProcess:
    ours = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, *python, "-m", "disentbench.cli", *map(str, arguments)],
        env=os.environ | ours | environment,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("environment", NARROW, ids=["ascii", "latin-1", "C"])
def test_letters_that_an_encoding_lacks_are_written_as_codes(environment):
    listed = disentbench("list", "objectives", **environment)
    assert listed.returncode == 0, listed.stderr
    assert rb"\u03b2-TCVAE" in listed.stdout


def test_a_name_that_is_no_text_is_written_as_codes(tmp_path):
    factors = np.arange(64) % 4
    for name in (b"a\xe9.csv", b"b.csv"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        np.savetxt(path, np.stack([factors, factors], 1), "%d", ",", header="z0,v0", comments="")
    scored = disentbench("score", *sorted(tmp_path.iterdir()), "--metrics", "mig")
    assert scored.returncode == 0, scored.stderr
    assert rb"a\xe9.csv" in scored.stdout


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["list", "datasets"]])
def test_nothing_needs_docstrings(words):
    listed = disentbench(*words, python=("-OO",))
    assert listed.returncode == 0, listed.stderr
    assert b"--help" in listed.stdout or b"dSprites" in listed.stdout
