"""Random numbers as functions of (seed, purpose, position): alike in any pack, on any device,
and after any interruption. They are drawn on the host, in blocks, so that a GPU is never awaited.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from disentbench.model import VAE, Noise

INITIAL, ORDER, NORMAL, GUMBEL, EVALUATION = range(5)
BLOCK = 64  # steps whose noise is drawn at once


def generator(seed: int, purpose: int, position: int = 0) -> np.random.Generator:
    """The generator of one member for one purpose at one position (an epoch, a block of steps)."""
    return np.random.default_rng([seed, purpose, position])


def noise(rngs: tuple[np.random.Generator, np.random.Generator], model: VAE, *shape: int) -> Noise:
    """Standard normal and Gumbel noise [*shape, latents] and [*shape, classes] for samples."""
    normal = rngs[0].standard_normal((*shape, model.latents), np.float32)
    gumbel = rngs[1].gumbel(size=(*shape, model.classes)).astype(np.float32)
    return Noise(torch.from_numpy(normal), torch.from_numpy(gumbel))


class Draws:
    """Batches and noise of every member at every step, drawn a block of steps at a time; with
    `ahead`, the next block meanwhile, in a thread of its own."""

    def __init__(self, seeds: list[int], model: VAE, size: int, batch: int, ahead: bool = False):
        self.seeds, self.model, self.size, self.batch = seeds, model, size, batch
        self.order = lru_cache(maxsize=2 * len(seeds))(self._order)
        self.block = -1
        self.pool = ThreadPoolExecutor(1) if ahead else None
        self.coming: dict[int, Future] = {}

    def at(self, step: int, device: torch.device) -> tuple[Tensor, Noise]:
        """Positions [member, image] of the batch at a step, and its noise."""
        if step // BLOCK != self.block:
            self.block = step // BLOCK
            index, noise = self._block()
            self.index, self.noise = index.to(device), noise.to(device)
        i = step % BLOCK
        return self.index[:, i], Noise(self.noise.normal[:, i], self.noise.gumbel[:, i])

    def _block(self) -> tuple[Tensor, Noise]:
        """The block's draws, and the next one's under way."""
        coming = self.coming.pop(self.block, None)
        if self.pool:
            self.coming = {self.block + 1: self.pool.submit(self._drawn, self.block + 1)}
        return coming.result() if coming else self._drawn(self.block)

    def _drawn(self, block: int) -> tuple[Tensor, Noise]:
        steps = range(block * BLOCK, (block + 1) * BLOCK)
        index = np.array([[self._batch(seed, step) for step in steps] for seed in self.seeds])
        drawn = [
            noise(
                (generator(seed, NORMAL, block), generator(seed, GUMBEL, block)),
                *(self.model, BLOCK, self.batch),
            )
            for seed in self.seeds
        ]
        return torch.from_numpy(index), Noise(*map(torch.stack, zip(*drawn, strict=True)))

    def _batch(self, seed: int, step: int) -> np.ndarray:
        """An epoch's order cut into batches; a rest that fills no batch is left out."""
        epoch, place = divmod(step, self.size // self.batch)
        return self.order(seed, epoch)[place * self.batch : (place + 1) * self.batch]

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        return generator(seed, ORDER, epoch).permutation(self.size)
