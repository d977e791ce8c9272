"""The parts of a pack whose members are trained side by side: as large as a GPU's memory allows.

How a pack is cut changes no number beyond rounding, as its members do not depend on each other.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise

import torch

from disentbench.training.loss import Problem
from disentbench.training.randomness import BLOCK, Batches
from disentbench.training.state import blown_up, fresh

MEASURED = 2  # members, of which one is an upper bound: what they share is counted twice
USED_SHARE = 0.8  # of the free memory; the rest is for what grows otherwise than with the members


class Memory:
    """The memory of a GPU as this process finds it, in bytes."""

    def __init__(self, device: torch.device):
        self.device = device

    def free(self) -> int:
        """What nobody has, with what PyTorch keeps without using it."""
        free, _ = torch.cuda.mem_get_info(self.device)
        kept = torch.cuda.memory_reserved(self.device)
        return free + kept - torch.cuda.memory_allocated(self.device)

    def needed(self, task: Callable[[], object]) -> int:
        """The most that a task had allocated at once, beyond what was allocated before."""
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        task()
        return torch.cuda.max_memory_allocated(self.device) - before


def cut(seeds: range, most: int, blocks: Iterable[range]) -> list[list[int]]:
    """The seeds in parts of at most so many, each of them within a block or outside it."""
    within = {edge for block in blocks for edge in (block.start, block.stop) if edge in seeds}
    return [
        list(range(first, min(first + most, end)))
        for begin, end in pairwise(sorted({seeds.start, seeds.stop} | within))
        for first in range(begin, end, most)
    ]


def most_members(problem: Problem, seeds: range, memory: Memory | None) -> int:
    """How many of these members may train side by side: all, but for a GPU's memory."""
    if memory is None and problem.images.device.type == "cuda":
        memory = Memory(problem.images.device)
    if memory is None or len(seeds) == 1:
        return len(seeds)
    few = list(seeds[:MEASURED])
    try:
        each = memory.needed(lambda: _attempt(problem, few)) / len(few)
    except torch.OutOfMemoryError:
        return 1
    return max(1, min(len(seeds), int(USED_SHARE * memory.free() / each)))


def _attempt(problem: Problem, seeds: list[int]) -> None:
    """All that takes memory in a training, on a state that is thrown away.

    That is a step; another, with the gradients of the first still there, at which new noise is
    drawn beside the old; and the comparison with untrained networks at the end.
    """
    draws = Batches(problem, seeds)
    state = fresh(problem, seeds)
    state.advance(problem, draws)
    state.step = BLOCK
    state.advance(problem, draws)
    blown_up(state, problem, seeds, draws)
