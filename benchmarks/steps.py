"""A training step as a benchmark takes it, and what the hardware could do.

The step is the product's own: the batch gathered, noise, losses, gradients, Adam, the history's
sums. Rates are the best of some rounds, after a warm-up.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from disentbench import plugins
from disentbench.models.device_images import Resident
from disentbench.models.vae import DTYPES
from disentbench.recipe import Recipe
from disentbench.storage.study_file import read_recipe
from disentbench.training import rate

GRID = {"posX": {"stride": 4}, "posY": {"stride": 4}, "orientation": {"stride": 8}}
SECONDS, ROUNDS = 0.5, 3
CPU = torch.device("cpu")


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
        return self.on({"of": "dsprites", **GRID})

    def on(self, dataset: dict) -> Recipe:
        """Of one pack, on the images of a data set with these options."""
        fields = plugins.load("objectives", self.objective).model_fields
        needed = [name for name, field in fields.items() if field.is_required()]
        return read_recipe(
            {
                "study": "bench",
                "datasets": {"grid": dataset},
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


def resident(case: Case, device: torch.device) -> Resident:
    """The images of a case, which are the same in all."""
    return Resident(case.recipe.dataset.images(), device)


def step_seconds(case: Case, images: Resident) -> float:
    """The seconds of a step of all members as one: the best of some rounds, after a warm-up."""
    steps = stepper(case, images)
    steps(2)
    count = 1 + int(SECONDS / steps(2))
    return min(steps(count) for _ in range(ROUNDS))


def stepper(case: Case, images: Resident, *, recorded: bool = True) -> Callable[[int], float]:
    """Makes so many steps, recorded where the product does so, and says the seconds of each."""
    return rate.stepper(case.recipe, images, recorded=recorded)


def operations(case: Case, images: Resident) -> float:
    """Floating-point operations of a step per image, in convolutions and matrix products, forward
    and backward."""
    with FlopCounterMode(display=False) as counter:
        stepper(case._replace(members=1), images, recorded=False)(1)
    return counter.get_total_flops() / case.batch


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


def line(*cells: object) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"
