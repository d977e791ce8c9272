"""`make report` in a checkout of its own, as a newcomer runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
import yaml

ROOT = Path(__file__).parents[2]
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
BUILT = bool(shutil.which("make")) and (ENVIRONMENT / "run").exists()
NEEDS_MAKE = pytest.mark.skipif(not BUILT, reason="needs make and the environment that it builds")


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
