"""Where a number comes from: the code, the versions, the device and the study's text."""

import platform
import subprocess
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("disentbench", "torch", "numpy", "scikit-learn", "h5py")


@lru_cache
def revision() -> str:
    """The code's git revision, with `+` if files differ from it; without git, the version."""
    folder = Path(__file__).parent
    described = ["describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    git = subprocess.run(
        ["git", "-C", folder, *described], capture_output=True, text=True, check=False
    )
    return git.stdout.strip() or version("disentbench")


def provenance(study: str, device: str) -> dict:
    """What every artefact carries, as plain data."""
    return {
        "revision": revision(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in PACKAGES},
        "device": device,
        "study": study,
    }
