"""The numbers that runs have in a published study, which counts its models. Imports no torch."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from disentbench.options import shown

# By data set, objective and setting: the number of seed 0, to which the seed is added.
Numbers = dict[str, dict[str, dict[str, Annotated[int, Field(ge=0, le=10**9)]]]]
MOST_CHOICES = 6  # that a sentence names


def of_seed_0(numbers: Numbers) -> dict[tuple[str, str, str], int]:
    """The number of seed 0 by (data set, objective, setting), of those that have one."""
    return {
        (dataset, objective, setting): number
        for dataset, objectives in numbers.items()
        for objective, settings in objectives.items()
        for setting, number in settings.items()
    }


def check(
    numbers: Numbers,
    datasets: Iterable[str],
    settings: Mapping[str, Iterable[str]],
    seeds: range,
) -> None:
    """Refuse, by a ValueError, what the study does not have, and one number of two runs.

    `settings` are those of every objective of the study.
    """
    for dataset, objectives in numbers.items():
        _require("data set", dataset, datasets, "published_id")
        for objective, named in objectives.items():
            _require("objective", objective, settings, f"published_id.{dataset}")
            for setting in named:
                where = f"published_id.{dataset}.{objective}"
                _require("setting", setting, settings[objective], where)
    _require_apart(numbers, seeds)


def _require(kind: str, name: str, there: Iterable[str], where: str) -> None:
    if name not in (names := list(there)):
        more = ", ..." if len(names) > MOST_CHOICES else ""
        choices = ", ".join(names[:MOST_CHOICES]) + more
        raise ValueError(f"{where}: the study has no {kind} {shown(name)}; choose from {choices}")


def _require_apart(numbers: Numbers, seeds: range) -> None:
    """Settings have consecutive numbers each: in order, two that overlap are neighbours."""
    ordered = sorted((number, setting) for setting, number in of_seed_0(numbers).items())
    for (low, one), (high, other) in pairwise(ordered):
        if high - low < len(seeds):
            raise ValueError(
                f"published_id gives {'/'.join(one)} seed {seeds[high - low]} and "
                f"{'/'.join(other)} seed {seeds[0]} one number, {high + seeds[0]}; keep settings "
                f"{len(seeds)} apart, as the study has {len(seeds)} seeds"
            )
