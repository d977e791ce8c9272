"""What is drawn for each member at each step: the same in any pack, on any device, after any stop.

It is drawn on the host, a block of steps at once, so that a GPU is never awaited.
"""

from functools import lru_cache

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


class Batches:
    """Batches and noise of every member at every step, a block of steps drawn at a time."""

    def __init__(self, seeds: list[int], model: VAE, size: int, batch: int):
        self.seeds, self.model, self.size, self.batch = seeds, model, size, batch
        self.order = lru_cache(maxsize=2 * len(seeds))(self._order)
        self.block = -1

    def at(self, step: int, device: torch.device) -> tuple[Tensor, Noise]:
        """Positions [member, image] of the batch at a step, and its noise."""
        if step // BLOCK != self.block:
            self.block = step // BLOCK
            self._draw(device)
        i = step % BLOCK
        return self.index[:, i], Noise(self.noise.normal[:, i], self.noise.gumbel[:, i])

    def _draw(self, device: torch.device) -> None:
        steps = range(self.block * BLOCK, (self.block + 1) * BLOCK)
        index = np.array([[self._batch(seed, step) for step in steps] for seed in self.seeds])
        drawn = [
            noise(
                (generator(seed, NORMAL, self.block), generator(seed, GUMBEL, self.block)),
                *(self.model, BLOCK, self.batch),
            )
            for seed in self.seeds
        ]
        self.index = torch.from_numpy(index).to(device)
        self.noise = Noise(*(torch.stack(parts) for parts in zip(*drawn, strict=True))).to(device)

    def _batch(self, seed: int, step: int) -> np.ndarray:
        """An epoch's order cut into batches; a rest that fills no batch is left out."""
        epoch, place = divmod(step, self.size // self.batch)
        return self.order(seed, epoch)[place * self.batch : (place + 1) * self.batch]

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        return generator(seed, ORDER, epoch).permutation(self.size)
