"""The runs of a study as tables: what was planned, every score, summaries over seeds."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from disentbench import plugins
from disentbench.metrics import Value, is_error
from disentbench.objectives._schedule import Schedule
from disentbench.posterior import terms
from disentbench.report.ranking import Rule, Shown
from disentbench.report.text import symbol
from disentbench.results.tidy import RUN, SETTING, read_scores
from disentbench.scoring import statistics
from disentbench.scoring.statistics import half_width
from disentbench.study import Study

Key = tuple[str, str]  # (objective, setting)


class Choice(NamedTuple):
    """The best setting of an objective, and how a choice fares that does not see the run."""

    key: Key
    cross_fitted: float  # mean score of the setting chosen on the other seeds; NaN: not known
    agreeing: int  # seeds without which the same setting is chosen
    of: int  # seeds that count


class Summary(NamedTuple):
    """Over the seeds of a setting: tables [(dataset, objective, setting), value]."""

    mean: pd.DataFrame
    sd: pd.DataFrame
    n: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame


@dataclass(frozen=True)
class Block:
    """What the report says of one data set: its runs, their summary, each objective's best."""

    dataset: str
    runs: pd.DataFrame  # [(objective, setting, seed), value], every run that was planned
    summary: Summary  # [(objective, setting), value]
    best: list[Key]  # the best setting of each objective that has one, the best objective first
    rule: Rule | None = None  # by which they were chosen and are ordered

    @cached_property
    def planned(self) -> int:
        """The runs of each setting that the study asks for."""
        return self.runs.index.get_level_values("seed").nunique()

    @property
    def needed(self) -> int:
        """How many of them a setting needs to be called best."""
        return needed(self.planned)

    def few(self, *values: str) -> list[Key]:
        """The settings of which too few runs have these values to be called best."""
        n = self.summary.n[list(values)].min(axis=1)
        return list(n.index[n < self.needed])

    @cached_property
    def candidates(self) -> dict[str, list[Key]]:
        """The settings that an objective's best is chosen from, by objective, best first."""
        if self.rule is None:
            return {}
        few = set(self.few(self.rule.name, self.rule.by.name))
        return {
            name: [key for key in self.summary.mean.index if key[0] == name and key not in few]
            for name, _ in self.best
        }

    @cached_property
    def choice(self) -> dict[str, Choice]:
        """Each objective's best setting with its cross-fitted score, the best objective first."""
        return {key[0]: self._choice(key, self.rule) for key in self.best if self.rule}

    def _choice(self, key: Key, rule: Rule) -> Choice:
        if rule.shared:
            return Choice(key, math.nan, 0, 0)
        settings = self.candidates[key[0]]
        scores, by = (
            np.array([self.scores(setting, name) for setting in settings], float)
            for name in (rule.name, rule.by.name)
        )
        fitted = statistics.cross_fitted(scores, rule.by.sign, by)
        agreeing = int((fitted.settings == settings.index(key)).sum())
        return Choice(key, fitted.score, agreeing, len(fitted.settings))

    def scores(self, key: Key, value: str) -> pd.Series:
        """One value of a setting's runs, by seed."""
        return self.of(key)[value].droplevel(["objective", "setting"])

    def of(self, key: Key) -> pd.DataFrame:
        """The runs of a setting."""
        return self.runs.iloc[self._rows[key]]

    @cached_property
    def _rows(self) -> dict[Key, np.ndarray]:
        return self.runs.groupby(level=["objective", "setting"], sort=False).indices


def catalogue(study: Study) -> pd.DataFrame:
    """Every setting, in the study's order, by (objective, setting).

    `label` and `text` are for readers; `key` and `x` are the first swept number, `rest` says what
    else is swept; `weights` are all of a decomposed objective, swept or not; `point` is what is
    swept, by name.
    """
    rows = [
        (
            *(name, setting, _label(study, name, objective)),
            *_place(point, *_beta(study, name)),
            *(_weights(objective), point),
        )
        for name in study.objectives
        for (setting, objective), point in zip(study.settings(name), study.sweep(name), strict=True)
    ]
    columns = ["objective", "setting", "label", "text", "key", "x", "rest", "weights", "point"]
    return pd.DataFrame(rows, columns=columns).set_index(["objective", "setting"])


def _label(study: Study, name: str, objective: Any) -> str:
    file = study.file_of("objectives", name)
    return objective.label if file == name else f"{objective.label} ({name})"


def _beta(study: Study, name: str) -> tuple[str, float]:
    """Where an objective stands that sweeps nothing: the VAE is every objective's beta = 1."""
    baseline = plugins.load("objectives", study.file_of("objectives", name)).baseline
    return "", 1.0 if baseline else math.nan


def _weights(objective: Any) -> dict[str, float | Schedule]:
    """The numbers and schedules of a decomposed objective; the VAE's beta is 1."""
    weights = {key: value for key, value in objective if isinstance(value, int | float | Schedule)}
    beta = {"beta": 1.0} if objective.baseline else {}
    return weights | beta if objective.decomposed else {}


def _place(point: dict, key: str, x: float) -> tuple[str, str, float, str]:
    """The text of a setting, its first swept number and the text of the others."""
    for swept in [k for k, v in point.items() if isinstance(v, int | float)][:1]:
        key, x = swept, float(point[swept])
    words = {k: f"{symbol(k)} = {_plain(v)}" for k, v in point.items()}
    rest = ", ".join(text for k, text in words.items() if k != key)
    return ", ".join(words.values()), key, x, rest


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def planned(study: Study) -> pd.MultiIndex:
    """Every run that the study asks for, in its order."""
    runs = [
        (pack.dataset, pack.objective, pack.setting, seed)
        for pack in study.packs
        for seed in pack.seeds
    ]
    return pd.MultiIndex.from_tuples(runs, names=RUN)


def read_runs(scores: Path) -> pd.DataFrame:
    """The tidy table as one row for each run and one column for each value.

    CSV and parquet hold the same numbers to the last digit.
    """
    return read_scores(scores).pivot(index=RUN, columns="metric", values="value")


def finite(scored: pd.DataFrame) -> pd.DataFrame:
    """Scores in which what is infinite, of which there is no mean, is missing."""
    return scored.replace([np.inf, -np.inf], np.nan)


def shown(study: Study, runs: pd.DataFrame) -> dict[str, Shown]:
    """The values in the table that are no standard errors, by name, the familiar first."""
    metrics = [plugins.load("metrics", name) for name in study.metrics]
    known = {value.name: Shown(value, metric) for metric in metrics for value in metric.values}
    familiar = sorted(known, key=lambda name: known[name].value.prominence or math.inf)
    names = [name for name in dict.fromkeys([*familiar, *runs]) if name in runs]
    return {
        name: known.get(name, Shown(Value(name, name, -math.inf, math.inf, "neither"), None))
        for name in names
        if not is_error(name)
    }


def unmeasured(study: Study, dataset: str) -> set[str]:
    """The values of the study's metrics that cannot be measured on a data set."""
    metrics = set(study.metrics) - set(study.metrics_on(dataset))
    return {value.name for name in metrics for value in plugins.load("metrics", name).values}


def measured(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """Whether each value of each run can be measured on its data set."""
    table = pd.DataFrame(True, runs.index, runs.columns)
    datasets = runs.index.get_level_values("dataset")
    for dataset in study.datasets:
        table.loc[datasets == dataset, runs.columns.isin(list(unmeasured(study, dataset)))] = False
    return table


def columns(values: dict[str, Shown], runs: pd.DataFrame) -> dict[str, Shown]:
    """The values that tables have a column for: without groups their terms say nothing more."""
    within = runs.get(terms.TC_WITHIN.name, pd.Series(dtype=float))
    grouped = (within.abs() > 0).any()
    return {name: shown for name, shown in values.items() if grouped or not shown.value.of_groups}


def summarise(runs: pd.DataFrame, values: dict[str, Shown]) -> Summary:
    """Mean, sd, n and Student's 95 % interval over the finite values of each setting.

    An interval ends where the value's range does. What compares runs has none: they share in it.
    """
    names = list(values)
    grouped = runs[names].groupby(level=SETTING, sort=False)
    mean, sd, n = grouped.mean(), grouped.std(ddof=1), grouped.count()
    half = np.where([values[name].shared for name in names], np.nan, half_width(sd, n))
    floor = np.array([values[name].value.low for name in names], float)
    ceiling = np.array([values[name].value.high for name in names], float)
    # A mean may lie beyond its range by the error of its estimate; its interval still holds it.
    low = (mean - half).clip(lower=np.minimum(floor, mean), axis=None)
    high = (mean + half).clip(upper=np.maximum(ceiling, mean), axis=None)
    return Summary(mean, sd, n, low, high)


def block(dataset: str, runs: pd.DataFrame, summary: Summary, chosen: Rule | None) -> Block:
    """What the report says of one data set."""
    of_dataset = Summary(*(table.xs(dataset, level="dataset") for table in summary))
    unranked = Block(dataset, runs.xs(dataset, level="dataset"), of_dataset, [])
    if chosen is None:
        return unranked
    return replace(unranked, best=_best(unranked, chosen), rule=chosen)


def needed(planned: int) -> int:
    """Runs with a score that a setting needs to be called best: half, and enough for an interval.

    Of settings that lose runs, the few that are left are no fair sample.
    """
    return max(-(-planned // 2), min(2, planned))


def _best(block: Block, chosen: Rule) -> list[Key]:
    """The best setting of each objective, the best objective first, of those with enough runs."""
    mean = block.summary.mean.drop(index=block.few(chosen.name, chosen.by.name))
    keys = pd.DataFrame({"score": -chosen.sign * mean[chosen.name]})
    keys["choice"] = -chosen.by.sign * mean[chosen.by.name]
    keys["tie"] = mean[terms.TOTAL_CORRELATION.name] if chosen.ties else 0.0
    ordered = keys.dropna(subset=["score", "choice"]).sort_values(["choice", "tie"], kind="stable")
    best = ordered.groupby(level="objective", sort=False).head(1)
    return list(best.sort_values(["score", "tie"], kind="stable").index)


def median_seed(block: Block, objective: str, setting: str, chosen: Rule) -> int:
    """The seed whose score is the median of its setting; of two middle ones the lower."""
    scores = block.scores((objective, setting), chosen.name).dropna()
    return int(scores.sort_values(kind="stable").index[(len(scores) - 1) // 2])
