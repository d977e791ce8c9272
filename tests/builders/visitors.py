"""A copy of the package to which a visitor has brought files, and commands of that copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import disentbench


def visited(folder, files):
    """The folder, with a copy of the package in it that has these files besides."""
    package = Path(disentbench.__file__).parent
    shutil.copytree(package, folder / "disentbench", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in files.items():
        assert not (package / name).exists()
        (folder / "disentbench" / name).write_text(text)
    return folder


def python(folder, *arguments):
    """Run Python with the package of a folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        check=False,
    )
