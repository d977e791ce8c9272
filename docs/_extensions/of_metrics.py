"""The metrics of the registry, each with its formula, its values and their scale."""

import inspect
import math
from functools import cache

import numpy as np
import pandas as pd
from jaxtyping import Int

from _extensions.markdown import code, paragraphs, plain, table
from disentbench import plugins
from disentbench.metrics import Metric, Value, is_error
from disentbench.scoring.calibration import calibrate

# A part of the demo's data set, on which the trees of DCI take seconds.
GRID = {"posX": {"stride": 4}, "posY": {"stride": 4}}
NONE = "–"


def overview() -> str:
    """Every value in one table."""
    scale = levels()
    rows = [
        [f"[{code(value.name)}](#metric-{name})", *_row(value, scale)]
        for name in plugins.names("metrics")
        for value in plugins.load("metrics", name).values
        if not is_error(value.name)
    ]
    return table(["value", "label", "range", "better", "chance", "perfect"], rows)


def every() -> str:
    """A section for each metric."""
    return "\n".join(
        _section(name, plugins.load("metrics", name)) for name in plugins.names("metrics")
    )


def _section(name: str, metric: Metric) -> str:
    parts = [
        f"(metric-{name})=\n## {metric.label[0].upper()}{metric.label[1:]}",
        f"{code(name)}: {plain(metric.variant)}.",
        f"$$\n{metric.formula}\n$$" if metric.formula else "",
        paragraphs(inspect.getdoc(metric.compute) or ""),
        table(
            ["value", "label", "range", "better", "chance", "perfect"],
            [[code(v.name), *_row(v, levels())] for v in metric.values if not is_error(v.name)],
        ),
        f"**Blind spots.** {plain(metric.blind)}" if metric.blind else "",
        f"**Takes.** {', '.join(map(code, plugins.needs(name)))}{_options(metric)}",
        f"**Source.** {plain(metric.reference)}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _row(value: Value, scale: pd.DataFrame) -> list[str]:
    unit = f" {value.unit}" if value.unit else ""
    ends = f"{_end(value.low)} to {_end(value.high)}{unit}"
    level = scale.loc[value.name] if value.name in scale.index else {}
    return [
        plain(value.label),
        ends,
        value.better,
        *(_number(level[end]) if end in level else NONE for end in ("chance", "perfect")),
    ]


def _number(number: float) -> str:
    return f"{number:z.3f}".replace("-", "−")


def _end(bound: float) -> str:
    return f"{bound:g}".replace("-", "−") if math.isfinite(bound) else "−∞" if bound < 0 else "∞"


def _options(metric: Metric) -> str:
    """What may be set besides, with defaults."""
    given = inspect.signature(metric.compute).parameters.values()
    said = [f"{p.name}={p.default!r}" for p in given if p.default is not inspect.Parameter.empty]
    return "; options " + ", ".join(map(code, said)) if said else ""


@cache
def levels() -> pd.DataFrame:
    """What chance and a perfect code score, by value."""
    return calibrate(factors()).set_index("metric")


def factors() -> Int[np.ndarray, "image factor"]:
    """The factors of the grid that the page's scale is of."""
    return plugins.make("datasets", "dsprites_small", GRID).images().factors
