"""Copies of the checkout, Snakemake run in them, and what it plans after a change."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

PARTS = ("Snakefile", "workflow", "configs", "disentbench")


def copy_of_checkout(folder):
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    return folder


def snakemake(checkout, *arguments, config="configs/smoke.yaml"):
    """Run Snakemake in a checkout whose own package it imports; no `make` is around it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            "2",
            *arguments,
            "--configfile",
            str(config),
        ],
        cwd=checkout,
        env=inherited | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def planned(checkout, config="configs/smoke.yaml", *targets):
    """How often each rule would run."""
    text = snakemake(checkout, "-n", *targets, config=config)
    assert text.returncode == 0, text.stderr
    stats = re.findall(r"^(\w+) +(\d+)$", text.stdout + text.stderr, re.MULTILINE)
    return {rule: int(count) for rule, count in stats if rule != "total"}


def variant(checkout, name, **changes):
    """The smoke study with some keys replaced, as a config file of its own."""
    study = yaml.safe_load((checkout / "configs/smoke.yaml").read_text())
    path = checkout / f"{name}.yaml"
    path.write_text(yaml.safe_dump(study | changes, sort_keys=False))
    return path


@contextmanager
def changed(checkout, file):
    """A file of the package with one more line, and at the end as it was, but for its time."""
    path = checkout / "disentbench" / file
    text = path.read_text()
    path.write_text(text + ("/* changed */\n" if path.suffix == ".css" else "\n# changed\n"))
    try:
        yield path
    finally:
        path.write_text(text)


READS = """
from pathlib import Path
from typing import ClassVar
from disentbench.datasets.dsprites_small import DspritesSmall

class Reads(DspritesSmall):
    label: ClassVar[str] = "x"
    path: Path

    def images(self):
        assert self.files[0].read_text()
        return super().images()

dataset = Reads
"""
