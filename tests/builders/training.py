"""Trainings of a pack, in this process and as a command."""

import sys
from pathlib import Path

import torch

from disentbench.training import loop

CPU = torch.device("cpu")


def run(recipe, images, tmp_path, **options):
    return loop.train(recipe, images, CPU, Path(tmp_path) / "checkpoints", **options)


def command(recipe, folder, *options):
    return [
        *(sys.executable, "-m", "disentbench.cli", "train", recipe.text),
        *("--images", str(folder / "images.h5"), "--model", str(folder / "model.pt")),
        *("--history", str(folder / "history.csv"), "--checkpoints", str(folder / "checkpoints")),
        *("--threads", "1", "--checkpoint-seconds", "0.05", *options),
    ]
