"""Copies of the checkout, and Snakemake run in them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


PARTS = ("Snakefile", "workflow", "configs", "disentbench")


def copy_of_checkout(folder):
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    return folder


def snakemake(checkout, *arguments, config="configs/smoke.yaml"):
    """Run Snakemake in a checkout whose own package it imports."""
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
        env=os.environ | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
