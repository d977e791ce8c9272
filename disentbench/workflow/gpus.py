"""The GPUs that a workflow's jobs can have, found out without PyTorch, which is slow to import."""

import os
import re
import subprocess
from functools import cache
from itertools import takewhile

SECONDS = 30  # for nvidia-smi, which has every GPU wake up first where nothing keeps them awake


@cache
def count() -> int:
    """How many there are, of those that CUDA_VISIBLE_DEVICES names; none where nvidia-smi fails.

    CUDA reads up to the first name that is none, and of slices of GPUs (MIG) uses the first alone.
    """
    listed = _listed()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return _gpus(listed)
    names = [name.strip() for name in named.split(",")]
    there = list(takewhile(lambda name: _is_there(name, listed), names))
    return min(1, len(there)) if names[0].startswith("MIG-") else len(there)


def _listed() -> list[str]:
    """A line for each GPU, and below it one for each of its slices."""
    command = ["nvidia-smi", "-L"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return run.stdout.splitlines()


def _gpus(listed: list[str]) -> int:
    return sum(line.startswith("GPU ") for line in listed)


def _is_there(name: str, listed: list[str]) -> bool:
    """Whether this is the number of a GPU, or how the UUID of a GPU or of a slice begins."""
    if re.fullmatch("[0-9]+", name):
        return int(name) < _gpus(listed)
    return name[:4] in ("GPU-", "MIG-") and any(f"UUID: {name}" in line for line in listed)
