"""Scores: metrics of representations, as tidy tables."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.metrics import Score, value_of
from disentbench.plugins import needs
from disentbench.posterior.from_files import read_latents
from disentbench.posterior.in_groups import Groups, in_groups
from disentbench.posterior.representation import Representation
from disentbench.scoring.companions import compared, comparing
from disentbench.seeds import generator
from disentbench.storage.representation_files import AS_IT_IS, Reading

Code = Literal["mean", "sampled"]

# What a metric may need, in words for who did not bring it.
WORDS = {
    "posterior": "logvar",
    "companions": "other runs, all with logvar",
    "held_out": "held_out, the images that training never drew",
}


class Scored(NamedTuple):
    """One metric of one run; `notes` are what it had to say, such as why a value is NaN."""

    run: str
    metric: str
    score: Score
    notes: list[str]


def score_file(
    path: str | Path,
    metrics: Sequence[str] | None = None,
    *,
    code: Code = "mean",
    seed: int = 0,
    reading: Reading = AS_IT_IS,
    companions: Sequence[str | Path] = (),
    groups: Groups | None = None,
) -> Iterator[Scored]:
    """Metrics of every run of a file, run by run; factors may be missing where none is needed.

    Metrics that compare runs compare each with the others of the file and with all of the files
    `companions`: one run is in memory at a time, and of the others what these metrics keep. With
    `groups` of latents, the metrics of codes are of each group's first principal component.
    """
    asked = asked_for(metrics)
    if groups is not None:
        require_codes(metrics, code)
        asked = [name for name in asked if "posterior" not in needs(name)]
    bare = metrics is not None and not any("factors" in needs(name) for name in asked)
    reading = reading._replace(bare=bare)
    kept = compared([path, *companions], comparing(asked), partial(generator, seed), reading)
    for name, run in read_latents(path, reading):
        others = None
        if kept is not None:
            others = [summary for of, summary in kept.items() if of != (0, name)]
        if groups is not None:
            run = in_groups(run, groups)  # noqa: PLW2901 - the run that is scored
        prepared = coded(replace(run, companions=others), code, seed)
        for metric in chosen(metrics, prepared):
            (values, detail), notes = _noted(attempt, metric, prepared, seed)
            for note in notes:
                warnings.warn(f"run {name}: {note}", stacklevel=2)
            yield Scored(name, metric, Score(wanted(metric, values, metrics), detail), notes)


def _noted(function: Callable, *arguments: Any) -> tuple[Any, list[str]]:
    """What a function returns, and what it warns of, each once."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = function(*arguments)
    return result, list(dict.fromkeys(str(warning.message) for warning in heard))


def table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Scores as a table with the columns run, metric and value."""
    rows = [(one.run, name, v) for one in scored for name, v in one.score.values.items()]
    return pd.DataFrame(rows, columns=["run", "metric", "value"])


def details(scored: Sequence[Scored]) -> dict:
    """What figures are drawn from, as plain data: {"runs": {run: {metric: {name: array}}}}.

    Beside it {"notes": {run: {metric: [sentence]}}} of those metrics that had something to say.
    """
    runs: dict[str, dict] = {}
    notes: dict[str, dict] = {}
    for one in scored:
        arrays = {name: _plain(values) for name, values in one.score.detail.items()}
        runs.setdefault(one.run, {})[one.metric] = arrays
        if one.notes:
            notes.setdefault(one.run, {})[one.metric] = one.notes
    return {"runs": runs, "notes": notes}


def _plain(values: ArrayLike) -> list:
    """An array as nested lists that JSON can say: NaN is null, an infinite value "inf" or "-inf".

    `np.array(..., float)` reads them back.
    """
    array = np.asarray(values)
    plain = array.astype(object)
    plain[pd.isna(array)] = None
    if array.dtype.kind == "f":
        plain[np.isposinf(array)] = "inf"
        plain[np.isneginf(array)] = "-inf"
    return plain.tolist()


def records(table: pd.DataFrame) -> list[dict]:
    """The rows of a table as JSON can say them, every value to its last digit."""
    columns = {name: _plain(column.to_numpy()) for name, column in table.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def measure(name: str, run: Representation, seed: int = 0, **options: Any) -> Score:
    """One metric of one run, with the metric's own options; a run that diverged scores NaN."""
    metric = plugins.load("metrics", name)
    if run.failed:
        warnings.warn(f"it diverged, and {name} is NaN", stacklevel=2)
        return _undefined(name)
    given = {need: getattr(run, need) for need in needs(name)}
    if "companions" in given:
        given["companions"] = [kept[name] for kept in given["companions"]]
    if "rng" in inspect.signature(metric.compute).parameters:
        options["rng"] = generator(seed, name)
    return metric.compute(**given, **options)


def attempt(name: str, run: Representation, seed: int = 0) -> Score:
    """One metric of one run; NaN with a warning where its numbers are such that there is none.

    One odd run must not cost the others their scores, nor a study its report.
    """
    try:
        return measure(name, run, seed)
    except (ArithmeticError, IndexError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        warnings.warn(f"{name} cannot be computed and is NaN: {reason}", stacklevel=2)
        return _undefined(name)


def _undefined(name: str) -> Score:
    return Score({value.name: np.nan for value in plugins.load("metrics", name).values})


def require_codes(metrics: Sequence[str] | None, code: Code) -> None:
    """Refuse what codes in groups cannot give: all that needs the posterior of a latent."""
    why = "and a group's principal component has none"
    if code == "sampled":
        raise UserError(f"sampled codes need logvar, {why}")
    for name in metrics or ():
        if "posterior" in needs(file_of(name)):
            raise UserError(f"the metric {name!r} needs logvar, {why}")


def coded(run: Representation, code: Code, seed: int) -> Representation:
    """The run with the codes that are asked for: its means or a sample of its posterior."""
    if code == "mean" or run.failed:
        return run
    if run.posterior is None:
        raise UserError("sampled codes need logvar, which is not given")
    return run.sampled(generator(seed, "sampled"))


def asked_for(metrics: Sequence[str] | None) -> list[str]:
    """The files of the metrics that are asked for; without any, all that there are."""
    return plugins.names("metrics") if metrics is None else list(map(file_of, metrics))


def chosen(metrics: Sequence[str] | None, run: Representation) -> list[str]:
    """The metric files to compute: those asked for, or all that the run can give.

    A metric is asked for by the name of its file or of one of its values.
    """
    if metrics is None:
        every = plugins.names("metrics")
        files = [name for name in every if not lacks(name, run) and not pointless(name, run)]
    else:
        files = list(dict.fromkeys(file_of(name) for name in metrics))
        for name in files:
            if missing := lacks(name, run):
                raise UserError(f"the metric {name!r} needs {missing}, which is not given")
    plugins.values(tuple(files))  # refuses two that give a value of one name
    return files


def lacks(name: str, run: Representation) -> str | None:
    """The first thing that a metric needs and the run does not have, in words."""
    return next((WORDS.get(n, n) for n in needs(name) if getattr(run, n) is None), None)


def pointless(name: str, run: Representation) -> bool:
    """Whether a metric compares runs, and there is but one."""
    return "companions" in needs(name) and not run.companions


def file_of(name: str) -> str:
    """The file that defines a metric or a value of this name."""
    if name in plugins.names("metrics"):
        return name
    values = plugins.values()
    if name not in values:
        choices = ", ".join(sorted({*values, *plugins.names("metrics")}))
        raise UserError(f"no metric named {name!r}; choose from {choices}")
    return values[name]


def wanted(file: str, values: dict[str, float], metrics: Sequence[str] | None) -> dict[str, float]:
    """Those values of a metric's file that are asked for, with their standard errors."""
    if metrics is None or file in metrics:
        return values
    return {key: v for key, v in values.items() if value_of(key) in metrics}
