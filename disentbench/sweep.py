"""The settings of an objective: a list in its options holds the values to sweep."""

import itertools
import math
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from disentbench import plugins
from disentbench.options import shown

ONCE = "a sweep needs one value or more, each of them once"


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
            texts = (f"{key}-{as_path(getattr(objective, key))}" for key in point)
            yield "_".join(texts) or "default", objective


def path_safe(name: str) -> str:
    """A name that may stand in a path, as it is; a ValueError for any other."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,63}", name):
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
    raise ValueError(f"{shown(value)} cannot be swept; a sweep's values are numbers or names")
