"""The tables: as cells for the page, and as CSV and LaTeX beside it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.posterior import terms
from disentbench.report.comparisons import Pair
from disentbench.report.ranking import Rule, Shown
from disentbench.report.runs import Block, Key
from disentbench.report.tabular import COLUMNS, tabulars
from disentbench.report.text import apart, fixed, latex, places, probability, two_digits
from disentbench.scoring.statistics import maybe_best
from disentbench.storage.files import whole

BOLD = "what may be the best of its column"
BESIDE = (terms.DISTORTION.name, "active_units")  # what is always read beside a score


class Cell(NamedTuple):
    """The mean over seeds of one value, its spread and its interval, as text.

    `best`: it may be the column's best, as far as the seeds tell.
    """

    mean: str
    sd: str
    interval: str
    n: int
    best: bool


class SettingRow(NamedTuple):
    """A setting's row: of how many of the runs that were planned it is."""

    objective: str
    label: str
    text: str
    n: int
    planned: int
    cells: list[Cell]


def lines(
    block: Block,
    rows: list[Key],
    values: dict[str, Shown],
    settings: pd.DataFrame,
    *,
    leaders: list[Key] | None = None,
) -> list[SettingRow]:
    """A row for each (objective, setting); in each column those that may be the best are marked.

    `leaders` are those of the value that ranks, where pairs of the rows are compared by it.
    """
    tables = [table.reindex(rows)[list(values)] for table in block.summary]
    columns = [
        _column([table[name].to_numpy() for table in tables], shown, block.needed)
        for name, shown in values.items()
    ]
    if leaders is not None and block.rule and block.rule.name in values:
        column = list(values).index(block.rule.name)
        marked = zip(columns[column], rows, strict=True)
        columns[column] = [cell._replace(best=key in leaders) for cell, key in marked]
    n = tables[2].max(axis=1).fillna(0).astype(int)
    words = settings.loc[rows, ["label", "text"]].to_numpy().tolist()
    cells = zip(*columns, strict=True)
    return [
        SettingRow(key[0], label, text, int(runs), block.planned, list(row))
        for key, (label, text), runs, row in zip(rows, words, n, cells, strict=True)
    ]


def _column(summary: list[np.ndarray], shown: Shown, needed: int) -> list[Cell]:
    mean, sd, n, low, high = summary
    decimals = places(mean, most=3)
    sign = {"higher": 1, "lower": -1, "neither": 0}[shown.value.better]
    ranked = sign and not shown.shared
    best = _best(sign * mean, sd, n, needed) if ranked else np.zeros(len(mean), bool)
    return [
        Cell(
            fixed(m, decimals),
            "" if np.isnan(s) else fixed(s, decimals),
            "" if np.isnan(l) else f"{fixed(l, decimals)} to {fixed(h, decimals)}",
            int(np.nan_to_num(k)),
            bool(b),
        )
        for m, s, k, l, h, b in zip(mean, sd, n, low, high, best, strict=True)
    ]


def _best(mean: np.ndarray, sd: np.ndarray, n: np.ndarray, needed: int) -> np.ndarray:
    """The rows that may have the best true mean; in 95 % of studies it is one of them.

    None where there is but one mean of enough runs to compare, or one run of each.
    """
    best = np.zeros(len(mean), bool)
    enough = np.isfinite(mean) & np.isfinite(sd) & (np.nan_to_num(n) >= max(needed, 2))
    if enough.sum() > 1:
        rng = np.random.default_rng(0)
        best[enough] = maybe_best(mean[enough], sd[enough], n[enough].astype(int), rng=rng)
    return best


def write(
    stem: Path,
    block: Block,
    rows: list[Key],
    values: dict[str, Shown],
    settings: pd.DataFrame,
    *,
    leaders: list[Key] | None = None,
) -> None:
    """{stem}.csv with every digit, {stem}.tex to be read by a paper that uses booktabs."""
    write_csv(stem, placed(_tidy(block, rows, values, settings), block.dataset, settings))
    heads = ["objective", "setting", "n", *(_head(shown) for shown in values.values())]
    body = [_latex_row(line) for line in lines(block, rows, values, settings, leaders=leaders)]
    about = f"{block.dataset}: mean ± sd over n of the planned runs; bold: {BOLD}"
    write_latex(stem, about, heads, body, words=3)


def compact(values: dict[str, Shown], chosen: Rule | None) -> dict[str, Shown]:
    """What a paper's table needs: the value that ranks, the distortion and the active units."""
    names = [chosen.name if chosen else "", *BESIDE]
    return {name: values[name] for name in names if name in values} or values


def _head(shown: Shown) -> str:
    """A value's label with its unit."""
    value = shown.value
    return f"{value.label} ({value.unit})" if value.unit else value.label


def placed(table: pd.DataFrame, dataset: str, settings: pd.DataFrame) -> pd.DataFrame:
    """A table with its data set first, and what a setting sweeps beside its name, a column each.

    Of pairs of settings, the columns of the second begin with `other_`; what is swept under the
    name of another column with `swept_`.
    """
    swept = pd.DataFrame(list(settings["point"]), settings.index)
    table = table.copy()
    for side in ("", "other_"):
        names = [f"{side}objective", f"{side}setting"]
        if not set(names) <= set(table):
            continue
        points = swept.add_prefix(side).reindex(pd.MultiIndex.from_frame(table[names]))
        for place, (name, column) in enumerate(points.items(), table.columns.get_loc(names[1])):
            free = f"swept_{name}" if name in table else name
            table.insert(place + 1, free, column.to_numpy())
    table.insert(0, "dataset", dataset)
    return table


def write_csv(stem: Path, table: pd.DataFrame) -> None:
    """{stem}.csv, every number to its last digit."""
    with whole(stem.with_suffix(".csv")) as path:
        table.to_csv(path, index=False)


def write_latex(
    stem: Path,
    about: str,
    heads: list[str],
    rows: list[list[str]],
    *,
    words: int = 1,
    most: int = COLUMNS,
) -> None:
    """{stem}.tex of cells that are LaTeX, the first columns words and the others numbers.

    `heads` are plain text. A table of more than so many columns of numbers is several.
    """
    with whole(stem.with_suffix(".tex")) as path:
        path.write_text(tabulars(about, heads, rows, labels=words, most=most), encoding="utf-8")


def _tidy(
    block: Block, rows: list[Key], values: dict[str, Shown], settings: pd.DataFrame
) -> pd.DataFrame:
    """A row for each setting and value: mean, sd, n of the runs planned, and the interval."""
    names = ("mean", "sd", "n", "low_95", "high_95")
    tables = [t.reindex(rows)[list(values)] for t in block.summary]
    long = pd.concat(
        [t.stack(future_stack=True).rename(n) for n, t in zip(names, tables, strict=True)], axis=1
    )
    long = long.rename_axis(["objective", "setting", "value"]).reset_index()
    labels = settings["label"].rename("label")
    long = long.join(labels, on=["objective", "setting"])
    return long.assign(n=long["n"].fillna(0).astype(int), planned=block.planned)


def _latex_row(line: SettingRow) -> list[str]:
    cells = [
        (rf"\textbf{{{latex(c.mean)}}}" if c.best else latex(c.mean))
        + (rf" $\pm$ {latex(c.sd)}" if c.sd else "")
        + (f" ({c.n} of {line.planned})" if c.n != line.n else "")
        for c in line.cells
    ]
    return [latex(line.label), latex(line.text), f"{line.n} of {line.planned}", *cells]


def pair_cells(pairs: list[Pair], titles: dict[Key, str]) -> list[list[str]]:
    """The comparisons as text, alike in their decimals but where a bound would look like 0."""
    widths = [pair.difference.high - pair.difference.low for pair in pairs]
    known = np.isfinite(widths).any()
    usual = places(widths if known else [pair.difference.mean for pair in pairs])
    return [
        [titles[pair.first], titles[pair.second], f"{pair.n[0]}, {pair.n[1]}"]
        + _difference(pair, apart(usual, *pair.difference))
        + [f"{fixed(pair.wins, int(pair.wins % 1 > 0))} of {fixed(float(pair.of), 0)}"]
        + [fixed(pair.effect, 1), "–" if pair.seeds is None else fixed(two_digits(pair.seeds), 0)]
        + [probability(p) for p in (pair.p, pair.permutation)]
        + ["clear" if pair.clear else "open"]
        for pair in pairs
    ]


def _difference(pair: Pair, decimals: int) -> list[str]:
    """The difference and its interval."""
    mean, low, high = (fixed(value, decimals) for value in pair.difference)
    return [mean, "–" if low == high == "–" else f"{low} to {high}"]


def write_pairs(
    stem: Path, dataset: str, pairs: list[Pair], titles: dict[Key, str], settings: pd.DataFrame
) -> None:
    """{stem}.csv and {stem}.tex of the comparisons."""
    rows = [
        [
            *(*pair.first, *pair.second, *pair.n, *pair.difference),
            *(pair.level, pair.wins, pair.of, *pair.improvement, pair.effect, pair.seeds),
            *(pair.p, pair.permutation, pair.lowest, pair.clear),
        ]
        for pair in pairs
    ]
    columns = [
        *("objective", "setting", "other_objective", "other_setting", "n", "other_n"),
        *("difference", "low_95", "high_95", "level", "wins", "pairs"),
        *("improvement", "improvement_low_95", "improvement_high_95", "hedges_g", "seeds_needed"),
        *("p", "p_permutation_holm", "lowest_p", "clear"),
    ]
    write_csv(stem, placed(pd.DataFrame(rows, columns=columns), dataset, settings))
    interval = "95\u00a0% interval"
    heads = ["first", "second", "n", "difference", interval, "wins", "g", "seeds needed"]
    heads += ["p", "p (permutation)", "lead"]
    body = [[latex(cell) for cell in row] for row in pair_cells(pairs, titles)]
    about = f"{dataset}: differences in favour of the first"
    write_latex(stem, about, heads, body, words=2, most=len(heads))
