"""What is drawn for each member at each step: the same in any pack, on any device, after any stop.

It is drawn on the host, a block of steps at once, and for a GPU while it computes the block before.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from disentbench.models.vae import VAE, Noise
from disentbench.seeds import generator
from disentbench.training.loss import Draw, Problem

INITIAL, ORDER, NORMAL, GUMBEL, EVALUATION, INITIAL_CRITIC = range(6)
SECOND_ORDER, SECOND_NORMAL, SECOND_GUMBEL = range(6, 9)
# The purposes of a step's batch, of the first and of the second: its images, and their noise.
PURPOSES = ((ORDER, NORMAL, GUMBEL), (SECOND_ORDER, SECOND_NORMAL, SECOND_GUMBEL))
Generators = tuple[np.random.Generator, np.random.Generator]  # of normal and of Gumbel noise
BLOCK = 64  # steps whose noise is drawn at once


def noise(rngs: Generators, model: VAE, *shape: int) -> Noise:
    """Standard normal and Gumbel noise [*shape, latents] and [*shape, classes] for samples."""
    normal = rngs[0].standard_normal((*shape, model.latents), np.float32)
    gumbel = rngs[1].gumbel(size=(*shape, model.classes)).astype(np.float32)
    return Noise(torch.from_numpy(normal), torch.from_numpy(gumbel))


class Batches:
    """Batches, noise and normals of every member at every step, a block of steps drawn at a time.

    With `ahead` the block that comes next is drawn in the background.
    """

    def __init__(self, problem: Problem, seeds: list[int], *, ahead: bool = False):
        self.problem, self.seeds, self.ahead = problem, seeds, ahead
        self.structure = problem.objective.structure()
        self.order = lru_cache(maxsize=2 * self.structure.batches * len(seeds))(self._order)
        self.block = -1
        self.coming: dict[int, Future[list[Draw]]] = {}

    def at(self, step: int, device: torch.device) -> Draw:
        """What every member [member, ...] draws at a step."""
        if step // BLOCK != self.block:
            self.drawn = _stacked(self._fetch(step // BLOCK), device)
            self.block = step // BLOCK
        return tree_map(lambda values: values[:, step % BLOCK], self.drawn)

    def _fetch(self, block: int) -> list[Draw]:
        """A block, drawn by now or drawn here; the next one is begun."""
        drawn = self.coming.pop(block).result() if block in self.coming else self._draw(block)
        if self.ahead:
            self.coming = {block + 1: in_background(lambda: self._draw(block + 1))}
        return drawn

    def _draw(self, block: int) -> list[Draw]:
        """What each member draws in a block of steps [step, ...]."""
        return [self._of_member(seed, block) for seed in self.seeds]

    def _of_member(self, seed: int, block: int) -> Draw:
        batches = [self._batch(seed, block, PURPOSES[i]) for i in range(self.structure.batches)]
        index, drawn = zip(*batches, strict=True)
        normals = {
            name: torch.from_numpy(self._normals(seed, name, block))
            for name in self.structure.normals
        }
        return Draw(
            torch.cat(index, 1), tree_map(lambda *parts: torch.cat(parts, 1), *drawn), normals
        )

    def _batch(self, seed: int, block: int, purposes: tuple[int, int, int]) -> tuple[Tensor, Noise]:
        """Positions [step, image] of a batch at every step, and its noise."""
        order, normal, gumbel = purposes
        rngs = generator(seed, normal, block), generator(seed, gumbel, block)
        drawn = noise(rngs, self.problem.model, BLOCK, self.problem.training.batch_size)
        return torch.from_numpy(self._positions(seed, block, order)), drawn

    def _positions(self, seed: int, block: int, purpose: int) -> np.ndarray:
        size, batch = len(self.problem.images), self.problem.training.batch_size
        if self.problem.training.sampling == "with_replacement":
            return generator(seed, purpose, block).integers(size, size=(BLOCK, batch))
        steps = range(block * BLOCK, (block + 1) * BLOCK)
        return np.array([self._of_epoch(seed, step, purpose) for step in steps])

    def _of_epoch(self, seed: int, step: int, purpose: int) -> np.ndarray:
        """An epoch's order cut into batches; a rest that fills no batch is left out."""
        size, batch = len(self.problem.images), self.problem.training.batch_size
        epoch, place = divmod(step, size // batch)
        return self.order(seed, epoch, purpose)[place * batch : (place + 1) * batch]

    def _order(self, seed: int, epoch: int, purpose: int) -> np.ndarray:
        return generator(seed, purpose, epoch).permutation(len(self.problem.images))

    def _normals(self, seed: int, name: str, block: int) -> np.ndarray:
        """The standard normals of this name at every step [step, ...]."""
        model, batch = self.problem.model, self.problem.training.batch_size
        sizes = {"image": batch, "latent": model.latents, "code": model.code_size}
        shape = [sizes[n] if isinstance(n, str) else n for n in self.structure.normals[name]]
        rng = generator(seed, f"normals of an objective: {name}", block)
        return rng.standard_normal((BLOCK, *shape), np.float32)


def _stacked(members: list[Draw], device: torch.device) -> Any:
    """What all members draw [member, ...], on a device."""
    return tree_map(lambda *values: torch.stack(values).to(device), *members)


def in_background(task: Callable[[], list[Draw]]) -> Future[list[Draw]]:
    """What a task gives or raises, once it is done, in a thread that no process waits for to end.

    The task may ask nothing of a GPU, which would spoil a graph that is being recorded.
    """
    future: Future[list[Draw]] = Future()

    def run() -> None:
        try:
            future.set_result(task())
        except BaseException as error:  # raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
