"""The audit of the minibatch estimators: their terms by batch size, beside those of all images.

The table calls the latter `exact`: no minibatch, but the index-code mutual information and the
total correlation have a standard error from the samples of z.
"""

from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullLocator
from pandas.api.typing import DataFrameGroupBy

from disentbench.posterior import terms
from disentbench.posterior.terms import Term
from disentbench.report import style, tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, INK, LINES, Look, canvas
from disentbench.report.text import count, fixed, latex, listed, number
from disentbench.scoring.audit import bias
from disentbench.storage.tables import read_own_table

TERMS = (terms.INDEX_CODE_MI, terms.TOTAL_CORRELATION, terms.DIMENSION_WISE_KL)
LOOKS = {
    "mws": Look("#C4461F", "s"),
    "mss": Look("#1F4E79", "o"),
    "hfvae": Look("#8FBBD9", "D"),
    "exact": Look(INK, ""),
}
NAMES = {"exact": "all images"}
# In the order of drawing; mss lies on hfvae, and both must be seen.
WEIGHTS = {
    "mws": {"markersize": 3.5, "linewidth": 1.2},
    "hfvae": {"markersize": 5.5, "linewidth": 2.4},
    "mss": {"markersize": 2.8, "linewidth": 1.0},
}


class EstimatorRow(NamedTuple):
    """An estimator's biases, term after term by batch size, each with its standard error."""

    estimator: str
    cells: list[tuple[str, str]]


class Audited(NamedTuple):
    """One run: its terms over all images with their errors, and how far off each estimator is."""

    run: str
    exact: list[tuple[str, str]]
    lines: list[EstimatorRow]


def read_audit(path: Path) -> pd.DataFrame | None:
    """The audit of a data set; None where there is none, or no batch size that fits the data."""
    table = read_own_table(path, text=("run",)) if path.exists() else pd.DataFrame()
    if table.empty or (table["estimator"] == "exact").all():
        return None
    return table


def finding(table: pd.DataFrame) -> str:
    """What each estimator makes of the first run's total correlation, from its largest batch."""
    first = table[(table["run"] == table["run"].iloc[0])]
    first = first[first["term"] == terms.TOTAL_CORRELATION.name]
    exact = first.loc[first["estimator"] == "exact", "value"].item()
    estimates = first[first["estimator"] != "exact"]
    largest = estimates[estimates["batch_size"] == estimates["batch_size"].max()]
    said = [f"{number(row.value)} ({row.estimator})" for row in largest.itertuples()]
    run, images = first["run"].iloc[0], count(sizes(table)[-1], "image")
    return (
        f"The total correlation of run {run} is {number(exact)} nats over all images; estimated "
        f"from {images} at a time it comes to {listed(said)}."
    )


def sizes(table: pd.DataFrame) -> list[int]:
    """The batch sizes, from small to large."""
    return sorted(map(int, table.loc[table["estimator"] != "exact", "batch_size"].unique()))


def size_texts(table: pd.DataFrame) -> list[str]:
    """The batch sizes as a reader sees them."""
    return [fixed(float(size), 0) for size in sizes(table)]


def runs(table: pd.DataFrame) -> list[Audited]:
    """The table, a part for each run."""
    columns = [(term.name, size) for term in TERMS for size in sizes(table)]
    return [_run(run, rows, columns) for run, rows in table.groupby("run", sort=False)]


def _run(run: str, rows: pd.DataFrame, columns: list[tuple[str, int]]) -> Audited:
    exact = rows[rows["estimator"] == "exact"].set_index("term")[["value", "se"]]
    off = bias(rows).set_index(["term", "batch_size"])
    lines = [
        EstimatorRow(
            name, [_cell(*pair) for pair in biases[["value", "se"]].reindex(columns).to_numpy()]
        )
        for name, biases in off.groupby("estimator", sort=False)
    ]
    return Audited(run, [_exact(*exact.loc[term.name]) for term in TERMS], lines)


def _exact(value: float, se: float) -> tuple[str, str]:
    """A term over all images and its error; none where it takes no samples."""
    return fixed(value, 2), f"{fixed(se, 2)}" if se >= 0.005 else "< 0.01" if se > 0 else ""


def _cell(value: float, se: float) -> tuple[str, str]:
    return ("+" if value > 0 else "") + fixed(value, 2), fixed(se, 2)


def write(stem: Path, dataset: str, table: pd.DataFrame) -> None:
    """{stem}.csv with every digit of the audit, {stem}.tex of what the page shows of it."""
    columns = ["run", "estimator", "batch_size", "term", "value", "se"]
    tables.write_csv(stem, table[columns].assign(dataset=dataset)[["dataset", *columns]])
    heads = ["run", "estimator"]
    heads += [f"{term.title}, {size}" for term in TERMS for size in size_texts(table)]
    rows = [
        [run.run, line.estimator, *(f"{value} ± {se}" for value, se in line.cells)]
        for run in runs(table)
        for line in run.lines
    ]
    about = f"{dataset}: estimate minus the term over all images, by batch size, ± standard error"
    body = [[latex(cell) for cell in row] for row in rows]
    tables.write_latex(stem, about, heads, body, words=2, most=len(sizes(table)))


def swatches() -> list[tuple[str, str]]:
    """The legend of the page."""
    return [(NAMES.get(name, name), style.swatch(look)) for name, look in LOOKS.items()]


def drawn(table: pd.DataFrame, term: Term) -> Canvas:
    """One term as a figure of its own."""
    figure = canvas(3.3, 2.2)
    draw(figure.add_subplot(), table, term)
    return figure


def draw(ax: Axes, table: pd.DataFrame, term: Term) -> None:
    """A line for each estimator over the batch size, level lines for what is exact.

    Runs differ in their dashes, in the order of the table.
    """
    for dash, (_, run) in zip(cycle(LINES.values()), _runs(table, term.name), strict=False):
        exact = run.loc[run["estimator"] == "exact", "value"].item()
        ax.axhline(exact, color=INK, linewidth=0.9, linestyle=dash, zorder=2)
        for name, weight in WEIGHTS.items():
            rows, (colour, marker, _) = run[run["estimator"] == name], LOOKS[name]
            x, y = rows["batch_size"], rows["value"]
            ax.plot(x, y, color=colour, marker=marker, linestyle=dash, **weight)
    at = sizes(table)
    ax.set_xscale("log")
    ax.set_xlim(at[0] / 1.4, at[-1] * 1.4)
    ax.set_xticks(at, size_texts(table))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(y=0.12)
    ax.grid(axis="y", color=HAIR, linewidth=0.5)
    ax.set_title(term.title)
    ax.set_xlabel("batch size")
    ax.set_ylabel("nats per image")


def _runs(table: pd.DataFrame, term: str) -> DataFrameGroupBy:
    return table[table["term"] == term].groupby("run", sort=False)


def dashes(table: pd.DataFrame) -> list[str]:
    """How the lines of several runs differ."""
    names = table["run"].unique()
    pairs = zip(names, cycle(LINES), strict=False)
    return [f"{run}: {line}" for run, line in pairs] if len(names) > 1 else []


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The minibatch estimators of the loss beside the exact terms, where they were audited."""
    table = read_audit(report.files.dataset(block.dataset).audit)
    if table is None:
        return None
    name = f"{block.dataset}_audit"
    write(report.folder.table(name), block.dataset, table)
    return {
        "finding": finding(table),
        "legend": swatches(),
        "dashes": dashes(table),
        "sizes": size_texts(table),
        "panels": [
            panel(report, drawn(table, term), f"{name}_{term.name}", f"{term.title} by batch size")
            for term in TERMS
        ],
        "terms": [term.short for term in TERMS],
        "runs": runs(table),
    }


figure = Figure(
    section,
    heading="Audit of the estimators",
    nav="Audit",
    place=60,
    template="audit.html",
    absent="Not audited: no run has been, or no batch of the audit fits so few images.",
)
