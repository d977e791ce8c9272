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
from disentbench.results import lineage
from disentbench.results.lineage import Lineage
from disentbench.scoring import statistics
from disentbench.storage import tables
from disentbench.storage.plain_data import printable

NAMES = ["dataset", "objective", "setting", "metric"]
RUN = ["dataset", "objective", "setting", "seed"]
TABLES = ("scores.parquet", "scores.csv")
SHOWN = 20  # lines of a list; the rest is counted


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
    values: pd.DataFrame  # of runs in both: RUN, metric, a, b, where, size, differs
    metrics: pd.DataFrame  # metric, values, differing, lone (finite in one alone), largest, run
    means: pd.DataFrame  # NAMES, kind (paired or Welch), seeds, difference, low, high
    origin: pd.DataFrame  # name, a, b: revisions, versions and devices that differ
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
        return tuple(int((each["where"] != "both").sum()) for each in (self.runs, self.values))

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
    sides = read(a), read(b)
    scores = [_of_metrics(side.scores, metrics, sides) for side in sides]
    lineages = [side.lineage for side in sides]
    merged = scores[0].merge(
        scores[1], how="outer", on=[*RUN, "metric"], suffixes=("_a", "_b"), indicator="where"
    )
    merged = merged.rename(columns={"value_a": "a", "value_b": "b"})
    merged["where"] = merged["where"].map({"both": "both", "left_only": "a", "right_only": "b"})
    runs = _runs(*scores)
    together = runs.loc[runs["where"] == "both", RUN]
    values = _sized(merged.merge(together, on=RUN), tolerance)
    return Comparison(
        *(a, b, tolerance, runs, values),
        metrics=_by_metric(values[values["where"] == "both"]),
        means=_without_shared(pd.DataFrame(_means(merged, values), columns=[*NAMES, *MEAN])),
        origin=lineage.origins(*lineages),
        study=lineage.studies(*lineages),
        silent=[side.path for side in sides if not side.lineage.origin],
    )


def read(path: Path) -> Side:
    """The results at a path: a study's folder, or a tidy table as .csv or .parquet."""
    table = path
    if path.is_dir():
        there = [path / name for name in TABLES if (path / name).is_file()]
        if not there:
            raise UserError(f"{path} holds neither {' nor '.join(TABLES)}; name a study's results")
        table = there[0]
    return Side(path, _table(table), lineage.read(path, table))


def _table(path: Path) -> pd.DataFrame:
    """RUN, metric and value of a tidy table, each value once."""
    if path.suffix.lower() not in (".csv", ".parquet") or not path.is_file():
        raise UserError(f"{path} is no results folder and no .csv or .parquet file")
    try:
        tables.require_bounds(path)
        table = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except UserError:
        raise
    except Exception as error:  # a mangled table fails in many ways, all of them the file's
        reason = printable(str(error)) or type(error).__name__
        raise UserError(f"{path} cannot be read as a table: {reason}") from None
    if missing := [name for name in (*RUN, "metric", "value") if name not in table]:
        raise UserError(f"{path} has no column {missing[0]!r}; a tidy table of scores has")
    table = table[[*RUN, "metric", "value"]].copy()
    for column in ("seed", "value"):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UserError(f"{path}: its column {column!r} does not hold numbers")
    table[NAMES] = table[NAMES].astype(str)
    if (twice := table.duplicated([*RUN, "metric"])).any():
        row = table[twice].iloc[0]
        raise UserError(f"{path} has {row['metric']} of {_run(row)} twice; keep one")
    return table


def _csv(path: Path) -> pd.DataFrame:
    """Every digit as it was written, and names that look like missing values as names."""
    table = pd.read_csv(path, dtype=dict.fromkeys([*NAMES, "value"], str), keep_default_na=False)
    if "value" in table:
        table["value"] = [float(each or "nan") for each in table["value"]]
    return table


def _of_metrics(scores: pd.DataFrame, metrics, sides: tuple[Side, Side]) -> pd.DataFrame:
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


def _sized(values: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """How far apart the two values are; infinitely, if one alone is a finite number."""
    a, b = (values[side].to_numpy(float) for side in "ab")
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        size = np.where(equal, 0, np.nan_to_num(np.abs(b - a), nan=np.inf, posinf=np.inf))
    return values.assign(size=size, differs=(size > tolerance) & (values["where"] == "both"))


def _by_metric(values: pd.DataFrame) -> pd.DataFrame:
    """Of each metric how many values differ, and of these the largest difference and its run.

    Those that are finite in one side alone have no size; they are counted apart.
    """
    rows = []
    for metric, own in values.groupby("metric"):
        differing = own[own["differs"]]
        finite = differing[np.isfinite(differing["size"])]
        most = finite.loc[finite["size"].idxmax()] if len(finite) else None
        largest, run = (0.0, "") if most is None else (most["size"], _run(most))
        lone = len(differing) - len(finite)
        rows.append((metric, len(own), len(differing), lone, largest, run))
    return pd.DataFrame(rows, columns=["metric", "values", "differing", "lone", "largest", "run"])


MEAN = ["kind", "seeds", "difference", "low", "high"]


def _means(merged: pd.DataFrame, values: pd.DataFrame) -> Iterator[tuple]:
    """Of each setting and metric that differs, the mean difference with its 95 % interval.

    Paired where two seeds or more are in both, Welch's where no seed is. Standard errors have none.
    """
    own = values.loc[values["where"] == "both"]
    changed = own.groupby(NAMES)["differs"].transform("any").to_numpy(bool)
    for names, group in own[changed & ~_is_error(own)].groupby(NAMES):
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
    return values["metric"].str.endswith("_se").to_numpy(bool)


def text(found: Comparison) -> str:
    """A comparison to be read; the verdict is its first line."""
    parts = [verdict(found), f"A: {found.a}", f"B: {found.b}", *_one_sided(found)]
    differing = found.metrics[found.metrics["differing"] > 0]
    parts += _listed("values that differ, by metric", map(_metric_line, differing.itertuples()))
    means = found.means.iloc[_clearest(found.means)]
    title = "means of settings that differ, B - A, with 95 % intervals"
    parts += _listed(title, map(_mean_line, means.itertuples()))
    parts += _listed("made by, where A and B differ", map(_answer_line, found.origin.itertuples()))
    parts += _listed("studies, where A and B differ", map(_answer_line, found.study.itertuples()))
    parts += [f"nothing says what made {path}" for path in found.silent]
    return "\n".join(map(printable, parts))


def verdict(found: Comparison) -> str:
    """Whether the values of the runs in both are the same, in a sentence."""
    values, runs = len(found.compared), int((found.runs["where"] == "both").sum())
    if not values:
        return "nothing to compare: no value of any run is in both"
    if not len(found.differing):
        same = "identical" if not found.compared["size"].any() else "alike"
        within = "" if same == "identical" else f", none further apart than {found.tolerance:g}"
        words = f"{same}: {_count(values, 'value')} of {_count(runs, 'run')}{within}"
    else:
        metrics = found.metrics
        words = f"{len(found.differing):,} of {_count(values, 'value')} differ"
        most = metrics.loc[metrics["largest"].idxmax()]
        where = f"{most['metric']}, {most['run']}"
        words += _by_at_most(most["largest"], where, int(metrics["lone"].sum()))
    return words + _alone(*found.alone)


def _alone(runs: int, values: int) -> str:
    named = [_count(n, noun) for n, noun in ((runs, "run"), (values, "more value")) if n]
    return f"; {' and '.join(named)} in A or B alone" if named else ""


def _by_at_most(largest: float, where: str, lone: int) -> str:
    """The largest difference and where it is, and how many have no size."""
    words = f", by at most {largest:.3g} ({where})" if largest else ""
    return words + (f"; {lone:,} of them finite in A or B alone" if lone else "")


def _one_sided(found: Comparison) -> list[str]:
    """How many runs and values are in both, and in one alone."""
    lines = []
    for noun, table in (("runs", found.runs), ("values of runs in both", found.values)):
        n = {where: int((table["where"] == where).sum()) for where in ("both", "a", "b")}
        lines.append(f"{noun}: {n['both']:,} in both, {n['a']:,} in A alone, {n['b']:,} in B alone")
    return lines


def _metric_line(row) -> str:
    how_far = _by_at_most(row.largest, row.run, row.lone)
    return f"{row.metric}: {row.differing:,} of {row.values:,}{how_far}"


def _mean_line(row) -> str:
    bounds = f"{row.low:+.3g} to {row.high:+.3g}" if np.isfinite(row.low) else "no interval"
    seeds = f"{row.seeds} common seeds" if row.kind == "paired" else "other seeds, Welch"
    where = f"{row.dataset}/{row.objective}/{row.setting}"
    return f"{where} {row.metric}: {row.difference:+.3g} ({bounds}; {seeds})"


def _answer_line(row) -> str:
    a, b = (" or ".join(each) or "not said" for each in (row.a, row.b))
    return f"{row.name}: {a} | {b}"


def _clearest(means: pd.DataFrame) -> np.ndarray:
    """The order of differences by their size in half widths of their intervals."""
    half = (means["high"] - means["low"]).to_numpy(float) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        clear = np.abs(means["difference"].to_numpy(float)) / half
    return np.argsort(-np.nan_to_num(clear, nan=-1), kind="stable")


def _listed(title: str, lines) -> list[str]:
    """A titled list, cut where it is long; nothing if there is nothing in it."""
    lines = list(lines)
    more = len(lines) - SHOWN
    rest = [f"  and {more:,} more"] if more > 0 else []
    return [title, *(f"  {line}" for line in lines[:SHOWN]), *rest] if lines else []


def _run(row) -> str:
    return f"{row['dataset']}/{row['objective']}/{row['setting']} seed {row['seed']}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
