"""Where a number comes from: the code, the versions, the device and the study's text."""

import json
import platform
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata

from disentbench.sources import ROOT

PACKAGES = ("disentbench", "torch", "numpy", "scikit-learn", "h5py")
# What a training took: seconds of the wall clock, and steps, those of each member counted.
SPENT = ("seconds", "member_steps")
# What of a training's origin differs between equal ones.
EFFORT = (*SPENT, "processor", "threads")

CODE = ROOT
# What the code is made of: tracked files here, and new ones of the kinds that are read.
MADE_OF = (".", ":(top)Snakefile", ":(top)workflow/rules")
NEW = (".py", ".smk", ".html", ".css", ".js")


def version(package: str) -> str:
    """The version of a package; a checkout may be none, and not every machine trains and scores."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@lru_cache
def revision() -> str:
    """The code's git revision, with `+` if files that it is made of differ; else the version."""
    if not git("ls-files", "__init__.py"):  # installed, perhaps within somebody else's checkout
        return version("disentbench")
    described = git("describe", "--always", "--abbrev=12", "--exclude=*")
    status = git("status", "--porcelain", "--untracked-files=all", "-z", "--", *MADE_OF)
    changed = [line for line in status.split("\0") if line[:2] != "??" or line.endswith(NEW)]
    return described + "+" * any(changed)


def git(*arguments: str) -> str:
    """What git says of the package's folder; nothing where there is no git or no repository.

    Git refuses a checkout that another user owns. Its code runs here already, so this one is
    trusted, and nothing that its configuration would have git run.
    """
    trusted = ("-c", f"safe.directory={CODE.resolve().parent}", "-c", "core.fsmonitor=false")
    try:
        command = ["git", "-C", CODE, *trusted, *arguments]
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
    texts = dict.fromkeys(json.dumps(origin, sort_keys=True) for origin in origins)
    return [json.loads(text) for text in texts]


def summed(origins: Iterable[dict]) -> list[dict]:
    """Each origin once, in order, with the sum of what was spent on those that are else alike."""
    kept: dict[str, dict] = {}
    for origin in origins:
        alike = {key: value for key, value in origin.items() if key not in SPENT}
        whole = kept.setdefault(json.dumps([alike, "seconds" in origin], sort_keys=True), alike)
        whole.update({key: whole.get(key, 0) + origin[key] for key in SPENT if key in origin})
    return list(kept.values())


def shared(origin: dict, share: float) -> dict:
    """An origin with so large a share of what was spent on it."""
    if "seconds" not in origin:
        return origin
    steps = round(share * origin["member_steps"])
    return origin | {"seconds": share * origin["seconds"], "member_steps": steps}
