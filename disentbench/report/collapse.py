"""Runs whose codes say nothing of the image, and what a metric makes of such codes."""

import numpy as np
import pandas as pd
from jaxtyping import Int

from disentbench.posterior.from_arrays import represent
from disentbench.report.text import number
from disentbench.results.tidy import run_name
from disentbench.scoring import scores

RATE = 0.05  # nats per image; a code says no more of its image than its rate


def collapsed(runs: pd.DataFrame) -> pd.Series:
    """Whether each run has no active unit or, where those were not counted, a rate below 0.05."""
    missing = pd.Series(np.nan, runs.index)
    units, rate = (runs.get(name, missing) for name in ("active_units", "rate"))
    return (units == 0) | (units.isna() & (rate < RATE))


def rule(runs: pd.DataFrame) -> str:
    """What `collapsed` goes by here, in words."""
    counted = _known(runs, "active_units")
    return "no active unit" if counted else f"a rate below {RATE} nats per image"


def none(runs: pd.DataFrame) -> str:
    """What is said where no run is known to have collapsed."""
    if _known(runs, "active_units") or _known(runs, "rate"):
        return "none"
    return "not known: no run has a rate or active units"


def _known(runs: pd.DataFrame, value: str) -> bool:
    return value in runs and bool(runs[value].notna().any())


def lines(
    idle: pd.DataFrame, constant: dict[str, dict[str, float]], labels: dict[str, str]
) -> list[str]:
    """The runs that collapsed, with what they score where a constant code is above noise.

    `constant` holds by data set what a constant code scores, by the names of the values.
    """
    return [_line(run_name(run), row, constant[run[0]], labels) for run, row in idle.iterrows()]


def _line(name: str, row: pd.Series, constant: dict[str, float], labels: dict[str, str]) -> str:
    said = [
        f"its {labels[value]} of {number(row[value])} says nothing: a constant code scores "
        f"{number(level)}"
        for value, level in constant.items()
        if np.isfinite(row[value])
    ]
    return "; ".join([name, *said])


def constant(factors: Int[np.ndarray, "image factor"], values: list[str]) -> dict[str, float]:
    """What a constant code scores on these factors, by the name of each value."""
    code = represent(np.zeros((len(factors), 1)), factors)
    return {value: scores.measure(scores.file_of(value), code).values[value] for value in values}
