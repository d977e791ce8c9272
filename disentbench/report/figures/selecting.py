"""Settings chosen without factors, and whether a choice holds elsewhere."""

from typing import Any

import numpy as np
import pandas as pd

from disentbench import plugins
from disentbench.report import tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure
from disentbench.report.figures._directed import SIGNS, grid, of_factors, without_ends
from disentbench.report.runs import Block
from disentbench.report.text import fixed, listed, places
from disentbench.scoring.statistics import Cost, cost_of_choosing, transfer_shares

ALL = ""  # all objectives' settings taken together
KINDS = {
    "same": "same metric, same data set",
    "other_data": "same metric, another data set",
    "other_metric": "another metric, same data set",
    "both_other": "another metric, another data set",
}


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """What choices without factors cost, and the chances of a setting that one seed picks."""
    chosen, moved = _choosing(report, block), _transfer(report, block)
    return {"chosen": chosen, "moved": moved} if chosen or moved else None


def _choosing(report: Report, block: Block) -> dict[str, Any] | None:
    """A row for each value that needs no factors, a column for each objective with a choice."""
    rule, study = report.rule, report.study
    if rule is None or block.planned < 2 or not of_factors(study, rule.name):
        return None
    scores = rule.sign * grid(block.runs[rule.name])
    costs = {name: _costs(scores, values) for name, values in _by(report, block).items()}
    objectives = list(dict.fromkeys(key for row in costs.values() for key in row))
    if not objectives:
        return None
    stem = f"{block.dataset}_selecting"
    tables.write_csv(report.folder.table(stem), _csv(block.dataset, costs))
    first = [next(row[key] for row in costs.values() if key in row) for key in objectives]
    decimals = places([cost.best for cost in first])
    return {
        "label": rule.label,
        "unit": rule.unit,
        "heads": [report.labels.get(key, "among all settings") for key in objectives],
        "rows": [
            (
                report.columns[name].value.label,
                [fixed(row[key].cost, decimals) if key in row else "–" for key in objectives],
            )
            for name, row in costs.items()
        ],
        "random": [fixed(cost.random, decimals) for cost in first],
        "best": [fixed(rule.sign * cost.best, decimals) for cost in first],
        "shared": [report.columns[n].value.label for n in costs if report.columns[n].shared],
        "table": stem,
    }


def _by(report: Report, block: Block) -> dict[str, pd.DataFrame]:
    """The values that choose: they have a better end, need no factors and are known."""
    return {
        name: SIGNS[shown.value.better] * grid(block.runs[name])
        for name, shown in report.columns.items()
        if shown.value.better in SIGNS
        and shown.metric
        and not of_factors(report.study, name)
        and block.runs[name].notna().any()
    }


def _costs(scores: pd.DataFrame, by: pd.DataFrame) -> dict[str, Cost]:
    """The cost of a choice among the settings of every objective, and among all, by objective."""
    names = scores.index.get_level_values("objective")
    parts = {name: names == name for name in names.unique()}
    if len(parts) > 1:
        parts[ALL] = np.ones(len(names), bool)
    costs = {
        name: cost_of_choosing(scores.to_numpy()[rows], by.to_numpy()[rows])
        for name, rows in parts.items()
        if rows.sum() > 1
    }
    return {name: cost for name, cost in costs.items() if cost.seeds}


def _csv(dataset: str, costs: dict[str, dict[str, Cost]]) -> pd.DataFrame:
    """A row for each value and objective; where that is empty, the choice is among all."""
    rows = [
        {"dataset": dataset, "chosen_by": name, "objective": key, **cost._asdict()}
        for name, row in costs.items()
        for key, cost in row.items()
    ]
    return pd.DataFrame(rows)


def _transfer(report: Report, block: Block) -> dict[str, Any] | None:
    """The chances of Table 1 with this data set as the one on which a setting is picked."""
    values = compared(report)
    runs = without_ends(report.scores)
    datasets = list(report.study.datasets)
    if block.planned < 2 or len(block.summary.mean) < 2 or not values:
        return None
    shares = transfer_shares(stacked(runs, values, datasets), datasets.index(block.dataset))
    known = {kind: share for kind, share in shares._asdict().items() if np.isfinite(share)}
    if not known:
        return None
    stem = f"{block.dataset}_transfer"
    row = {"dataset": block.dataset, **shares._asdict()}
    tables.write_csv(report.folder.table(stem), pd.DataFrame([row]))
    settings = len(block.summary.mean)
    return {
        "rows": [(KINDS[kind], _percent(share)) for kind, share in known.items()],
        "most": _percent(1 - 1 / (2 * settings)),
        "metrics": listed([report.columns[name].value.label for name in values]),
        "settings": settings,
        "table": stem,
    }


def compared(report: Report) -> dict[str, float]:
    """One value of each metric that looks at factors, with its sign: the first that ranks."""
    values: dict[str, float] = {}
    for metric in report.study.metrics:
        names = [value.name for value in plugins.load("metrics", metric).values]
        ranking = [
            name
            for name in names
            if name in report.columns and report.columns[name].value.better in SIGNS
        ]
        if ranking and of_factors(report.study, ranking[0]):
            values[ranking[0]] = SIGNS[report.columns[ranking[0]].value.better]
    return values


def stacked(runs: pd.DataFrame, values: dict[str, float], datasets: list[str]) -> np.ndarray:
    """The scores [metric, data set, setting, seed] of a study, higher is better."""
    tables_of = [
        [sign * grid(runs[name].xs(dataset, level="dataset")).to_numpy() for dataset in datasets]
        for name, sign in values.items()
    ]
    return np.array(tables_of)


def _percent(share: float) -> str:
    return f"{fixed(100 * share, 1)}\u00a0%"


figure = Figure(
    section,
    heading="Chosen without factors, or elsewhere",
    nav="Choosing",
    place=48,
    template="selecting.html",
)
