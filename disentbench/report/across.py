"""The objectives over all data sets: the mean of their ranks, and their runs pooled."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.report import tables
from disentbench.report.context import Report
from disentbench.report.ranking import Rule
from disentbench.report.runs import Block
from disentbench.report.text import fixed, places
from disentbench.scoring import statistics
from disentbench.scoring.statistics import Interval
from disentbench.scoring.statistics.bootstrap import Statistic

POOLED: tuple[Statistic, ...] = ("mean", "median", "iqm")


class Across(NamedTuple):
    """An objective at its best settings: its mean rank, and each pooled statistic as text."""

    label: str
    rank: float
    cells: list[tuple[str, str]]  # a value and its interval


def across(report: Report, blocks: list[Block]) -> list[Across]:
    """The objectives by mean rank over the data sets; none for one data set. Writes the table."""
    rule = report.rule
    if rule is None or len(blocks) < 2 or max(block.planned for block in blocks) < 2:
        return []
    best = pd.DataFrame(np.nan, list(report.study.objectives), [block.dataset for block in blocks])
    for block in blocks:
        for key in block.best:
            best.loc[key[0], block.dataset] = block.summary.mean.loc[key, rule.name]
    ranks = statistics.mean_ranks(rule.sign * best.to_numpy())
    together = {name: pooled(report, blocks, name) for name in best.index}
    table = best.assign(mean_rank=ranks)
    for statistic in POOLED:
        table[statistic] = [together[name][statistic][0] for name in best.index]
        table[f"{statistic}_low_95"] = [together[name][statistic].low for name in best.index]
        table[f"{statistic}_high_95"] = [together[name][statistic].high for name in best.index]
    table = table.dropna(axis=1, how="all")
    tables.write_csv(report.folder.table("ranks"), table.rename_axis("objective").reset_index())
    rows = [
        Across(report.labels[name], float(rank), _cells(together[name]))
        for name, rank in zip(best.index, ranks, strict=True)
    ]
    return sorted(rows, key=lambda row: row.rank)


def pooled(report: Report, blocks: list[Block], objective: str) -> dict[str, Interval]:
    """Each statistic of the runs of an objective's best settings on all data sets.

    Unknown where it has none on one of them, or where the value has no common scale: one of nats,
    say, is of the data set that has the most of them.
    """
    rule = report.rule
    keys = {block.dataset: key for block in blocks for key in block.best if key[0] == objective}
    if rule is None or len(keys) < len(blocks) or not _comparable(report, rule):
        return dict.fromkeys(POOLED, Interval(math.nan, math.nan, math.nan))
    runs = [
        block.scores(keys[block.dataset], rule.name).dropna().to_numpy(float) for block in blocks
    ]
    return {
        statistic: statistics.aggregate(runs, statistic, rng=np.random.default_rng(0))
        for statistic in POOLED
    }


def _comparable(report: Report, rule: Rule) -> bool:
    """Whether a value has the same ends on every data set, and runs that do not share in it."""
    value = report.values[rule.name].value
    return math.isfinite(value.low) and math.isfinite(value.high) and not rule.shared


def _cells(of: dict[str, Interval]) -> list[tuple[str, str]]:
    if all(math.isnan(interval.mean) for interval in of.values()):
        return []
    return [_cell(interval) for interval in of.values()]


def _cell(interval: Interval) -> tuple[str, str]:
    middle, low, high = interval
    decimals = places(middle, most=3)
    known = math.isfinite(low)
    bounds = f"{fixed(low, decimals)} to {fixed(high, decimals)}" if known else ""
    return fixed(middle, decimals), bounds
