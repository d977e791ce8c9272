"""The wheel in an empty environment, in folders that know nothing of the checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
BUILT = "from hatchling.build import build_sdist; print(build_sdist({!r}))"

pytestmark = pytest.mark.wheel


def run(*command, **options) -> subprocess.CompletedProcess:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr[-4000:]
    return done


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Path:
    """Where the programs are of an environment with nothing but the wheel and what it asks for.

    The wheel is built from the sources that are published beside it, with its own build system.
    """
    folder = tmp_path_factory.mktemp("wheel")
    name = run(sys.executable, "-c", BUILT.format(str(folder)), cwd=ROOT).stdout.strip()
    pip = (sys.executable, "-m", "pip", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, folder / name)
    run(sys.executable, "-m", "venv", folder / "environment")
    (wheel,) = folder.glob("*.whl")
    constraints = ("--constraint", ROOT / "constraints.txt")
    python = folder / "environment/bin/python"
    run(python, "-m", "pip", "--quiet", "install", *constraints, wheel)
    return python.parent


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("somewhere")


@pytest.fixture(scope="module")
def call(programs, somewhere):
    """Run a program of the environment in a folder; nothing of ours is on its paths."""
    inherited = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    surroundings = inherited | {"PATH": f"{programs}:/usr/bin:/bin", "OMP_NUM_THREADS": "1"}

    def called(name, *words, folder=somewhere) -> subprocess.CompletedProcess:
        return run(programs / name, *words, cwd=folder, env=surroundings)

    return called


@pytest.fixture(scope="module")
def study(call, somewhere) -> Path:
    """A new folder in which the smoke study has been run by a plain `snakemake`."""
    call("disentbench", "new", "studies")
    folder = somewhere / "studies"
    call("snakemake", "--cores", "2", "--configfile", "configs/smoke.yaml", folder=folder)
    return folder


def test_it_is_the_installed_package_that_runs(call, programs):
    said = call("python", "-c", "import disentbench; print(disentbench.__file__)").stdout
    assert Path(said).is_relative_to(programs.parent)


def test_codes_that_are_the_factors_score_one(call, somewhere):
    factors = np.random.default_rng(0).integers(0, [3, 5, 8], size=(3000, 3))
    np.savez(somewhere / "x.npz", mean=factors.astype(float), factors=factors)
    call("disentbench", "score", "x.npz", "--metrics", "mig,sap", "--out", "scores.csv")
    scores = pd.read_csv(somewhere / "scores.csv").set_index("metric")["value"]
    assert scores["mig"] == pytest.approx(1, abs=0.01)


def test_the_schema_is_the_one_in_the_folder(call, study):
    written = json.loads((study / "configs/study.schema.json").read_text())
    assert json.loads(call("disentbench", "schema").stdout) == written


def test_a_study_comes_to_its_page(call, study):
    page = (study / "results/smoke/report/index.html").read_text()
    assert "<h1" in page
    assert len(list((study / "results/smoke/report/figures").glob("*.pdf"))) > 3
    call("disentbench", "verify", "configs/smoke.yaml", folder=study)


def test_its_code_is_named_by_its_version(call, study):
    (path,) = study.glob("results/smoke/tiny/vae/*/*/latents.h5")
    with h5py.File(path) as file:
        origin = json.loads(file.attrs["provenance"])
    assert origin["revision"] == (study / "workflow/VERSION").read_text().strip()


def test_the_default_profile_is_found_and_nothing_is_left_to_do(call, study):
    again = call(
        "snakemake", "-n", "--cores", "2", "--configfile", "configs/smoke.yaml", folder=study
    )
    assert "workflow specific profile profiles/default" in again.stderr
    assert "Nothing to be done" in again.stdout + again.stderr


def test_the_same_code_elsewhere_computes_nothing(call, study, programs):
    """Another Python, say, whose packages are in a folder of another name."""
    packages = next(programs.parent.glob("lib/python*/site-packages"))
    (packages / "disentbench").rename(packages / "elsewhere")
    try:
        (packages / "moved").mkdir()
        (packages / "elsewhere").rename(packages / "moved/disentbench")
        (packages / "moved.pth").write_text(f"{packages / 'moved'}\n")
        again = call(
            "snakemake", "-n", "--cores", "2", "--configfile", "configs/smoke.yaml", folder=study
        )
        assert "Nothing to be done" in again.stdout + again.stderr
    finally:
        (packages / "moved/disentbench").rename(packages / "disentbench")


def test_a_plain_snakemake_plans_the_study_of_the_folder(call, study):
    plan = call("snakemake", "-n", "--cores", "2", folder=study)
    assert "results/starter/report/index.html" in plan.stdout + plan.stderr
