"""A training step as a benchmark takes it, and what the hardware could do.

A step is that of disentbench.train: batches gathered from the resident data set, noise, losses,
gradients, Adam, the history's sums. Rates are the best of some rounds, after a warm-up.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import prod
from typing import NamedTuple

import torch

from disentbench import kernels, study, train
from disentbench.architectures import Conv, Deconv, Dense
from disentbench.draws import Draws
from disentbench.kernels import library, native, processor, products
from disentbench.model import VAE, Noise
from disentbench.networks import out_shape, weight_shape
from disentbench.resident import Resident

WAYS = {"library": library.apply, "processor": processor.apply, "products": products.apply}
GRID = {"posX": {"stride": 4}, "posY": {"stride": 4}, "orientation": {"stride": 8}}
OBJECTIVES = {"vae": {}, "beta_vae": {"beta": 4}, "beta_tcvae": {"beta": 4}, "hfvae": {"beta": 4}}


class Case(NamedTuple):
    """What is trained, and how: `way` of computing layers (None: the product's own), `mode` of
    running a step: eager, compile (torch.compile of the losses), graph (a CUDA graph of a step)."""

    objective: str = "beta_tcvae"
    architecture: str = "conv_locatello2019"
    precision: str = "bf16"
    batch: int = 64
    members: int = 1
    way: str | None = None
    mode: str = "eager"


@cache
def resident(device: torch.device) -> Resident:
    """Every 512th position, scale and turn of dSprites: 5,760 images of 64 x 64."""
    return Resident(read(Case()).dataset("grid").images(), device)


def read(case: Case) -> study.Study:
    """The study of a case."""
    return study.read(
        {
            "study": "bench",
            "datasets": {"grid": {"of": "dsprites", **GRID}},
            "objectives": {case.objective: OBJECTIVES[case.objective]},
            "seeds": f"0-{case.members - 1}",
            "pack": case.members,
            "latents": 10,
            "architecture": {"of": case.architecture},
            "training": {
                "steps": 1_000_000,
                "batch_size": case.batch,
                "learning_rate": 1e-4,
                "precision": case.precision,
            },
        }
    )


def problem(case: Case, device: torch.device, together: bool) -> train.Problem:
    """What the members of a case share."""
    way = WAYS[case.way] if case.way else kernels.fastest(device, together)
    one = read(case)
    images = resident(device)
    return train.Problem(
        train.vae(one, way), train.only_objective(one), one.training, images, fingerprint=""
    )


class Trainer:
    """Some members that take steps together, as disentbench.train does."""

    def __init__(self, case: Case, seeds: list[int], device: torch.device, together: bool):
        self.problem, self.device = problem(case, device, together), device
        self.state = train._fresh(self.problem, seeds)
        size, ahead = len(self.problem.images), device.type == "cuda"
        self.draws = Draws(seeds, self.problem.model, size, case.batch, ahead)
        self.step = {"eager": self.eager, "compile": self.eager, "graph": self.graph}[case.mode]
        self.captured = None

    def eager(self) -> None:
        index, noise = self.draws.at(self.state.step, self.device)
        self.state.descend(self.problem, self.problem.images[index], noise)

    def graph(self) -> None:
        """The step as one CUDA graph, whose inputs are copied into place."""
        if self.captured is None:
            self._capture()
        index, noise = self.draws.at(self.state.step, self.device)
        self.index.copy_(index)
        self.noise.normal.copy_(noise.normal)
        self.noise.gumbel.copy_(noise.gumbel)
        self.captured.replay()
        self.state.step += 1

    def _capture(self) -> None:
        state = self.state
        state.adam = torch.optim.Adam(
            state.parameters.values(), lr=1e-4, fused=True, capturable=True
        )
        index, noise = self.draws.at(0, self.device)
        self.index, self.noise = index.clone(), Noise(noise.normal.clone(), noise.gumbel.clone())
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                state.descend(self.problem, self.problem.images[self.index], self.noise)
        torch.cuda.current_stream().wait_stream(aside)
        self.captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.captured):
            state.descend(self.problem, self.problem.images[self.index], self.noise)


def steps_in(trainer: Trainer, steps: int) -> float:
    """The seconds that so many steps take."""
    began = time.perf_counter()
    for _ in range(steps):
        trainer.step()
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def rate(case: Case, device: torch.device, steps: int = 20, rounds: int = 3) -> float:
    """Images per second of all members: vectorised on a GPU, side by side on a CPU's cores."""
    if device.type == "cuda":
        trainer = Trainer(case, list(range(case.members)), device, together=case.members > 1)
        if case.mode == "compile":
            train.member_losses = torch.compile(plain_losses, dynamic=False)
        steps_in(trainer, 5)
        best = min(steps_in(trainer, steps) for _ in range(rounds))
        train.member_losses = plain_losses
        return case.batch * case.members * steps / best
    trainers = [Trainer(case, [seed], device, together=False) for seed in range(case.members)]
    cores = torch.get_num_threads()
    workers, share = min(cores, case.members), max(1, cores // case.members)

    def seconds(steps: int) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(share,)) as p:
            list(p.map(lambda trainer: steps_in(trainer, steps), trainers))
        return time.perf_counter() - began

    seconds(3)
    return case.batch * case.members * steps / min(seconds(steps) for _ in range(rounds))


plain_losses = train.member_losses


# What the hardware can do.


def timed(task: Callable[[], object], device: torch.device, repeats: int = 10) -> float:
    """The least seconds of a call."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        task()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)


def copy_rate(device: torch.device) -> float:
    """Bytes read and written per second by a copy too large for the caches."""
    size = 1 << (30 if device.type == "cuda" else 28)
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / timed(lambda: target.copy_(source), device)


def product_rate(device: torch.device, precision: str) -> float:
    """Floating-point operations per second of a large matrix product, PyTorch's or ours."""
    side = 8192 if device.type == "cuda" else 2048
    a = torch.ones(side, side, dtype=train.DTYPES[precision], device=device)
    seconds = timed(lambda: a @ a, device)
    if device.type == "cpu" and native.can(a.dtype):
        weight, bias = torch.ones(side, side), torch.ones(side)
        seconds = min(seconds, timed(lambda: native.dense(a, weight, bias), device))
    return 2 * side**3 / seconds


def operations(model: VAE) -> int:
    """Floating-point operations of a training step per image: forward, and twice that backward, but
    for the first layer, whose input needs no gradient."""
    passes = [(model.encoder, model.shape), (model.decoder, (model.latents + model.classes,))]
    counts = [count for layers, shape in passes for count in products_of(layers, shape)]
    return 2 * (3 * sum(counts) - counts[0])


def products_of(layers, shape) -> list[int]:
    """Multiplications of each affine layer."""
    counts = []
    for layer in layers:
        weight, out = weight_shape(layer, shape), out_shape(layer, shape)
        match layer:
            case Dense():
                counts.append(prod(weight))
            case Conv():
                counts.append(prod(weight) * prod(out[1:]))
            case Deconv():
                counts.append(prod(weight) * prod(shape[1:]))
        shape = out
    return counts
