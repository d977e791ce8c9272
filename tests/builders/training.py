"""Trainings of a pack, in this process and as a command."""

import signal
import sys
from pathlib import Path

import torch

from disentbench.training import loop
from disentbench.training.interruption import Interruption

CPU = torch.device("cpu")


class After(Interruption):
    """Told to stop after so many steps, those of all parts."""

    def __init__(self, steps):
        self.lease, self.left = None, steps

    @property
    def signal(self):
        self.left -= 1
        return signal.SIGTERM if self.left <= 0 else None


def run(recipe, images, tmp_path, **options):
    return loop.train(recipe, images, CPU, Path(tmp_path) / "checkpoints", **options)


def command(recipe, folder, *options):
    return [
        *(sys.executable, "-m", "disentbench.cli", "train", recipe.text),
        *("--images", str(folder / "images.h5"), "--model", str(folder / "model.pt")),
        *("--history", str(folder / "history.csv"), "--checkpoints", str(folder / "checkpoints")),
        *("--threads", "1", "--checkpoint-seconds", "0.05", *options),
    ]


# The command, sent a signal after so many of its own steps.
SIGNALLED = """
import os, sys
from disentbench.cli import main
from disentbench.training.state import State
number, left, descend = int(sys.argv.pop(1)), int(sys.argv.pop(1)), State.descend
def counted(*arguments):
    global left
    descend(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), number)
State.descend = counted
sys.exit(main())
"""


def signalled(number, steps, words):
    """Python's arguments for the command of these words, sent a signal after so many steps."""
    return ["-c", SIGNALLED, str(int(number)), str(steps), *words]
