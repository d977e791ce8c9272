"""Two sets of results side by side: which values differ, by how much, and what made them.

A and B are results folders of a study or tidy tables. A value is that of one metric of one run, and
runs are the same when data set, objective, setting and seed are. Differences are B minus A.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.metrics import is_error
from disentbench.results import lineage
from disentbench.results.lineage import Lineage, read_lineage
from disentbench.results.tidy import RUN, SETTING, read_scores, run_name
from disentbench.scoring import statistics
from disentbench.storage import tables
from disentbench.storage.layout import StudyFolder

NAMES = [*SETTING, "metric"]


class Side(NamedTuple):
    """One of two results: its scores, and what made them."""

    path: Path
    scores: pd.DataFrame  # columns RUN, metric, value
    lineage: Lineage


@dataclass(frozen=True)
class Comparison:
    """What two results have in common and where they differ; tables with one row for each case."""

    a: Path
    b: Path
    tolerance: float
    runs: pd.DataFrame  # RUN, where: both, a or b
    every: pd.DataFrame  # of all runs: RUN, metric, a, b, where
    values: pd.DataFrame  # of runs in both: RUN, metric, a, b, where, size, differs
    metrics: pd.DataFrame  # metric, values, differing, lone (finite in one alone), largest, run
    means: pd.DataFrame  # NAMES, kind (paired or Welch), seeds, difference, low, high
    made_by: pd.DataFrame  # name, a, b: revisions, versions and devices that differ
    study: pd.DataFrame  # name, a, b: keys of the studies that differ
    silent: list[Path]  # sides that do not say what made them

    @property
    def compared(self) -> pd.DataFrame:
        return self.values[self.values["where"] == "both"]

    @property
    def differing(self) -> pd.DataFrame:
        return self.compared[self.compared["differs"]]

    @property
    def alone(self) -> tuple[int, int]:
        """Runs, and values of runs in both, that one side alone has."""
        runs, values = (int((table["where"] != "both").sum()) for table in (self.runs, self.values))
        return runs, values

    @property
    def same(self) -> bool:
        """Whether both have the same runs with the same values."""
        return not (len(self.differing) or any(self.alone))


def compare(
    a: Path, b: Path, metrics: Sequence[str] | None = None, tolerance: float = 0.0
) -> Comparison:
    """Compare two results; values that differ by more than `tolerance` differ.

    Raises a UserError for a path that holds no results and for a metric that neither has.
    """
    sides = read_side(a), read_side(b)
    scores = [_of_metrics(side.scores, metrics, sides) for side in sides]
    lineages = [side.lineage for side in sides]
    merged = scores[0].merge(
        scores[1], how="outer", on=[*RUN, "metric"], suffixes=("_a", "_b"), indicator="where"
    )
    merged = merged.rename(columns={"value_a": "a", "value_b": "b"})
    merged["where"] = merged["where"].map({"both": "both", "left_only": "a", "right_only": "b"})
    runs = _runs(*scores)
    together = runs.loc[runs["where"] == "both", RUN]
    values = sized(merged.merge(together, on=RUN), tolerance)
    return Comparison(
        *(a, b, tolerance, runs, merged, values),
        metrics=_by_metric(values[values["where"] == "both"]),
        means=_without_shared(pd.DataFrame(_means(merged, values), columns=[*NAMES, *MEAN])),
        made_by=lineage.makers(*lineages),
        study=lineage.studies(*lineages),
        silent=[side.path for side in sides if not side.lineage.made_by],
    )


def read_side(path: Path) -> Side:
    """The results at a path: a study's folder, or a tidy table as .csv or .parquet."""
    table = path
    if path.is_dir():
        either = StudyFolder(path).table, StudyFolder(path).scores
        there = [table for table in either if table.is_file()]
        if not there:
            names = " nor ".join(table.name for table in either)
            raise UserError(f"{path} holds neither {names}; name a study's results")
        table = there[0]
    elif path.suffix.lower() not in (".csv", ".parquet") or not path.is_file():
        raise UserError(f"{path} is no results folder and no .csv or .parquet file")
    tables.require_bounds(table)
    return Side(path, read_scores(table), read_lineage(path, table))


def _of_metrics(
    scores: pd.DataFrame, metrics: Sequence[str] | None, sides: tuple[Side, Side]
) -> pd.DataFrame:
    if metrics is None:
        return scores
    there = sorted({name for side in sides for name in side.scores["metric"]})
    if unknown := [name for name in metrics if name not in there]:
        raise UserError(f"no metric named {unknown[0]!r} in either; there are {', '.join(there)}")
    return scores[scores["metric"].isin(metrics)]


def _runs(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Every run, and who has it."""
    runs = a[RUN].drop_duplicates().merge(b[RUN].drop_duplicates(), how="outer", indicator="where")
    runs["where"] = runs["where"].map({"both": "both", "left_only": "a", "right_only": "b"})
    return runs


def sized(values: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """How far apart the two values are; infinitely, if one alone is a finite number."""
    a, b = (values[side].to_numpy(float) for side in "ab")
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        size = np.where(equal, 0, np.nan_to_num(np.abs(b - a), nan=np.inf, posinf=np.inf))
    return values.assign(size=size, differs=(size > tolerance) & (values["where"] == "both"))


def _by_metric(values: pd.DataFrame) -> pd.DataFrame:
    """How many values of each metric differ, and of these the largest difference and its run.

    Those that are finite in one side alone have no size; they are counted apart.
    """
    rows = []
    for metric, own in values.groupby("metric"):
        differing = own[own["differs"]]
        finite = differing[np.isfinite(differing["size"])]
        most = finite.loc[finite["size"].idxmax()] if len(finite) else None
        largest, run = (0.0, "") if most is None else (most["size"], run_name(list(most[RUN])))
        lone = len(differing) - len(finite)
        rows.append((metric, len(own), len(differing), lone, largest, run))
    return pd.DataFrame(rows, columns=["metric", "values", "differing", "lone", "largest", "run"])


MEAN = ["kind", "seeds", "difference", "low", "high"]


def _means(merged: pd.DataFrame, values: pd.DataFrame) -> Iterator[tuple]:
    """The mean difference of each setting and metric that differs, with its 95 % interval.

    Paired where two seeds or more are in both, Welch's where no seed is. Standard errors have none.
    """
    common = values.loc[values["where"] == "both"]
    changed = common.groupby(NAMES)["differs"].transform("any").to_numpy(bool)
    for names, group in common[changed & ~_is_error(common)].groupby(NAMES):
        gaps = (group["b"] - group["a"]).to_numpy(float)
        if (seeds := int(np.isfinite(gaps).sum())) >= 2:
            yield (*names, "paired", seeds, *statistics.interval(gaps))
    sides = merged.groupby(NAMES)["where"].transform(lambda where: "".join(sorted(set(where))))
    for names, group in merged[(sides == "ab") & ~_is_error(merged)].groupby(NAMES):
        a, b = (group.loc[group["where"] == side, side].to_numpy(float) for side in "ab")
        yield (*names, "Welch", min(len(a), len(b)), *statistics.difference(b, a))


def _without_shared(means: pd.DataFrame) -> pd.DataFrame:
    """Values that runs share in have no interval."""
    means.loc[means["metric"].isin(plugins.shared_values()), ["low", "high"]] = np.nan
    return means


def _is_error(values: pd.DataFrame) -> np.ndarray:
    return values["metric"].map(is_error).to_numpy(bool)
