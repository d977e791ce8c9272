"""The tables: as cells for the page, and as CSV and LaTeX beside it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.files import whole
from disentbench.report.runs import Block, Shown
from disentbench.report.text import fixed, latex, places


class Cell(NamedTuple):
    """The mean over seeds of one value, its spread and its interval, as text."""

    mean: str
    sd: str
    interval: str
    n: int
    best: bool


class Line(NamedTuple):
    """A setting's row."""

    objective: str
    label: str
    text: str
    n: int
    cells: list[Cell]


def lines(
    part: Block, rows: list[tuple], values: dict[str, Shown], settings: pd.DataFrame
) -> list[Line]:
    """A row for each (objective, setting); the best mean of a column among them is marked."""
    tables = [table.reindex(rows)[list(values)] for table in part.summary]
    columns = [
        _column([table[name].to_numpy() for table in tables], shown)
        for name, shown in values.items()
    ]
    n = tables[2].max(axis=1).fillna(0).astype(int)
    return [
        Line(key[0], *settings.loc[key, ["label", "text"]], int(runs), list(cells))
        for key, runs, cells in zip(rows, n, zip(*columns, strict=True), strict=True)
    ]


def _column(summary: list[np.ndarray], shown: Shown) -> list[Cell]:
    mean, sd, n, low, high = summary
    decimals = places(mean, most=3)
    best = _best(mean, shown)
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


def _best(mean: np.ndarray, shown: Shown) -> np.ndarray:
    """Which means are the best of a column; none where neither end is better or all are gone."""
    sign = {"higher": 1, "lower": -1, "neither": 0}[shown.value.better]
    if not sign or len(mean) < 2 or np.isnan(mean).all():
        return np.zeros(len(mean), bool)
    return sign * mean == np.nanmax(sign * mean)


def write(
    stem: Path, part: Block, rows: list[tuple], values: dict[str, Shown], settings: pd.DataFrame
) -> None:
    """{stem}.csv with every digit, {stem}.tex to be read by a paper that uses booktabs."""
    with whole(stem.with_suffix(".csv")) as path:
        _tidy(part, rows, values, settings).to_csv(path, index=False)
    with whole(stem.with_suffix(".tex")) as path:
        path.write_text(_booktabs(lines(part, rows, values, settings), values), encoding="utf-8")


def _tidy(part: Block, rows: list[tuple], values, settings: pd.DataFrame) -> pd.DataFrame:
    """A row for each setting and value: mean, sd, n and the interval."""
    names = ("mean", "sd", "n", "low_95", "high_95")
    tables = [t.reindex(rows)[list(values)] for t in part.summary]
    long = pd.concat(
        [t.stack(future_stack=True).rename(n) for n, t in zip(names, tables, strict=True)], axis=1
    )
    long = long.rename_axis(["objective", "setting", "value"]).reset_index()
    labels = settings["label"].rename("label")
    return long.join(labels, on=["objective", "setting"]).assign(n=long["n"].fillna(0).astype(int))


def _booktabs(shown: list[Line], values: dict[str, Shown]) -> str:
    heads = ["objective", "setting", "$n$", *(latex(v.value.label) for v in values.values())]
    body = "\n".join(_latex_row(line) for line in shown)
    return "\n".join(
        [
            "% mean ± sd over n seeds; \\usepackage{booktabs}",
            rf"\begin{{tabular}}{{ll{'r' * (len(values) + 1)}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _latex_row(line: Line) -> str:
    cells = [
        (rf"\textbf{{{latex(c.mean)}}}" if c.best else latex(c.mean))
        + (rf" $\pm$ {latex(c.sd)}" if c.sd else "")
        for c in line.cells
    ]
    return " & ".join([latex(line.label), latex(line.text), str(line.n), *cells]) + r" \\"
