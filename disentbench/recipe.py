"""What a pack is trained with: all that training and encoding see of a study, as a frozen value."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from disentbench.options import Options

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]


class Training(Options):
    """How every run is trained; Adam with these settings, batches drawn without replacement."""

    steps: Count
    batch_size: Count = 64
    learning_rate: Positive = 1e-4
    adam_betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.9,
        0.999,
    )
    precision: Literal["float32", "bf16"] = "float32"


def block_name(seeds: Sequence[int]) -> str:
    """A block of seeds as it stands in a path."""
    return f"seeds-{seeds[0]}-{seeds[-1]}"


@dataclass(frozen=True)
class Pack:
    """The runs of one (data set, objective, setting) over an aligned block of seeds."""

    dataset: str
    objective: str
    setting: str
    first: int
    last: int

    @property
    def seeds(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def of(self) -> tuple[str, str, str]:
        """The data set, objective and setting whose runs these are."""
        return self.dataset, self.objective, self.setting

    @property
    def path(self) -> str:
        """Where the pack's files are, below results/{study}/."""
        return "/".join([*self.of, block_name(self.seeds)])

    @property
    def size(self) -> int:
        """The least `pack` of a study that keeps these seeds in one."""
        size = len(self.seeds)
        while self.first // size != self.last // size:
            size += 1
        return size


@dataclass(frozen=True)
class Recipe:
    """A pack's data set, objective, architecture, latents and training, options filled in.

    `setting` is the study of the pack's setting alone, as plain data, but for its seeds, of which
    each is trained alike in whatever company: what two packs of a setting have in common. `parts`
    are the files that define the data set, the objective and the architecture.
    """

    study: str
    pack: Pack
    dataset: Any  # datasets.Dataset
    objective: Any  # objectives.Objective
    architecture: Any  # architectures.Architecture
    latents: int
    training: Training
    parts: tuple[str, str, str]
    setting: dict[str, Any]

    @property
    def text(self) -> str:
        """The study of this pack alone, as JSON: all that its training depends on."""
        packing = {"seeds": f"{self.pack.first}-{self.pack.last}", "pack": self.pack.size}
        return json.dumps(self.setting | packing)
