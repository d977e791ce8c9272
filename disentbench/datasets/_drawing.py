"""What training draws of a grid: correlated factors, and combinations that it never sees.

Factors are correlated in pairs, as Traeuble et al. 2021 (arXiv:2006.07886) do it: with c the number
of a class, scaled to [0, 1], a combination of classes has the weight

    exp(-(c_1 - c_2)^2 / (2 sigma^2))

for a pair, with 1 - c_2 for c_2 where it is inverse, and the product of these for several. Training
draws images with replacement by these weights; everything is measured on all images alike.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator

from disentbench.options import Options, shown, twice

Classes = tuple[int, ...]
Condition = dict[str, Classes]  # of a combination: each of these factors has one of these classes


class Correlation(Options):
    """Two factors whose classes are drawn near each other, or opposite where they are `inverse`.

    The smaller `sigma` is, the nearer; classes count from 0 to 1.
    """

    factors: tuple[str, str]
    sigma: Annotated[float, Field(ge=1e-3, allow_inf_nan=False)] = 0.1
    inverse: bool = False

    @model_validator(mode="after")
    def _two_factors(self) -> "Correlation":
        first, second = self.factors
        if first == second:
            raise ValueError(f"{shown(first)} cannot be correlated with itself; name two factors")
        return self


def in_order(pairs: Sequence[Correlation], factors: Sequence[str]) -> list[Correlation]:
    """Pairs in one order, however they were written: what is drawn by them is the same."""
    place = {name: i for i, name in enumerate(factors)}
    sorted_pairs = [
        pair.model_copy(update={"factors": tuple(sorted(pair.factors, key=place.__getitem__))})
        for pair in pairs
    ]
    return sorted(sorted_pairs, key=lambda pair: [place[name] for name in pair.factors])


def require_factors(pairs: Sequence[Correlation], kept: Mapping[str, Classes]) -> None:
    """Raise a ValueError for a pair of factors of which one is unknown, or has but one class."""
    for name in (name for pair in pairs for name in pair.factors):
        if name not in kept:
            raise ValueError(
                f"correlate names {shown(name)}, which is no factor; the factors are "
                f"{', '.join(kept)}"
            )
        if len(kept[name]) < 2:
            raise ValueError(
                f"correlate names {name}, of which one class is kept; correlate factors that vary"
            )
    if double := twice(["/".join(sorted(pair.factors)) for pair in pairs]):
        first, second = double.split("/")
        raise ValueError(f"correlate has the pair {first}, {second} twice; name each pair once")


def weights(
    factors: Int[np.ndarray, "image factor"],
    kept: Mapping[str, Classes],
    pairs: Sequence[Correlation],
    held: Bool[np.ndarray, " image"] | None,
) -> Float[np.ndarray, " image"]:
    """The probability with which each image is drawn, by its classes among those kept."""
    names = list(kept)
    log = np.zeros(len(factors))
    for pair in pairs:
        first, second = (factors[:, names.index(name)] for name in pair.factors)
        log += _log_weights(pair, kept)[first, second]
    if held is not None:
        log[held] = -np.inf
    unscaled = np.exp(log - log.max())  # the largest is 1, however far from likely all are
    return unscaled / unscaled.sum()


def _log_weights(
    pair: Correlation, kept: Mapping[str, Classes]
) -> Float[np.ndarray, "first_class second_class"]:
    c_1, c_2 = (np.linspace(0, 1, len(kept[name])) for name in pair.factors)
    other = 1 - c_2 if pair.inverse else c_2
    return -(((c_1[:, None] - other) / pair.sigma) ** 2) / 2


def held_out(
    factors: Int[np.ndarray, "image factor"],
    kept: Mapping[str, Classes],
    conditions: Sequence[Condition],
) -> Bool[np.ndarray, " image"]:
    """Whether an image of these classes among those kept meets one of the conditions."""
    tables = {name: _marks(kept[name], conditions, name) for name in kept}
    held = np.zeros(len(factors), bool)
    for place in range(len(conditions)):
        marks = (tables[name][place][factors[:, f]] for f, name in enumerate(kept))
        held |= reduce(and_, marks)
    return held


def _marks(
    classes: Classes, conditions: Sequence[Condition], name: str
) -> Bool[np.ndarray, "condition class"]:
    """Which of the classes kept each condition allows; all where it does not name the factor."""
    return np.array([np.isin(classes, condition.get(name, classes)) for condition in conditions])


def share_held_out(kept: Mapping[str, Classes], conditions: Sequence[Condition]) -> float:
    """The share of the combinations of classes that meet one of the conditions.

    It is counted over the factors that are named alone: a study asks for it often.
    """
    named = [name for name in kept if any(name in condition for condition in conditions)]
    marks = zip(*(_marks(kept[name], conditions, name) for name in named), strict=True)
    held = (reduce(and_, np.meshgrid(*each, indexing="ij", sparse=True)) for each in marks)
    return float(reduce(or_, held).mean())
