"""What a reader must know before trusting the numbers: runs without scores, checks that failed."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.report import origin
from disentbench.report.text import count, listed, number
from disentbench.study import Pack, Study

SHOWN = 12  # runs that a finding names; the rest are counted


class Check(NamedTuple):
    """A check in a sentence: how many runs it was made on, and what it found wrong."""

    text: str
    runs: int
    wrong: list[str]


def diverged(study: Study, results: Path, found: list[origin.Origin]) -> list[str]:
    """The runs whose losses stopped being numbers; for those shown, the step that noticed it."""
    runs = [(each.pack, seed) for each in found for seed in each.diverged]
    return [
        f"{name((pack.dataset, pack.objective, pack.setting, seed))}"
        + (_when(study, results, pack, seed) if place < SHOWN else "")
        for place, (pack, seed) in enumerate(runs)
    ]


def _when(study: Study, results: Path, pack: Pack, seed: int) -> str:
    step = origin.step_of_divergence(origin.history(study, results, pack), seed)
    return ": step not recorded" if step is None else f": noticed at step {step}"


def unscored(planned: pd.MultiIndex, scored: pd.DataFrame) -> list[str]:
    """The runs of the study that the table of scores does not hold."""
    return list(map(name, planned.difference(scored.index, sort=False)))


def undefined(runs: pd.DataFrame, values: list[str], failed: set[tuple]) -> list[str]:
    """Values that are missing in runs that did not diverge: the metric, and in how many runs."""
    sound = runs[values].loc[~runs.index.isin(failed)]
    missing = sound.isna().sum()
    return [f"{metric}: {count(int(n), 'run')}" for metric, n in missing.items() if n]


def mixed(found: list[origin.Origin], made: list[dict]) -> list[str]:
    """Differences in what made the numbers, and code that no revision names."""
    lines = []
    for key, noun in (("revision", "code revisions"), ("device", "devices")):
        if len(answers := origin.distinct(made, key)) > 1:
            lines.append(f"the numbers come from {len(answers)} {noun}: {listed(answers)}")
    lines += [
        f"the numbers were made with {package} {listed(versions)}"
        for package, versions in origin.versions(made).items()
        if len(versions) > 1
    ]
    lines += [
        f"{pack.path} was trained in parts, of which these differ" for pack in origin.resumed(found)
    ]
    if dirty := [r for r in origin.distinct(made, "revision") if r.endswith("+")]:
        lines.append(f"the code differed from its revision (+): {listed(dirty)}")
    return lines


def numeric(study: Study, runs: pd.DataFrame) -> list[Check]:
    """The inequalities and sums that hold for any model, on every run that has the values."""
    sizes = {dataset: np.log(study.dataset(dataset).size) for dataset in study.datasets}
    log_n = runs.index.get_level_values("dataset").map(sizes).to_numpy(float)
    columns = {column: runs[column].to_numpy() for column in runs}
    possible = (
        _information(columns, log_n),
        _total_correlation(columns),
        _sum_of_terms(columns),
        _bound(columns),
    )
    return [_check(runs, *parts) for parts in possible if parts]


def _error(columns: dict, *names: str) -> np.ndarray | float:
    """Three Monte-Carlo standard errors of the sum of some values, and room for rounding."""
    scale = sum(abs(columns[name]) for name in names)
    errors = sum(columns[f"{name}_se"] for name in names if f"{name}_se" in columns)
    return 3 * errors + 1e-5 * scale + 1e-6


def _information(columns: dict, log_n: np.ndarray):
    if "index_code_mi" not in columns:
        return None
    mi, error = columns["index_code_mi"], _error(columns, "index_code_mi")
    excess = np.maximum(-mi, mi - log_n)
    return "index-code MI between 0 and log N", excess, error


def _total_correlation(columns: dict):
    if "total_correlation" not in columns:
        return None
    error = _error(columns, "total_correlation")
    return "total correlation not negative", -columns["total_correlation"], error


def _sum_of_terms(columns: dict):
    terms = ["index_code_mi", "tc_between_groups", "tc_within_groups", "dimension_wise_kl"]
    if not {"rate", *terms} <= columns.keys():
        return None
    gap = abs(sum(columns[term] for term in terms) - columns["rate"])
    return "the four terms sum to the rate", gap, _error(columns, "rate", *terms)


def _bound(columns: dict):
    if not {"elbo", "distortion", "rate"} <= columns.keys():
        return None
    gap = abs(columns["elbo"] + columns["distortion"] + columns["rate"])
    return "ELBO is −(distortion + rate)", gap, _error(columns, "elbo", "rate", "distortion")


def _check(runs: pd.DataFrame, text: str, excess: np.ndarray, error: np.ndarray) -> Check:
    made = np.isfinite(excess)
    wrong = np.flatnonzero(made & (excess > error))
    lines = [f"{name(runs.index[i])}: off by {number(excess[i])} nats" for i in wrong[:SHOWN]]
    return Check(text, int(made.sum()), shortened(lines, len(wrong)))


def shortened(lines: list[str], total: int) -> list[str]:
    """The first of many lines, and how many more there are."""
    rest = total - min(total, SHOWN)
    return lines[:SHOWN] + ([f"and {rest:,} more"] if rest else [])


def name(run: tuple) -> str:
    """A run as a path with its seed."""
    return f"{'/'.join(run[:-1])} seed {run[-1]}"
