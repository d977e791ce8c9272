"""What a pack is trained with, as a frozen value: one setting of a sweep, seeds, all options.

It is all that training and encoding see of a study.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from disentbench import plugins
from disentbench.options import SINCE, Options, shown

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]
PATH_SAFE = "[A-Za-z0-9][A-Za-z0-9_+-]{0,63}"
ONCE = "a sweep needs one value or more, each of them once"


class Training(Options):
    """How every run is trained.

    Adam's learning rate rises linearly over `warm_up` steps and then is constant, or falls by half
    a cosine, which is nought after the last step. `weight_decay` is decoupled: at each step
    parameters shrink by that share of the learning rate (Loshchilov and Hutter 2019). `clip_norm`
    is the largest norm that the gradient of all parameters together may have; a larger one is
    scaled down to it. An objective's critic has settings of its own.

    Images are drawn in `epochs`, without replacement, or each at random, `with_replacement`; where
    a data set has weights they are drawn with replacement by these, whatever `sampling` says.

    With the initialisation `torch` weights and biases begin uniform within 1 / sqrt(fan in), as in
    PyTorch's layers; with `glorot` weights within sqrt(6 / (fan in + fan out)) and biases nought
    (Glorot and Bengio 2010), as in TensorFlow's layers and so in the study of 2019. The fans of a
    convolution count the area of its kernel.
    """

    steps: Count
    batch_size: Count = 64
    sampling: Annotated[Literal["epochs", "with_replacement"], SINCE] = "epochs"
    learning_rate: Positive = 1e-4
    learning_rate_schedule: Annotated[Literal["constant", "cosine"], SINCE] = "constant"
    warm_up: Annotated[int, Field(ge=0, le=10**9), SINCE] = 0
    adam_betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.9,
        0.999,
    )
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False), SINCE] = 0.0
    clip_norm: Annotated[Positive | None, SINCE] = None
    precision: Literal["float32", "bf16"] = "float32"
    initialisation: Annotated[Literal["torch", "glorot"], SINCE] = "torch"


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


class Parts(NamedTuple):
    """The files that define what a recipe is made of."""

    dataset: str
    objective: str
    architecture: str
    likelihood: str

    @property
    def encoding(self) -> tuple[str, str, str]:
        """Those that encoding depends on."""
        return self.dataset, self.architecture, self.likelihood


@dataclass(frozen=True)
class Recipe:
    """A pack's data set, objective, model and training, options filled in.

    `setting` is the study of the pack's setting alone, as plain data, but for its seeds, of which
    each is trained alike in whatever company: what two packs of a setting have in common. `parts`
    are the files that define them.
    """

    study: str
    pack: Pack
    dataset: Any  # datasets.Dataset
    objective: Any  # objectives.Objective
    architecture: Any  # architectures.Architecture
    likelihood: Any  # likelihoods.Likelihood
    latents: int
    training: Training
    parts: Parts
    setting: dict[str, Any]

    @property
    def text(self) -> str:
        """The study of this pack alone, as JSON: all that its training depends on."""
        packing = {"seeds": f"{self.pack.first}-{self.pack.last}", "pack": self.pack.size}
        return json.dumps(self.setting | packing)


class Sweep:
    """The points of a grid over those options of an objective that are lists, in the order written.

    `name` is what the study calls the objective, `options` are those that the study gives.
    """

    def __init__(self, name: str, options: dict[str, Any]):
        self.name, self.options = name, options
        self.lists = {key: value for key, value in options.items() if isinstance(value, list)}

    @property
    def size(self) -> int:
        """How many points there are, without making them."""
        return math.prod(map(len, self.lists.values()))

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """What is set at each point, by name."""
        for key, values in self.lists.items():
            if not values:
                raise ValueError(f"objectives.{self.name}.{key} is []; {ONCE}")
        grid = itertools.product(*self.lists.values())
        return [dict(zip(self.lists, point, strict=True)) for point in grid]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The objective of every point by its setting; two settings of one path are refused."""
        made: dict[str, Any] = {}
        for setting, objective in self._made():
            if setting in made:
                lists = ", ".join(f"{key} {shown(values)}" for key, values in self.lists.items())
                raise ValueError(
                    f"objectives.{self.name} has the setting {setting} twice (a path has six "
                    f"digits of a number), from {lists}; {ONCE}"
                )
            made[setting] = objective
        return made

    def _made(self) -> Iterator[tuple[str, Any]]:
        for point in self.points:
            objective = plugins.make("objectives", self.name, self.options | point)
            texts = (self._text(key, getattr(objective, key)) for key in point)
            yield "_".join(texts) or "default", objective

    def _text(self, key: str, value: Any) -> str:
        """A swept value as a part of a path; a schedule, say, cannot be one."""
        try:
            return f"{key}-{as_path(value)}"
        except ValueError as error:
            raise ValueError(f"objectives.{self.name}.{key}: {error}") from None


def path_safe(name: str) -> str:
    """A name that may stand in a path, as it is; a ValueError for any other."""
    if not re.fullmatch(PATH_SAFE, name):
        raise ValueError(
            f"{shown(name)} cannot be a folder's name; "
            "use up to 64 letters, digits, '_', '-' and '+'"
        )
    return name


def as_path(value: Any) -> str:
    """A swept value as it stands in a path: 4, 0.5, mws."""
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, str):
        return path_safe(value)
    plain = value.model_dump() if isinstance(value, Options) else value
    raise ValueError(f"{shown(plain)} cannot be swept; a sweep's values are numbers or names")
