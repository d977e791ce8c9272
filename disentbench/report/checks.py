"""What a reader must know before trusting the numbers: runs without scores, checks that failed."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench import plugins
from disentbench.metrics import STANDARD_ERROR
from disentbench.posterior import terms
from disentbench.report import records
from disentbench.report.text import count, fixed, listed, number
from disentbench.results.lists import cut
from disentbench.results.tidy import run_name
from disentbench.storage.layout import PackFolder, StudyFolder
from disentbench.study import Study

Columns = dict[str, np.ndarray]  # a value of every run, by its name
Inequality = tuple[str, np.ndarray, np.ndarray | float]  # its text, by how much it fails, its error
SHOWN = 12  # runs that a finding names; the rest are counted


class Check(NamedTuple):
    """A check in a sentence: how many runs it was made on, and what it found wrong."""

    text: str
    runs: int
    wrong: list[str]


class Trouble(NamedTuple):
    """A kind of trouble: what was found of it, in lines, and of how many things."""

    anchor: str
    name: str
    lines: list[str]
    total: int
    none: str = "none"  # what is said where nothing was found


class Said(NamedTuple):
    """A part of the line at the top: in a few words how it went, and where more is said of it."""

    text: str
    anchor: str
    bad: bool


def status(trouble: list[Trouble], checks: list[Check], planned: int) -> list[Said]:
    """The line at the top: runs finished of planned, diverged, checks; then what else is wrong."""
    of = {kind.anchor: kind for kind in trouble}
    unscored, diverged, gone = (of[name].total for name in ("unscored", "diverged", "gone"))
    none = "none is known to have diverged" if gone else "none diverged"
    least, finished = "at least " if gone else "", fixed(float(planned - unscored), 0)
    wrong = sum(bool(check.wrong) for check in checks)
    said = [
        Said(f"{finished} of {count(planned, 'run')} finished", "unscored", unscored > 0),
        Said(f"{least}{diverged} diverged" if diverged else none, "diverged", diverged > 0),
        Said(_checked(wrong, sum(check.runs > 0 for check in checks)), "checks", wrong > 0),
    ]
    others = [kind for kind in trouble if kind.total and kind.anchor in BRIEF]
    return said + [Said(BRIEF[kind.anchor](kind.total), kind.anchor, True) for kind in others]


def _checked(wrong: int, made: int) -> str:
    if not made:
        return "nothing to check"
    checks = count(made, "check")
    return f"{wrong} of {checks} failed" if wrong else f"{checks} passed"


# What else the first line names, where there is some of it.
BRIEF = {
    "undefined": lambda n: f"{count(n, 'value')} undefined",
    "collapsed": lambda n: f"{count(n, 'run')} collapsed",
    "gone": lambda n: f"latents of {count(n, 'pack')} gone",
    "mixed": lambda n: "origins differ or have no clean revision",
}


def diverged(files: StudyFolder, packs_made: list[records.PackRecord]) -> list[str]:
    """The runs whose losses stopped being numbers; for those shown, the step that noticed it."""
    runs = [(record.pack, seed) for record in packs_made for seed in record.diverged]
    return [
        f"{run_name((pack.dataset, pack.objective, pack.setting, seed))}"
        + (_when(files.pack(pack), seed) if place < SHOWN else "")
        for place, (pack, seed) in enumerate(runs)
    ]


def _when(files: PackFolder, seed: int) -> str:
    losses = records.history(files)
    step = records.step_of_divergence(losses, seed)
    if step is not None:
        return f": noticed at step {step}"
    return ": step not recorded" if losses is None else ": its losses stayed finite"


def trouble(anchor: str, name: str, lines: list[str], none: str = "none") -> Trouble:
    """Trouble of which each line is one."""
    return Trouble(anchor, name, cut(lines, SHOWN, len(lines)), len(lines), none)


def unscored(planned: pd.MultiIndex, scored: pd.DataFrame) -> list[str]:
    """The runs of the study that the table of scores does not hold."""
    return list(map(run_name, planned.difference(scored.index, sort=False)))


Why = Callable[[tuple, str], list[str]]  # what is known of why a run's value is no number


def unexplained(run: tuple, value: str) -> list[str]:
    """Say nothing: why a value is missing is not known."""
    return []


def whys(study: Study, files: StudyFolder) -> Why:
    """What the details of the scores tell, of any run and value."""
    metrics = {
        value.name: name for name in study.metrics for value in plugins.load("metrics", name).values
    }

    def why(run: tuple, value: str) -> list[str]:
        if value not in metrics:
            return []
        return records.notes(files.pack(study.pack_of(*run)), run[-1], metrics[value])

    return why


def undefined(
    scored: pd.DataFrame, values: list[str], failed: set[tuple], why: Why = unexplained
) -> Trouble:
    """Values that are no number in runs that did not diverge: of which metric, how many, and why.

    What is infinite has no mean and is left out of every mean, as is what is not a number.
    """
    sound = scored[values].loc[~scored.index.isin(failed)]
    infinite, missing = np.isinf(sound).sum(), sound.isna().sum()
    lines = [
        f"{value}: {_unlike_numbers(int(infinite[value]), int(missing[value]))}"
        f"{_reasons(sound.index[~np.isfinite(sound[value])], value, why)}"
        for value in values
        if infinite[value] + missing[value]
    ]
    title = "values undefined in runs that are not known to have diverged"
    total = infinite.sum() + missing.sum()
    return Trouble("undefined", title, cut(lines, SHOWN, len(lines)), int(total))


def _reasons(runs: pd.Index, value: str, why: Why) -> str:
    """What is known of why, each reason once, of the first runs."""
    said = dict.fromkeys(note for run in runs[:SHOWN] for note in why(run, value))
    return f" ({'; '.join(list(said)[:SHOWN])})" if said else ""


def _unlike_numbers(infinite: int, missing: int) -> str:
    words = {"infinite": infinite, "missing or not a number": missing}
    return ", ".join(f"{what} in {count(n, 'run')}" for what, n in words.items() if n)


def mixed(packs_made: list[records.PackRecord], made: list[dict]) -> list[str]:
    """Differences in what made the numbers, and code that no revision names."""
    lines = []
    for key, noun in (("revision", "code revisions"), ("device", "devices")):
        if len(answers := records.distinct(made, key)) > 1:
            lines.append(f"the numbers come from {len(answers)} {noun}: {listed(answers)}")
    lines += [
        f"the numbers were made with {package} {listed(versions)}"
        for package, versions in records.versions(made).items()
        if len(versions) > 1
    ]
    lines += [
        f"{pack.path} was trained in parts, of which these differ"
        for pack in records.resumed(packs_made)
    ]
    if dirty := [r for r in records.distinct(made, "revision") if r.endswith("+")]:
        lines.append(f"the code differed from its revision (+): {listed(dirty)}")
    return lines


def numeric(study: Study, runs: pd.DataFrame) -> list[Check]:
    """The inequalities and sums that hold for any model, on every run that has the values."""
    evaluated = {name: study.evaluate.count(study.dataset(name)) for name in study.datasets}
    sizes = {name: np.log(count) for name, count in evaluated.items()}
    log_n = runs.index.get_level_values("dataset").map(sizes).to_numpy(float)
    columns = {column: runs[column].to_numpy() for column in runs}
    possible = (
        _information(columns, log_n),
        _total_correlation(columns),
        _sum_of_terms(columns),
        _bound(columns),
    )
    return [_check(runs, *parts) for parts in possible if parts]


def _error(columns: Columns, *names: str) -> np.ndarray | float:
    """Three Monte-Carlo standard errors of the sum of some values, and room for rounding."""
    scale = sum(abs(columns[name]) for name in names)
    errors = [columns.get(name + STANDARD_ERROR, 0.0) for name in names]
    return 3 * sum(errors) + 1e-5 * scale + 1e-6


def _information(columns: Columns, log_n: np.ndarray) -> Inequality | None:
    name = terms.INDEX_CODE_MI.name
    if name not in columns:
        return None
    mi, error = columns[name], _error(columns, name)
    excess = np.maximum(-mi, mi - log_n)
    return "index-code MI between 0 and log N", excess, error


def _total_correlation(columns: Columns) -> Inequality | None:
    name = terms.TOTAL_CORRELATION.name
    if name not in columns:
        return None
    return "total correlation not negative", -columns[name], _error(columns, name)


def _sum_of_terms(columns: Columns) -> Inequality | None:
    parts = [term.name for term in terms.PARTS]
    if not {"rate", *parts} <= columns.keys():
        return None
    gap = abs(sum(columns[part] for part in parts) - columns["rate"])
    return "the four terms sum to the rate", gap, _error(columns, "rate", *parts)


def _bound(columns: Columns) -> Inequality | None:
    if not {"elbo", "distortion", "rate"} <= columns.keys():
        return None
    gap = abs(columns["elbo"] + columns["distortion"] + columns["rate"])
    return "ELBO is −(distortion + rate)", gap, _error(columns, "elbo", "rate", "distortion")


def _check(runs: pd.DataFrame, text: str, excess: np.ndarray, error: np.ndarray | float) -> Check:
    made = np.isfinite(excess)
    wrong = np.flatnonzero(made & (excess > error))
    lines = [f"{run_name(runs.index[i])}: off by {number(excess[i])} nats" for i in wrong[:SHOWN]]
    return Check(text, int(made.sum()), cut(lines, SHOWN, len(wrong)))
