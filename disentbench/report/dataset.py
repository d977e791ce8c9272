"""All that the page shows of one data set; its figures and tables on the way."""

from pathlib import Path
from typing import Any

from disentbench.posterior.from_files import read_factors
from disentbench.report import (
    boards,
    choices,
    collapse,
    comparisons,
    equal_strength,
    headline,
    levels,
    methods,
    tables,
)
from disentbench.report.comparisons import Pair
from disentbench.report.context import Report
from disentbench.report.figures import figures
from disentbench.report.runs import Block, Key


def section(report: Report, block: Block) -> dict[str, Any]:
    """The parts of the page by name; writes the figures and tables of the data set."""
    dataset, pairs = block.dataset, comparisons.pairs(block, report.rule)
    by_tc = equal_strength.least_tc(block, report.rule, report.settings)
    leaders = comparisons.leaders(pairs)
    _write_boards(report, block, leaders)
    constant = _constant(report, block)
    levels.write(_table(report, block, "levels"), dataset, report.levels[dataset], constant)
    shown, all_settings = boards.ordered(report), list(report.settings.index)
    best_lines = tables.lines(block, block.best, shown, report.settings, leaders=leaders)
    best = boards.board(report, block, block.best, best_lines, constant)
    all_lines = tables.lines(block, all_settings, shown, report.settings)
    every = boards.board(report, block, all_settings, all_lines)
    scores = report.scores.xs(dataset, level="dataset").reset_index()
    placed = tables.placed(scores, dataset, report.settings)
    tables.write_csv(_table(report, block, "runs"), placed)
    return {
        "dataset": dataset,
        "label": report.study.dataset(dataset).label,
        "rule": report.rule,
        "without": methods.unmeasured(report.study, dataset),
        "finding": headline.finding(block, report.rule, report.settings, pairs),
        "also": choices.fallen_back(report.rule, report.rank_by, report.choose_by)
        + headline.also(block, report.rule, report.settings, by_tc),
        "chance": choices.chance(block, report.rule),
        "choices": block.choice,
        "nothing": headline.nothing(block, report.rule),
        "planned": block.planned,
        "needed": block.needed,
        "board": best,
        "leaderboard": best.rows,
        "leveled": bool(report.levels[dataset].keys() & report.columns.keys()),
        "constant": constant,
        "above_noise": [report.columns[name].value.label for name in constant],
        "settings": every,
        "all": every.rows,
        "absent": [
            report.labels[name]
            for name in report.study.objectives
            if name not in {objective for objective, _ in block.best}
        ],
        "compared": pairs,
        **_pairs(report, block, pairs, by_tc),
        "figures": {name: figure.section(report, block) for name, figure in figures().items()},
    }


def _write_boards(report: Report, block: Block, leaders: list[Key] | None) -> None:
    """The best settings for a paper and with every value, and all settings.

    Where `leaders` are told apart by the comparisons, they are bold in the ranking column.
    """
    every = list(report.settings.index)
    few = tables.compact(report.columns, report.rule)
    boards = {
        "leaderboard": (block.best, few),
        "leaderboard_all": (block.best, report.columns),
        "settings": (every, report.columns),
    }
    for name, (rows, values) in boards.items():
        marked = leaders if rows is block.best else None
        board = (block, rows, values, report.settings)
        tables.write(_table(report, block, name), *board, leaders=marked)


def _table(report: Report, block: Block, name: str) -> Path:
    """Where a table of a data set goes, without its suffix."""
    return report.folder.table(f"{block.dataset}_{name}")


def _constant(report: Report, block: Block) -> dict[str, float]:
    """What a constant code scores, where runs collapsed and a metric ranks it above noise."""
    values = [name for name, shown in report.columns.items() if shown.value.constant_wins]
    path = report.files.dataset(block.dataset).images
    if not values or not path.exists() or not collapse.collapsed(block.runs).any():
        return {}
    factors = read_factors(path, evaluate=report.study.evaluate)
    return collapse.constant(factors, values)


def _pairs(
    report: Report, block: Block, pairs_by_rule: list[Pair], by_tc: list[Pair]
) -> dict[str, Any]:
    """The comparisons as text, and what to know of their p; their tables, where there are any."""
    titles = {key: comparisons.title(report.settings, key) for key in block.summary.mean.index}
    for name, pairs in {"pairs": pairs_by_rule, "pairs_total_correlation": by_tc}.items():
        if pairs:
            stem = _table(report, block, name)
            tables.write_pairs(stem, block.dataset, pairs, titles, report.settings)
    floor = comparisons.floor(pairs_by_rule, len(pairs_by_rule))
    return {
        **(choices.correction(pairs_by_rule[0], report.chosen) if pairs_by_rule else {}),
        "pairs": tables.pair_cells(pairs_by_rule, titles) if pairs_by_rule else [],
        "floor": floor,
        "two_runs": choices.two_runs(pairs_by_rule, block),
    }
