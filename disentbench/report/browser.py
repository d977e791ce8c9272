"""What the page's script is given: every run with its values, as columns of plain numbers.

The table of all runs and a ranking by another value are made of it in the reader's browser. Names
are there once each; a run is a place in every column.
"""

import math
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from disentbench.posterior import terms
from disentbench.recipe import Pack
from disentbench.report import boards, collapse, style, thumbnails, traces
from disentbench.report.context import Report
from disentbench.report.runs import Block, Rule, Shown
from disentbench.report.text import fixed, number

STATES = ("ok", "diverged", "unscored", "collapsed")
PATH = "{dataset}/{objective}/{setting}/seeds-{first}-{last}"  # of a pack, below the study's folder
STATIC = 100  # runs that the page shows without its script
SHOWN = ("distortion", "elbo", "active_units")  # beside the score


class RunRow(NamedTuple):
    """A run as the page shows it without its script; numbers as text and with every digit."""

    dataset: str
    objective: str
    setting: str
    strength: str
    seed: int
    cells: list[tuple[str, str]]
    state: str


def states(
    runs: pd.DataFrame, scored: Collection[tuple], diverged: Collection[tuple]
) -> dict[tuple, str]:
    """How each planned run went: diverged, else unscored, else collapsed, else ok."""
    collapsed = collapse.collapsed(runs)
    return {
        run: _state(run in diverged, run in scored, bool(idle)) for run, idle in collapsed.items()
    }


def _state(diverged: bool, scored: bool, idle: bool) -> str:
    if diverged:
        return "diverged"
    if not scored:
        return "unscored"
    return "collapsed" if idle else "ok"


def data(
    report: Report, parts: dict[str, Report], blocks: list[Block], state: dict[tuple, str]
) -> dict[str, Any]:
    """All that the script knows; `parts` are the report by data set, `state` is by planned run."""
    runs = pd.MultiIndex.from_tuples(state)
    settings = list(report.settings.index)
    packs = list(report.study.packs)
    return {
        "study": report.study.study,
        "datasets": [_dataset(report, parts[block.dataset], block) for block in blocks],
        "objectives": [
            {"name": name, "label": label, "swatch": style.swatch(report.looks[name])}
            for name, label in report.labels.items()
        ],
        "settings": [_setting(report, key) for key in settings],
        "values": [_value(name, shown) for name, shown in report.columns.items()],
        "brief": boards.brief(report),
        "rule": _rule(report.rule),
        "states": STATES,
        "path": PATH,
        "blocks": sorted({(pack.first, pack.last) for pack in packs}),
        "runs": _columns(report, runs, packs) | {"state": [*map(STATES.index, state.values())]},
        "scores": scores(report, runs),
        "t": quantiles(max((block.planned for block in blocks), default=0)),
        "curves": _curves(report, runs, packs),
        "logs": traces.logs(report.files, packs),
        "thumbnails": _thumbnails(report, blocks, runs),
    }


def _dataset(report: Report, part: Report, block: Block) -> dict[str, Any]:
    return {
        "name": block.dataset,
        "label": report.study.dataset(block.dataset).label,
        "rule": _rule(part.rule),
        "values": list(part.columns),
        "planned": block.planned,
        "needed": block.needed,
    }


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {"value": rule.name, "choose": rule.by.name, "label": rule.label, "text": rule.text}


def _setting(report: Report, key: tuple[str, str]) -> dict[str, Any]:
    row = report.settings.loc[key]
    place = list(report.labels).index(key[0])
    x = float(row["x"])
    strength = x if math.isfinite(x) else None
    return {"objective": place, "name": key[1], "text": row["text"], "strength": strength}


def _value(name: str, shown: Shown) -> dict[str, Any]:
    value = shown.value
    return {
        "name": name,
        "label": value.label,
        "unit": value.unit,
        "better": value.better,
        "low": brief(value.low),
        "high": brief(value.high),
        "whole": value.whole,
        "shared": shown.shared,
        "tie": name == terms.TOTAL_CORRELATION.name,
    }


def _columns(report: Report, runs: pd.MultiIndex, packs: list[Pack]) -> dict[str, list[int]]:
    """For each run the places of its data set, its setting and its block of seeds; its seed."""
    datasets = {name: place for place, name in enumerate(report.study.datasets)}
    settings = {key: place for place, key in enumerate(report.settings.index)}
    blocks = sorted({(pack.first, pack.last) for pack in packs})
    of_seed = {
        seed: place for place, (first, last) in enumerate(blocks) for seed in range(first, last + 1)
    }
    return {
        "dataset": [datasets[run[0]] for run in runs],
        "setting": [settings[run[1], run[2]] for run in runs],
        "seed": [int(run[3]) for run in runs],
        "block": [of_seed[run[3]] for run in runs],
    }


def scores(report: Report, runs: pd.MultiIndex) -> dict[str, list[float | None]]:
    """By value, of each run, to five significant digits; None where there is no finite number."""
    table = report.scores.reindex(runs)
    return {name: [brief(value) for value in table[name]] for name in report.columns}


def brief(value: float) -> float | None:
    """A number to five significant digits; None where there is none."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def quantiles(most: int) -> list[float | None]:
    """By n, from none on: Student's 97.5 % quantile for the mean of n runs."""
    return [None, None, *(float(stats.t.ppf(0.975, n - 1)) for n in range(2, most + 1))]


def _curves(report: Report, runs: Iterable[tuple], packs: list[Pack]) -> dict[str, Any]:
    """The curves by place of the run; a term is [low, high, by logarithm, base64] or None."""
    read = traces.curves(report.files, packs)
    known = read.pop("runs")
    placed = {place: known[run] for place, run in enumerate(runs) if run in known}
    return read | {"terms": list(traces.TERMS.values()), "runs": placed}


def _thumbnails(report: Report, blocks: list[Block], runs: pd.MultiIndex) -> dict[int, Any]:
    """The small pictures by place of the run: an image, and each of its rows in words."""
    places = {run: place for place, run in enumerate(runs)}
    return {
        places[block.dataset, *run]: picture._asdict()
        for block in blocks
        for run, picture in thumbnails.drawn(
            report, block.dataset, thumbnails.priority(block, report.on(block.dataset).rule)
        ).items()
    }


def shown_values(report: Report) -> list[str]:
    """The values that the table of all runs has columns for from the start."""
    ranking = [report.rule.name] if report.rule else []
    return list(dict.fromkeys(name for name in (*ranking, *SHOWN) if name in report.columns))


def first(report: Report, state: dict[tuple, str], most: int = STATIC) -> list[RunRow]:
    """The first runs of the study, as rows of the page."""
    runs = list(state)[:most]
    table = report.scores.reindex(pd.MultiIndex.from_tuples(list(state)))[shown_values(report)]
    return [
        _row(report, run, values, state[run])
        for run, values in zip(runs, table.to_numpy()[:most], strict=True)
    ]


def _text(shown: Shown, value: float) -> str:
    whole = shown.value.whole and math.isfinite(value)
    return fixed(value, 0) if whole else number(value)


def _row(report: Report, run: tuple, values: np.ndarray, state: str) -> RunRow:
    dataset, objective, setting, seed = run
    known = report.settings.loc[objective, setting]
    names = shown_values(report)
    cells = [
        (_text(report.columns[name], value), boards.digits(value))
        for name, value in zip(names, values, strict=True)
    ]
    strength = f"{known['x']:g}" if math.isfinite(known["x"]) else ""
    return RunRow(dataset, known["label"], known["text"], strength, int(seed), cells, state)
