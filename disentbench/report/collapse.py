"""Runs whose codes say nothing of the image, and what a metric makes of such codes."""

import numpy as np
import pandas as pd

from disentbench.posterior.represent import represent
from disentbench.report.text import number
from disentbench.scoring import scores

RATE = 0.05  # nats per image; a code says no more of its image than its rate
# Of the metrics of the codes, those that rank a constant code above noise. By its definition JEMMIG
# charges a latent for whatever else it holds, and a constant holds nothing.
ABOVE_NOISE = {"jemmig": "JEMMIG"}


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


def lines(idle: pd.DataFrame, constant: dict[str, dict[str, float]], name) -> list[str]:
    """The runs that collapsed, with what they score where a constant code is above noise."""
    return [_line(name(run), row, constant[run[0]]) for run, row in idle.iterrows()]


def _line(name: str, row: pd.Series, constant: dict[str, float]) -> str:
    beside = [
        f"its {ABOVE_NOISE[value]} of {number(row[value])} says nothing: a constant code scores "
        f"{number(level)}"
        for value, level in constant.items()
        if np.isfinite(row[value])
    ]
    return "; ".join([name, *beside])


def constant(factors: np.ndarray, values: list[str]) -> dict[str, float]:
    """What a constant code scores on these factors, of the values that rank it above noise."""
    code = represent(np.zeros((len(factors), 1)), factors)
    return {
        value: scores.measure(scores.file_of(value), code).values[value]
        for value in values
        if value in ABOVE_NOISE
    }
