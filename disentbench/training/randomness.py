"""What is drawn for each member at each step: the same in any pack, on any device, after any stop.

It is drawn on the host, a block of steps at once, and for a GPU while it computes the block before.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from disentbench.models.vae import VAE, Noise
from disentbench.seeds import generator

INITIAL, ORDER, NORMAL, GUMBEL, EVALUATION = range(5)
Generators = tuple[np.random.Generator, np.random.Generator]  # of normal and of Gumbel noise
BLOCK = 64  # steps whose noise is drawn at once


def noise(rngs: Generators, model: VAE, *shape: int) -> Noise:
    """Standard normal and Gumbel noise [*shape, latents] and [*shape, classes] for samples."""
    normal = rngs[0].standard_normal((*shape, model.latents), np.float32)
    gumbel = rngs[1].gumbel(size=(*shape, model.classes)).astype(np.float32)
    return Noise(torch.from_numpy(normal), torch.from_numpy(gumbel))


class DrawnBlock(NamedTuple):
    """What is drawn of some steps: positions [member, step, image], and the noise of each member
    [step, image, ...]."""

    index: np.ndarray
    noise: list[Noise]

    def to(self, device: torch.device) -> tuple[Tensor, Noise]:
        """Positions and noise [member, step, image, ...] on a device."""
        stacked = Noise(*(torch.stack(parts) for parts in zip(*self.noise, strict=True)))
        return torch.from_numpy(self.index).to(device), stacked.to(device)


class Batches:
    """Batches and noise of every member at every step, a block of steps drawn at a time.

    With `ahead` the block that comes next is drawn in the background.
    """

    def __init__(self, seeds: list[int], model: VAE, size: int, batch: int, *, ahead: bool = False):
        self.seeds, self.model, self.size, self.batch = seeds, model, size, batch
        self.order = lru_cache(maxsize=2 * len(seeds))(self._order)
        self.ahead = ahead
        self.block = -1
        self.coming: dict[int, Future[DrawnBlock]] = {}

    def at(self, step: int, device: torch.device) -> tuple[Tensor, Noise]:
        """Positions [member, image] of the batch at a step, and its noise."""
        if step // BLOCK != self.block:
            self.index, self.noise = self._fetch(step // BLOCK).to(device)
            self.block = step // BLOCK
        i = step % BLOCK
        return self.index[:, i], Noise(self.noise.normal[:, i], self.noise.gumbel[:, i])

    def _fetch(self, block: int) -> DrawnBlock:
        """A block, drawn by now or drawn here; the next one is begun."""
        drawn = self.coming.pop(block).result() if block in self.coming else self._draw(block)
        if self.ahead:
            self.coming = {block + 1: in_background(lambda: self._draw(block + 1))}
        return drawn

    def _draw(self, block: int) -> DrawnBlock:
        steps = range(block * BLOCK, (block + 1) * BLOCK)
        index = np.array([[self._batch(seed, step) for step in steps] for seed in self.seeds])
        drawn = [
            noise(
                (generator(seed, NORMAL, block), generator(seed, GUMBEL, block)),
                *(self.model, BLOCK, self.batch),
            )
            for seed in self.seeds
        ]
        return DrawnBlock(index, drawn)

    def _batch(self, seed: int, step: int) -> np.ndarray:
        """An epoch's order cut into batches; a rest that fills no batch is left out."""
        epoch, place = divmod(step, self.size // self.batch)
        return self.order(seed, epoch)[place * self.batch : (place + 1) * self.batch]

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        return generator(seed, ORDER, epoch).permutation(self.size)


def in_background(task: Callable[[], DrawnBlock]) -> Future[DrawnBlock]:
    """What a task gives or raises, once it is done, in a thread that no process waits for to end.

    The task may ask nothing of a GPU, which would spoil a graph that is being recorded.
    """
    future: Future[DrawnBlock] = Future()

    def run() -> None:
        try:
            future.set_result(task())
        except BaseException as error:  # raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
