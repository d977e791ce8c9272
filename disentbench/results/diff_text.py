"""A comparison of two results, in words for the terminal."""

from typing import Any

import numpy as np
import pandas as pd

from disentbench.results.diff import Comparison
from disentbench.results.lists import titled
from disentbench.storage.plain_data import printable

SHOWN = 20  # lines of a list; the rest is counted


def text(comparison: Comparison) -> str:
    """A comparison to be read; the verdict is its first line."""
    parts = [
        verdict(comparison),
        f"A: {comparison.a}",
        f"B: {comparison.b}",
        *_one_sided(comparison),
    ]
    differing = comparison.metrics[comparison.metrics["differing"] > 0]
    means = comparison.means.iloc[clearest(comparison.means)]
    for title, line, table in (
        ("values that differ, by metric", _metric_line, differing),
        ("means of settings that differ, B - A, with 95 % intervals", _mean_line, means),
        ("made by, where A and B differ", _answer_line, comparison.made_by),
        ("studies, where A and B differ", _answer_line, comparison.study),
    ):
        parts += titled(title, map(line, table.itertuples()), SHOWN)
    parts += [f"nothing says what made {path}" for path in comparison.silent]
    return "\n".join(map(printable, parts))


def verdict(comparison: Comparison) -> str:
    """Whether the values of the runs in both are the same, in a sentence."""
    values, runs = len(comparison.compared), int((comparison.runs["where"] == "both").sum())
    if not values:
        return "nothing to compare: no value of any run is in both"
    if not len(comparison.differing):
        same = "identical" if not comparison.compared["size"].any() else "alike"
        within = (
            "" if same == "identical" else f", none further apart than {comparison.tolerance:g}"
        )
        words = f"{same}: {_count(values, 'value')} of {_count(runs, 'run')}{within}"
    else:
        metrics = comparison.metrics
        words = f"{len(comparison.differing):,} of {_count(values, 'value')} differ"
        most = metrics.loc[metrics["largest"].idxmax()]
        where = f"{most['metric']}, {most['run']}"
        words += _by_at_most(most["largest"], where, int(metrics["lone"].sum()))
    return words + _alone(*comparison.alone)


def _alone(runs: int, values: int) -> str:
    named = [_count(n, noun) for n, noun in ((runs, "run"), (values, "more value")) if n]
    return f"; {' and '.join(named)} in A or B alone" if named else ""


def _by_at_most(largest: float, where: str, lone: int) -> str:
    """The largest difference and where it is, and how many have no size."""
    words = f", by at most {largest:.3g} ({where})" if largest else ""
    return words + (f"; {lone:,} of them finite in A or B alone" if lone else "")


def _one_sided(comparison: Comparison) -> list[str]:
    """How many runs and values are in both, and in one alone."""
    lines = []
    for noun, table in (("runs", comparison.runs), ("values of runs in both", comparison.values)):
        n = {where: int((table["where"] == where).sum()) for where in ("both", "a", "b")}
        lines.append(f"{noun}: {n['both']:,} in both, {n['a']:,} in A alone, {n['b']:,} in B alone")
    return lines


def _metric_line(row: Any) -> str:
    how_far = _by_at_most(row.largest, row.run, row.lone)
    return f"{row.metric}: {row.differing:,} of {row.values:,}{how_far}"


def _mean_line(row: Any) -> str:
    bounds = f"{row.low:+.3g} to {row.high:+.3g}" if np.isfinite(row.low) else "no interval"
    seeds = f"{row.seeds} common seeds" if row.kind == "paired" else "other seeds, Welch"
    where = f"{row.dataset}/{row.objective}/{row.setting}"
    return f"{where} {row.metric}: {row.difference:+.3g} ({bounds}; {seeds})"


def _answer_line(row: Any) -> str:
    a, b = (" or ".join(answers) or "not said" for answers in (row.a, row.b))
    return f"{row.name}: {a} | {b}"


def clearest(means: pd.DataFrame) -> np.ndarray:
    """The order of differences by their size in half widths of their intervals."""
    half = (means["high"] - means["low"]).to_numpy(float) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        clear = np.abs(means["difference"].to_numpy(float)) / half
    return np.argsort(-np.nan_to_num(clear, nan=-1), kind="stable")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
