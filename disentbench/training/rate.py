"""How many images a second a training takes here, found out by making some of its steps."""

import time
from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import torch

from disentbench.models.device_images import Resident
from disentbench.recipe import Recipe
from disentbench.storage.images import Images
from disentbench.training import parts, replay
from disentbench.training.loop import batches_of, problem_of
from disentbench.training.state import fresh

ROWS = 2048  # images that stand in for a data set's: what they show takes no time
SECONDS, ROUNDS = 0.5, 3
WARM_UP = 2  # steps


def images_per_second(recipe: Recipe, device: torch.device) -> float:
    """The images that a core or a GPU trains on in a second, of all members that it has at once.

    The steps are those of `loop.train`: of one member on a core, of all for which a GPU has room,
    on images of the data set's shape. It is the best of some rounds, and nothing is written.
    """
    images = Resident(stand_in(recipe), device, recipe.dataset)
    seeds, together = recipe.pack.seeds, device.type == "cuda" and len(recipe.pack.seeds) > 1
    most = parts.most_members(problem_of(recipe, images, True), seeds, None) if together else 1
    steps = stepper(recipe, images, seeds[:most])
    steps(WARM_UP)
    count = 1 + int(SECONDS / steps(WARM_UP))
    return most * recipe.training.batch_size / min(steps(count) for _ in range(ROUNDS))


def stepper(
    recipe: Recipe, images: Resident, seeds: Sequence[int] | None = None, *, recorded: bool = True
) -> Callable[[int], float]:
    """Makes so many steps of a pack or of some of its seeds, and says the seconds of each.

    They are recorded where a training records them, unless that is not wanted.
    """
    seeds = list(recipe.pack.seeds if seeds is None else seeds)
    problem = problem_of(recipe, images, together=len(seeds) > 1)
    state, draws = fresh(problem, seeds), batches_of(problem, seeds)
    recording = replay.recorded(state, problem, draws) if recorded else None

    def steps(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            state.advance(problem, draws, recording)
        if images.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / count

    return steps


def stand_in(recipe: Recipe) -> Images:
    """Images like a data set's, at random; of one that renders, its own, with what it renders
    with."""
    dataset = recipe.dataset
    if dataset.renders:
        return dataset.images()
    shape, packed = dataset.stored_shape, dataset.packed
    row = ((prod(shape) + 7) // 8,) if packed else (*shape[1:], shape[0])
    count = min(max(ROWS, recipe.training.batch_size), dataset.size)
    rows = np.random.default_rng(0).integers(256, size=(count, *row), dtype=np.uint8)
    bits, pixels = (rows, None) if packed else (None, rows)
    factors = np.zeros((count, 0), np.int64)
    return Images(dataset.name, dataset.label, shape, factors, (), (), bits, pixels)
