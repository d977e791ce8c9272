"""All that the page shows of one data set; its figures and tables on the way."""

from pathlib import Path
from typing import Any

from disentbench.report import collapse, comparisons, headline, levels, tables
from disentbench.report.comparisons import Pair
from disentbench.report.context import Report
from disentbench.report.figures import figures
from disentbench.report.runs import Block
from disentbench.storage import images_file


def section(report: Report, part: Block) -> dict[str, Any]:
    """The parts of the page by name; writes the figures and tables of the data set."""
    dataset, pairs = part.dataset, comparisons.pairs(part, report.rule)
    by_tc = headline.least_tc(part, report.rule, report.settings)
    for name, rows in (("leaderboard", part.best), ("settings", list(report.settings.index))):
        tables.write(_table(report, part, name), part, rows, report.columns, report.settings)
    constant = _constant(report, part)
    levels.write(_table(report, part, "levels"), report.levels[dataset], constant)
    scores = report.scores.xs(dataset, level="dataset")
    tables.write_csv(_table(report, part, "runs"), scores.reset_index())
    return {
        "dataset": dataset,
        "label": report.study.dataset(dataset).label,
        "finding": headline.finding(part, report.rule, report.settings, pairs),
        "also": headline.also(part, report.rule, report.settings, by_tc),
        "chance": headline.chance(part, report.rule),
        "nothing": headline.nothing(part, report.rule),
        "planned": part.planned,
        "needed": part.needed,
        "leaderboard": tables.lines(part, part.best, report.columns, report.settings),
        "levels": levels.rows(report.levels[dataset], report.columns, constant),
        "leveled": bool(report.levels[dataset].keys() & report.columns.keys()),
        "constant": constant,
        "above_noise": [report.columns[name].value.label for name in constant],
        "all": tables.lines(part, list(report.settings.index), report.columns, report.settings),
        "absent": [
            report.labels[name]
            for name in report.study.objectives
            if name not in {objective for objective, _ in part.best}
        ],
        **_pairs(report, part, pairs, by_tc),
        "figures": {name: figure.section(report, part) for name, figure in figures().items()},
    }


def _table(report: Report, part: Block, name: str) -> Path:
    """Where a table of a data set goes, without its suffix."""
    return report.folder / "tables" / f"{part.dataset}_{name}"


def _constant(report: Report, part: Block) -> dict[str, float]:
    """What a constant code scores, where runs collapsed and a metric ranks it above noise."""
    values = [name for name, shown in report.columns.items() if shown.value.constant_wins]
    path = report.files.dataset(part.dataset).images
    if not values or not path.exists() or not collapse.collapsed(part.runs).any():
        return {}
    return collapse.constant(images_file.read(path).factors, values)


def _pairs(report: Report, part: Block, found: list[Pair], by_tc: list[Pair]) -> dict[str, Any]:
    """The comparisons as text, and what to know of their p; their tables, where there are any."""
    titles = {key: comparisons.title(report.settings, key) for key in part.summary.mean.index}
    for name, pairs in {"pairs": found, "pairs_total_correlation": by_tc}.items():
        if pairs:
            tables.write_pairs(_table(report, part, name), pairs, titles)
    floor = comparisons.floor(found, len(found))
    return {"pairs": tables.pair_cells(found, titles) if found else [], "floor": floor}
