"""Packs on the device under test, and a mark for what a GPU alone can do."""

import pytest
import torch

from disentbench.models.device_images import Resident
from disentbench.training import loop, replay

ON_A_GPU = pytest.mark.parametrize(
    "device",
    [
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(
                    not torch.cuda.is_available(), reason="PyTorch finds no GPU here"
                ),
            ],
        )
    ],
    indirect=True,
)


def pack(recipe, images, folder, device, **options):
    """All members as one."""
    return loop.train(recipe, images, device, folder, vectorise=True, **options)


def has_graph(recipe, device, images):
    seeds = [0, 1, 2]
    resident = Resident(images, device, recipe.dataset)
    problem = loop.problem_of(recipe, resident, together=True)
    state, draws = loop.fresh(problem, seeds), loop.batches_of(problem, seeds)
    return replay.recorded(state, problem, draws) is not None
