"""Where a number comes from: the code, the versions, the device and the study's text."""

import json
import platform
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("disentbench", "torch", "numpy", "scikit-learn", "h5py")


def version(package: str) -> str:
    """The version of a package; a checkout may be none, and not every machine trains and scores."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@lru_cache
def revision() -> str:
    """The code's git revision, with `+` if files differ from it or are new; else the version."""
    described = git("describe", "--always", "--abbrev=12", "--exclude=*")
    changed = git("status", "--porcelain", "--untracked-files=all", "--", ".")
    return f"{described}{'+' if changed else ''}" if described else version("disentbench")


def git(*arguments: str) -> str:
    """What git says of the package's folder; nothing where there is no git or no repository."""
    try:
        command = ["git", "-C", Path(__file__).parent, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def origin(device: str) -> dict:
    """With what code, and on what device, something is computed."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    return {"revision": revision(), "versions": versions, "device": device}


def provenance(study: str, device: str) -> dict:
    """What every artefact carries, as plain data."""
    return origin(device) | {"study": study}


def unique(origins: Iterable[dict]) -> list[dict]:
    """Each origin once, in order."""
    texts = dict.fromkeys(json.dumps(each, sort_keys=True) for each in origins)
    return [json.loads(text) for text in texts]
