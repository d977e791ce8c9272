"""How many images per second a pack is trained on, and what part of the GPU's rate that is.

    make bench-gpu      needs PyTorch for the GPU, and no Snakemake; a minute or two

The step is the product's own: the batch gathered, noise, losses, gradients, Adam, the history's
sums. Writes its section of benchmarks/RESULTS.md.
"""

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from sections import machine, write
from torch.utils.flop_counter import FlopCounterMode

from disentbench import plugins
from disentbench.models.vae import DTYPES, vae_of
from disentbench.recipe import Recipe
from disentbench.storage.study_file import read_recipe
from disentbench.training import devices
from disentbench.training.device_images import Resident
from disentbench.training.loss import Problem
from disentbench.training.randomness import Batches
from disentbench.training.state import fresh

GRID = {"posX": {"stride": 4}, "posY": {"stride": 4}, "orientation": {"stride": 8}}
SECONDS, ROUNDS = 0.5, 3


class Case(NamedTuple):
    """What is trained."""

    objective: str = "beta_tcvae"
    architecture: str = "conv_locatello2019"
    precision: str = "bf16"
    batch: int = 64
    members: int = 50

    @property
    def recipe(self) -> Recipe:
        """Of one pack, on 5,760 of dSprites' images."""
        fields = plugins.load("objectives", self.objective).model_fields
        needed = [name for name, field in fields.items() if field.is_required()]
        return read_recipe(
            {
                "study": "bench",
                "datasets": {"grid": {"of": "dsprites", **GRID}},
                "objectives": {self.objective: dict.fromkeys(needed, 4)},
                "seeds": f"0-{self.members - 1}",
                "pack": self.members,
                "latents": 10,
                "architecture": {"of": self.architecture},
                "training": {
                    "steps": 1_000_000,
                    "batch_size": self.batch,
                    "learning_rate": 1e-4,
                    "precision": self.precision,
                },
            }
        )


CASES = (
    *(Case(members=members) for members in (1, 2, 5, 10, 25, 50, 100, 200)),
    *(Case(precision="float32", members=members) for members in (1, 50)),
    *(Case(architecture=name) for name in plugins.names("architectures")),
    *(Case(objective=name) for name in plugins.names("objectives")),
    *(Case(batch=batch) for batch in (256, 1024)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here")
    write("Training, GPU", measured(tuple(dict.fromkeys(CASES)), devices.use(1)))


def measured(cases: tuple[Case, ...], device: torch.device, side: int = 8192) -> str:
    """The section: a row a case, printed as it comes."""
    images = Resident(cases[0].recipe.dataset.images(), device)
    peak = {precision: product_rate(device, precision, side) for precision in DTYPES}
    rows = []
    for case in cases:
        rows.append(row(case, images, peak[case.precision]))
        print(rows[-1], flush=True)
    return TEXT.format(
        machine=machine(1, device.type),
        copy=copy_rate(device, side) / 1e9,
        **{precision: rate / 1e12 for precision, rate in peak.items()},
        rows="\n".join(rows),
    )


def row(case: Case, images: Resident, peak: float) -> str:
    """A line of the table."""
    on_gpu = images.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    seconds = step_seconds(case, images)
    rate = case.members * case.batch / seconds
    share = rate * operations(case, images) / peak
    memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else float("nan")
    cells = (*case, f"{rate:,.0f}", f"{1e3 * seconds:.1f}", f"{share:.4f}", f"{memory:.1f}")
    return f"| {' | '.join(map(str, cells))} |"


def step_seconds(case: Case, images: Resident) -> float:
    """The seconds of a step of all members as one: the best of some rounds, after a warm-up."""
    steps = _steps(case, images)
    steps(2)
    count = 1 + int(SECONDS / steps(2))
    return min(steps(count) for _ in range(ROUNDS))


def _steps(case: Case, images: Resident) -> Callable[[int], float]:
    """Makes so many steps, and says the seconds that each took."""
    recipe, seeds = case.recipe, list(range(case.members))
    problem = Problem(vae_of(recipe), recipe.objective, recipe.training, images)
    state, draws = fresh(problem, seeds), Batches(seeds, problem.model, len(images), case.batch)

    def steps(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            state.advance(problem, draws)
        if images.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / count

    return steps


def operations(case: Case, images: Resident) -> float:
    """Floating-point operations of a step per image, in convolutions and matrix products, forward
    and backward."""
    with FlopCounterMode(display=False) as counter:
        _steps(case._replace(members=1), images)(1)
    return counter.get_total_flops() / case.batch


# What the device can do.


def product_rate(device: torch.device, precision: str, side: int) -> float:
    """Floating-point operations per second of a product of two square matrices."""
    a, b = torch.randn(2, side, side, device=device).to(DTYPES[precision])
    return 2 * side**3 / best(lambda: a @ b, device)


def copy_rate(device: torch.device, side: int) -> float:
    """Bytes per second, those read and those written, of a large copy on the device."""
    source = torch.ones(4 * side, 4 * side, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / best(lambda: target.copy_(source), device)


def best(task: Callable[[], object], device: torch.device) -> float:
    """The least seconds of ten calls."""
    times = []
    for _ in range(10):
        began = time.perf_counter()
        task()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)


TEXT = """\
Images per second of all members of a pack, trained as one, images of 64 x 64 and 10 latents: the
product's own step, the best of three rounds. Its convolutions and matrix products, forward and
backward, come to the part named of the rate of a large matrix product on the same device
({float32:.0f} TFLOP/s in float32, {bf16:.0f} in bf16); a large copy moves {copy:,.0f} GB/s, read
and written. GB is the most that was allocated on the device.

{machine} `make bench-gpu`

| objective | architecture | precision | batch | members | images/s | ms a step | part | GB |
|---|---|---|---|---|---|---|---|---|
{rows}"""


if __name__ == "__main__":
    main()
