"""What a metric is; every other file in this folder is one row of the field's catalogue.

A metric file defines a plain function and, under the name `metric`, the facts that a reader of its
numbers needs. The function's positional parameters say what it takes from a representation:

    codes         float [image, latent]   posterior means (or samples) of the Gaussian latents
    factors       int [image, factor]     ground-truth classes, 0 .. n-1
    categories    int [image, group]      classes of the discrete groups: most probable or sampled
    mean          float [image, latent]   posterior means, also where the codes are samples
    variance      float [variable]        of each latent's mean, then of each discrete group's class
                                          probabilities: near 0 where inactive
    posterior     Posterior               q(z | x) of every image: mean, logvar, logits
    groups        dict[str, list[int]]    the objective's groups of latents, {} where it has none
    distortion    float [image]           -log p(x | z), nats per image
    held_out      bool [image]            whether the combination of the image's classes was held
                                          out of training; only where some were
    companions    list                    of every other sound run of the setting, what the metric's
                                          `summary` keeps of its posterior: not all fit in memory

A discrete group is a category: its classes have names, and no order. Unless classes are sampled,
one whose class probabilities vary over the images by at most 0.01 has one class for all of them.
Where latents have rows in a detail, the discrete groups follow them.

The keyword-only parameters are options; `rng` is handed a generator seeded for this metric.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

STANDARD_ERROR = "_se"  # ends the name of a value that is another's standard error


@dataclass(frozen=True)
class Value:
    """One number that a metric gives: its column name, label and range, and which way is better.

    `prominence` is its place among the values that the field reads first, from 1 on; 0 is after
    these. The report ranks by the first that has a better end. `whole` numbers are counts;
    `of_groups` says something only where the objective groups latents; `constant_wins` marks a
    value that ranks a constant code above noise.
    """

    name: str
    label: str
    low: float
    high: float
    better: Literal["higher", "lower", "neither"] = "higher"
    unit: str = ""
    prominence: int = 0
    whole: bool = False
    of_groups: bool = False
    constant_wins: bool = False

    @property
    def standard_error(self) -> "Value":
        """The value that is this one's standard error."""
        name, label = self.name + STANDARD_ERROR, f"{self.label}, standard error"
        return Value(name, label, 0.0, math.inf, "neither", self.unit)


def value_of(name: str) -> str:
    """The name of the value that a standard error is of; of any other value its own."""
    return name.removesuffix(STANDARD_ERROR)


def is_error(name: str) -> bool:
    """Whether a value is another's standard error."""
    return name.endswith(STANDARD_ERROR)


@dataclass(frozen=True)
class Metric:
    """A metric: the function, what it computes in one sentence, its source and its values.

    One that compares runs says in `summary` what it keeps of another run's posterior; `rng`, where
    that takes one, is seeded alike for every run. `factor_map` is for one whose detail holds
    `mutual_information` [variable, factor] and `per_factor` gaps: how they are found, in words, for
    the report, which draws them for the first such metric of a study. `formula` is the definition
    in TeX, `blind` a sentence on what the metric does not see: both are for the documentation.
    """

    compute: Callable[..., "Score"]
    label: str
    variant: str
    reference: str
    values: tuple[Value, ...]
    summary: Callable[..., Any] | None = None
    factor_map: str = ""
    formula: str = ""
    blind: str = ""


class Score(NamedTuple):
    """What a metric returns: `values` for the tables, `detail` (arrays) for the figures."""

    values: dict[str, float]
    detail: dict[str, np.ndarray] = {}  # noqa: RUF012
