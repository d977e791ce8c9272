"""What is said of two results side by side: the first sentences, and the tables as cells."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from disentbench.report.compare_tables import Compared, title
from disentbench.report.ranking import Shown
from disentbench.report.text import apart, count, fixed, listed, number, places, probability
from disentbench.results import diff
from disentbench.results.diff import Comparison
from disentbench.storage.plain_data import printable

ROWS = 60  # of a table on the page; the file beside it has all

Cut = tuple[list[list[str]], int]
Row = Callable[[Any, dict[str, Shown]], list[str]]


def tables(of: Compared) -> dict[str, Cut]:
    """The first rows of every table as cells, and how many more there are."""
    by_name = of.tables | {"made_by": of.comparison.made_by, "study": of.comparison.study}
    return {name: _cut(table, of, ROW[name]) for name, table in by_name.items()}


def _cut(table: pd.DataFrame, of: Compared, row: Row) -> Cut:
    """Without data sets where there is but one."""
    rows = [row(r, of.values) for r in table.iloc[:ROWS].itertuples()]
    first = 1 if "dataset" in table and not of.several else 0
    return [cells[first:] for cells in rows], max(0, len(table) - ROWS)


def finding(of: Compared) -> str:
    """What the ranking value does, in a sentence or two; empty where nothing was compared."""
    ranking, differences = of.ranking, of.tables["differences"]
    if ranking is None:
        return "None of these values has a better end, so nothing is ranked."
    own = differences[differences["metric"] == ranking.value.name]
    tested = own[own["p"].notna()]
    label = ranking.value.label
    if not len(tested):
        if of.comparison.same or not len(own):
            return ""
        return f"Of {label}, no setting has the runs that an interval of its difference needs."
    n = {word: int((tested["verdict"] == word).sum()) for word in ("clear", "by itself", "open")}
    up = int((tested["difference"] > 0)[tested["verdict"] == "clear"].sum())
    ways = [f"{k} {word} in B" for k, word in ((up, "higher"), (n["clear"] - up, "lower")) if k]
    clearly = f"{n['clear']} clearly ({listed(ways)})" if ways else "none clearly"
    itself = f", {n['by itself']} only if looked at alone" if n["by itself"] else ""
    rest = f", {n['open']} within what the seeds leave open" if n["open"] else ""
    many = count(len(tested), "setting")
    return (
        f"Of {label}, the means of {many} differ, {clearly}{itself}{rest}; clear is what Holm’s "
        f"correction for {many} leaves at p ≤ 0.05."
    )


def held(comparison: Comparison) -> list[tuple[str, str]]:
    """What is in both and in one alone, in words."""
    every = comparison.every
    things = {
        "runs": comparison.runs,
        "values of common runs": comparison.values,
        "settings": _whose(every, diff.SETTING),
        "metrics": _whose(every, ["metric"]),
    }
    return [(name, ", ".join(_counted(table["where"]))) for name, table in things.items()]


def _counted(where: pd.Series) -> list[str]:
    places = {"both": "in both", "a": "in A alone", "b": "in B alone"}
    return [f"{fixed(int((where == key).sum()), 0)} {words}" for key, words in places.items()]


def _whose(every: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Each thing of which there are values, and who has it."""
    sides = every.assign(a=every["where"] != "b", b=every["where"] != "a")
    has = sides.groupby(names)[["a", "b"]].any()
    return pd.DataFrame({"where": np.select([has["a"] & has["b"], has["a"]], ["both", "a"], "b")})


def _label(name: str, values: dict[str, Shown]) -> str:
    """A value with its unit; a standard error, which is no value of its own, by its name."""
    if name not in values:
        return name
    value = values[name].value
    return f"{value.label} ({value.unit})" if value.unit else value.label


def _setting(row: Any) -> list[str]:
    return [row.dataset, title(row.objective, row.setting)]


def _difference_row(row: Any, values: dict[str, Shown]) -> list[str]:
    gap, low, high = row.difference, row.low, row.high
    decimals = apart(places([gap, high - low], most=3), gap, low, high)
    interval = "–" if np.isnan(low) else f"{fixed(low, decimals)} to {fixed(high, decimals)}"
    kind = f"{row.seeds}, {'the same' if row.kind == 'paired' else 'others'}"
    p = [probability(x) if np.isfinite(x) else "–" for x in (row.p, row.p_holm)]
    cells = [_label(row.metric, values), fixed(gap, decimals), interval, kind, *p, row.verdict]
    return [*_setting(row), *cells]


def _summary_row(row: Any, values: dict[str, Shown]) -> list[str]:
    decimals = places([row.mean_a, row.mean_b], most=3)
    cells = [
        cell
        for mean, sd, n in ((row.mean_a, row.sd_a, row.n_a), (row.mean_b, row.sd_b, row.n_b))
        for cell in (_spread(mean, sd, decimals), str(int(n)))
    ]
    return [*_setting(row), _label(row.metric, values), *cells]


def _spread(mean: float, sd: float, decimals: int) -> str:
    return fixed(mean, decimals) + ("" if np.isnan(sd) else f" ± {fixed(sd, decimals)}")


def _order_row(row: Any, values: dict[str, Shown]) -> list[str]:
    decimals = places([row.mean_a, row.mean_b], most=3)
    ranks = [f"{rank:g}" for rank in (row.rank_a, row.rank_b)]
    moved = row.rank_a - row.rank_b
    way = f"{'↑' if moved > 0 else '↓'}\u2009{abs(moved):g}" if moved else "–"
    means = [fixed(mean, decimals) for mean in (row.mean_a, row.mean_b)]
    return [*_setting(row), *means, *ranks, way]


def _agreement_row(row: Any, values: dict[str, Shown]) -> list[str]:
    return [row.dataset, _label(row.metric, values), str(row.settings), fixed(row.tau, 2)]


def _metric_row(row: Any, values: dict[str, Shown]) -> list[str]:
    counts = (row.values, row.differing, row.beyond_rounding, row.lone)
    largest = number(row.largest) if row.largest else "–"
    return [_label(row.metric, values), *(fixed(n, 0) for n in counts), largest, row.run or "–"]


def _alone_row(row: Any, values: dict[str, Shown]) -> list[str]:
    return [*_setting(row), f"{row.where} alone", str(row.runs), row.seeds]


def _answers(row: Any, values: dict[str, Shown]) -> list[str]:
    sides = [" or ".join(answers) or "not said" for answers in (row.a, row.b)]
    return [printable(word) for word in (row.name, *sides)]


ROW: dict[str, Row] = {
    "differences": _difference_row,
    "summaries": _summary_row,
    "order": _order_row,
    "agreement": _agreement_row,
    "metrics": _metric_row,
    "alone": _alone_row,
    "made_by": _answers,
    "study": _answers,
}
