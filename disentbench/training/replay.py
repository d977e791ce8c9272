"""A training's step recorded once and replayed: on a GPU, a CUDA graph.

A step is some hundred small kernels. To ask for one after the other takes the host longer than the
GPU takes to compute them; a graph is asked for as a whole. It does the same on the same memory each
time, so that whatever changes from step to step is written there before: its number, and what it
draws.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.utils._pytree import tree_leaves, tree_map

from disentbench.training.loss import Draw, Losses, Problem
from disentbench.training.randomness import Batches
from disentbench.training.state import State, number

Record = Callable[[Callable[[], None]], Callable[[], object]]  # of a function, what does it again
WARM_UP = 3  # steps in which libraries choose their kernels and take the memory that they need


class Recording:
    """The next step of a state, recorded; a call makes it, at what it draws [member, ...].

    `record` may make the step some times; the state is then as it was, and where it was in memory.
    """

    def __init__(self, state: State, problem: Problem, draw: Draw, record: Record):
        self.state, self.problem = state, problem
        self.draw, self.number = tree_map(lambda values: values.clone(), draw), number(0, problem)
        with unchanged(state):
            self.window = {name: torch.zeros_like(term) for name, term in self._update().items()}
            self.replay = record(self._step)

    def __call__(self, draw: Draw) -> None:
        for place, values in zip(tree_leaves(self.draw), tree_leaves(draw), strict=True):
            place.copy_(values)
        self.number.fill_(self.state.step)
        if self.state.window is not self.window:
            self._begin_window()
        self.replay()
        self.state.step += 1
        self.state.since += 1

    def _begin_window(self) -> None:
        """Sums of nought, or those of a state that has begun a window otherwise."""
        for name, total in self.window.items():
            begun = self.state.window.get(name)
            total.zero_() if begun is None else total.copy_(begun)
        self.state.window = self.window

    def _step(self) -> None:
        for name, term in self._update().items():
            self.window[name] += term

    def _update(self) -> Losses:
        return self.state.update(self.problem, self.draw, self.number)


@contextmanager
def unchanged(state: State) -> Iterator[None]:
    """Make steps in vain: parameters and moments are then what they were, in the same memory."""
    tensors = [t.detach() for player in state.players.values() for t in player.tensors]
    before = [tensor.to("cpu", copy=True) for tensor in tensors]
    try:
        yield
    finally:
        for tensor, values in zip(tensors, before, strict=True):
            tensor.copy_(values)


def cuda_graph(step: Callable[[], None]) -> Callable[[], object]:
    """Record a step on the GPU at hand, after some in a stream of their own, as PyTorch asks."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                step()
    finally:
        torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


RECORDERS: dict[str, Record] = {"cuda": cuda_graph}  # by the type of the device


def recorded(
    state: State, problem: Problem, draws: Batches, record: Record | None = None
) -> Recording | None:
    """A recording of the next steps, or None where each has to be asked for kernel by kernel.

    That is on a CPU; where recording fails, it warns.
    """
    device = problem.images.device
    record = record or RECORDERS.get(device.type)
    if record is None:
        return None
    try:
        return Recording(state, problem, draws.at(state.step, device), record)
    except (
        Exception
    ) as error:  # a step that waits for the GPU, say, or memory that does not suffice
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        warnings.warn(f"the steps are made one by one, which is slower: {reason}", stacklevel=2)
        return None
