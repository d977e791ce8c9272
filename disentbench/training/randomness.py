"""What is drawn for each member at each step: the same in any pack, on any device, after any stop.

It is drawn on the host, a block of steps at once, and for a GPU while it computes the block before.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._pytree import tree_map

from disentbench.models.vae import VAE, Noise
from disentbench.seeds import generator
from disentbench.training.loss import Draw, Problem, Weighted

INITIAL, ORDER, NORMAL, GUMBEL, EVALUATION, INITIAL_CRITIC = range(6)
SECOND_ORDER, SECOND_NORMAL, SECOND_GUMBEL = range(6, 9)
# The purposes of a step's batch, of the first and of the second: its images, and their noise.
PURPOSES = ((ORDER, NORMAL, GUMBEL), (SECOND_ORDER, SECOND_NORMAL, SECOND_GUMBEL))
RENDERED = ("rendering of images", "rendering of second images")
Generators = tuple[np.random.Generator, np.random.Generator]  # of normal and of Gumbel noise
BLOCK = 64  # steps whose noise is drawn at once


def noise(rngs: Generators, model: VAE, *shape: int) -> Noise:
    """Standard normal and Gumbel noise [*shape, latents] and [*shape, classes] for samples."""
    normal = rngs[0].standard_normal((*shape, model.latents), np.float32)
    gumbel = rngs[1].gumbel(size=(*shape, model.classes)).astype(np.float32)
    return Noise(torch.from_numpy(normal), torch.from_numpy(gumbel))


class Lots(NamedTuple):
    """A block of steps [step, ...]: positions of images and the keys that they are rendered by,
    their codes' noise, and the objective's normals."""

    index: Tensor
    keys: Tensor
    noise: Noise
    normals: dict[str, Tensor]


def by_weights(weights: Float[np.ndarray, " image"] | None) -> Weighted | None:
    """Each image's interval of [0, 1), as wide as its weight; None without weights.

    An image of weight 0 has an empty one: no number lies in it, and it is never drawn.
    """
    if weights is None:
        return None
    ends = np.cumsum(weights, dtype=np.float64)
    # The last is exactly 1, beyond every number that is drawn.
    return Weighted(ends / ends[-1], int(np.count_nonzero(weights)))


class Batches:
    """Batches, noise and normals of every member at every step, a block of steps drawn at a time.

    With `ahead` the block that comes next is drawn in the background.
    """

    def __init__(self, problem: Problem, seeds: list[int], *, ahead: bool = False):
        self.problem, self.seeds, self.ahead = problem, seeds, ahead
        self.structure = problem.objective.structure()
        self.order = lru_cache(maxsize=2 * self.structure.batches * len(seeds))(self._order)
        self.block = -1
        self.coming: dict[int, Future[list[Lots]]] = {}

    def at(self, step: int, device: torch.device) -> Draw:
        """What every member [member, ...] draws at a step, its images with it."""
        index, keys, noise, normals = self.drawn(step, device)
        return Draw(self.problem.images.stored(index), keys, noise, normals)

    def drawn(self, step: int, device: torch.device) -> Lots:
        """What every member [member, ...] draws at a step."""
        if step // BLOCK != self.block:
            images = self.problem.images.rows.device
            self.kept = _stacked(self._fetch(step // BLOCK), device, images)
            self.block = step // BLOCK
        return tree_map(lambda values: values[:, step % BLOCK], self.kept)

    def _fetch(self, block: int) -> list[Lots]:
        """A block, drawn by now or drawn here; the next one is begun."""
        drawn = self.coming.pop(block).result() if block in self.coming else self._draw(block)
        if self.ahead:
            self.coming = {block + 1: in_background(lambda: self._draw(block + 1))}
        return drawn

    def _draw(self, block: int) -> list[Lots]:
        """What each member draws in a block of steps [step, ...]."""
        return [self._of_member(seed, block) for seed in self.seeds]

    def _of_member(self, seed: int, block: int) -> Lots:
        batches = [self._batch(seed, block, i) for i in range(self.structure.batches)]
        normals = {
            name: torch.from_numpy(self._normals(seed, name, block))
            for name in self.structure.normals
        }
        index, keys, drawn = tree_map(lambda *parts: torch.cat(parts, 1), *batches)
        return Lots(index, keys, drawn, normals)

    def _batch(self, seed: int, block: int, which: int) -> tuple[Tensor, Tensor, Noise]:
        """Positions [step, image] of a batch at every step, the images' keys, and their noise."""
        order, normal, gumbel = PURPOSES[which]
        rngs = generator(seed, normal, block), generator(seed, gumbel, block)
        size = self.problem.training.batch_size
        drawn = noise(rngs, self.problem.model, BLOCK, size)
        keys = generator(seed, RENDERED[which], block).integers(
            -(2**63), 2**63, (BLOCK, size if self.problem.images.dataset else 0), endpoint=False
        )
        positions = self._positions(seed, block, order)
        return torch.from_numpy(positions), torch.from_numpy(keys), drawn

    def _positions(self, seed: int, block: int, purpose: int) -> np.ndarray:
        size, batch = len(self.problem.images), self.problem.training.batch_size
        if self.problem.weighted is not None:
            uniform = generator(seed, purpose, block).random((BLOCK, batch))
            return np.searchsorted(self.problem.weighted.ends, uniform, side="right")
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


def _stacked(members: list[Lots], device: torch.device, images: torch.device) -> Any:
    """What all members draw [member, ...], on a device; positions where the images are."""
    index, *others = zip(*members, strict=True)
    stacked = [tree_map(lambda *values: torch.stack(values).to(device), *part) for part in others]
    return Lots(torch.stack(index).to(images), *stacked)


def in_background(task: Callable[[], list[Lots]]) -> Future[list[Lots]]:
    """What a task gives or raises, once it is done, in a thread that no process waits for to end.

    The task may ask nothing of a GPU, which would spoil a graph that is being recorded.
    """
    future: Future[list[Lots]] = Future()

    def run() -> None:
        try:
            future.set_result(task())
        except BaseException as error:  # raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
