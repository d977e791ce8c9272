"""Two results side by side as tables: differences and how clear they are, ranks, summaries.

They are computed from what `disentbench diff` compares; differences are B minus A.
"""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from disentbench import plugins
from disentbench.metrics import Value, is_error
from disentbench.posterior import terms
from disentbench.report.comparisons import LEVEL
from disentbench.report.ranking import Shown
from disentbench.report.text import symbol
from disentbench.results.diff import NAMES, Comparison
from disentbench.results.diff_text import clearest
from disentbench.results.tidy import SETTING
from disentbench.scoring import statistics

PROMINENT = 4  # values with figures of their own, and the distortion, which a gain may cost
ROUNDING = 1e-9  # of the larger of two values, up to which rounding may set them apart


class Compared(NamedTuple):
    """Two results with all that the page says of them; the tables have every row and digit."""

    comparison: Comparison
    values: dict[str, Shown]
    ranking: Shown | None  # the first value that has a better end
    tables: dict[str, pd.DataFrame]  # by the name of its file

    @property
    def several(self) -> bool:
        """Whether there are several data sets."""
        return self.comparison.every["dataset"].nunique() > 1

    @property
    def prominent(self) -> list[Shown]:
        """The values with figures: what ranks, the familiar, and the distortion."""
        first = [self.ranking.value.name] if self.ranking else []
        names = list(dict.fromkeys([*first, *self.values]))
        rest = [name for name in names[PROMINENT:] if name == terms.DISTORTION.name]
        return [self.values[name] for name in names[:PROMINENT] + rest]


def compared(comparison: Comparison) -> Compared:
    """The tables of a comparison, by the names of their files."""
    values = shown(comparison.every["metric"].unique())
    directed = {name: of for name, of in values.items() if of.value.better != "neither"}
    ranking = next(iter(directed.values()), None)
    summary = summaries(comparison, list(values))
    tables = {
        "differences": differences(comparison),
        "summaries": summary,
        "order": order(summary, ranking),
        "agreement": agreement(summary, directed),
        "metrics": metrics(comparison),
        "alone": alone(comparison),
    }
    return Compared(comparison, values, ranking, tables)


def shown(names: Iterable[str]) -> dict[str, Shown]:
    """The values of two results by name, the familiar first; standard errors are left out.

    What the registry knows has its label and unit, the rest its own name and no better end.
    """
    names = [name for name in names if not is_error(name)]
    givers = {value: name for value, name in plugins.values().items() if value in names}
    metrics = {name: plugins.load("metrics", name) for name in set(givers.values())}
    of = {
        value.name: Shown(value, metric) for metric in metrics.values() for value in metric.values
    }
    unknown = {
        name: Shown(Value(name, name, -math.inf, math.inf, "neither"), None)
        for name in names
        if name not in of
    }
    known = {name: of.get(name) or unknown[name] for name in names}
    return dict(sorted(known.items(), key=lambda item: item[1].value.prominence or math.inf))


def differences(comparison: Comparison) -> pd.DataFrame:
    """The difference of means, B - A, of each setting and value that differs, the clearest first.

    `p` is two-sided, of Student's test of the paired differences or of Welch's, as the interval is;
    `p_holm` is corrected for the settings of the value; NaN where there is no interval.
    """
    table = comparison.means.iloc[clearest(comparison.means)].reset_index(drop=True)
    tests = pd.DataFrame({"paired": _paired(comparison.values), "Welch": _welch(comparison.every)})
    keys = [*table[NAMES].itertuples(index=False, name=None)]
    p = [
        tests[kind].get(key, math.nan) if math.isfinite(low) else math.nan
        for key, kind, low in zip(keys, table["kind"], table["low"], strict=True)
    ]
    table = table.assign(p=np.array(p, float), p_holm=math.nan)
    for rows in table.groupby("metric").indices.values():
        table.loc[rows, "p_holm"] = statistics.holm(table["p"].to_numpy()[rows])
    return table.assign(verdict=_verdicts(table))


def _paired(values: pd.DataFrame) -> pd.Series:
    """Student's p of the differences of common seeds, by setting and value."""
    gaps = (values["b"] - values["a"]).replace([np.inf, -np.inf], np.nan)
    by = gaps.groupby([values[name] for name in NAMES])
    mean, sd, n = by.mean(), by.std(), by.count()
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean.abs() / (sd / np.sqrt(n))
    return pd.Series(2 * stats.t.sf(t, n - 1), mean.index)


def _welch(every: pd.DataFrame) -> pd.Series:
    """Welch's p of the two means, by setting and value."""
    sides = every[[*NAMES, "a", "b"]].replace([np.inf, -np.inf], np.nan).groupby(NAMES)
    mean, sd, n = sides.mean(), sides.std(), sides.count()
    two = (x.to_numpy(float) for side in "ba" for x in (mean[side], sd[side], n[side]))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stats.ttest_ind_from_stats(*two, equal_var=False).pvalue
    still = (sd["a"] == 0) & (sd["b"] == 0)  # of samples that do not vary the difference is exact
    return pd.Series(np.where(still, np.where(mean["a"] == mean["b"], 1.0, 0.0), p), mean.index)


def _verdicts(table: pd.DataFrame) -> np.ndarray:
    """`clear` after the correction, `by itself` without it, `open`, or why nothing is said."""
    return np.select(
        [table["low"].isna(), table["p_holm"] <= LEVEL, table["p"] <= LEVEL],
        ["no interval", "clear", "by itself"],
        "open",
    )


def summaries(comparison: Comparison, names: list[str]) -> pd.DataFrame:
    """Mean, sd and n of the finite values of each side, by setting and value, in this order."""
    every = comparison.every[comparison.every["metric"].isin(names)]
    sides = every[[*NAMES, "a", "b"]].replace([np.inf, -np.inf], np.nan).groupby(NAMES, sort=False)
    parts = {"mean": sides.mean(), "sd": sides.std(), "n": sides.count()}
    columns = {f"{what}_{side}": parts[what][side] for side in "ab" for what in parts}
    places = {name: place for place, name in enumerate(names)}
    table = pd.DataFrame(columns).reset_index()
    return table.sort_values("metric", key=lambda of: of.map(places), kind="stable")


def order(summary: pd.DataFrame, ranking: Shown | None) -> pd.DataFrame:
    """The settings that have a mean of the ranking value in both, with their ranks; 1 is the best.

    Ranks are within a data set, ties share the mean of theirs.
    """
    value = ranking.value if ranking else None
    own = summary[summary["metric"] == value.name] if value else summary.iloc[:0]
    both = own.dropna(subset=["mean_a", "mean_b"])
    within, rising = both.groupby("dataset", sort=False), bool(value and value.better == "lower")
    ranks = {f"rank_{side}": within[f"mean_{side}"].rank(ascending=rising) for side in "ab"}
    ranked = both.assign(**ranks)
    return ranked.sort_values(["dataset", "rank_b", "rank_a"], kind="stable", ignore_index=True)


def agreement(summary: pd.DataFrame, values: dict[str, Shown]) -> pd.DataFrame:
    """Kendall's tau-b of the settings' means in A and in B, of each value and data set.

    1 where both order the settings alike, -1 where one turns the other round; of two settings or
    more, and NaN where all means of a side are equal.
    """
    rows = []
    for name in values:
        both = summary[summary["metric"] == name].dropna(subset=["mean_a", "mean_b"])
        for dataset, of in both.groupby("dataset", sort=False):
            if len(of) > 1:
                tau = stats.kendalltau(of["mean_a"], of["mean_b"]).statistic
                rows.append((name, dataset, len(of), float(tau)))
    return pd.DataFrame(rows, columns=["metric", "dataset", "settings", "tau"])


def metrics(comparison: Comparison) -> pd.DataFrame:
    """The metrics of which values differ, and how many by more than 1e-9 of the larger value."""
    values, table = comparison.differing, comparison.metrics
    larger = np.maximum(values["a"].abs(), values["b"].abs())
    far = (~(values["size"] <= ROUNDING * larger)).groupby(values["metric"]).sum()
    table = table.assign(beyond_rounding=table["metric"].map(far).fillna(0).astype(int))
    return table[table["differing"] > 0].sort_values("differing", ascending=False, kind="stable")


def alone(comparison: Comparison) -> pd.DataFrame:
    """The runs in one side alone: a row for each setting and side, with its seeds in words."""
    runs = comparison.runs[comparison.runs["where"] != "both"]
    seeds = runs.groupby([*SETTING, "where"], sort=False)["seed"]
    table = pd.DataFrame({"runs": seeds.size(), "seeds": seeds.agg(spans)})
    return table.reset_index().assign(where=lambda t: t["where"].str.upper())


def spans(seeds: Iterable[int]) -> str:
    """Seeds with what follows each other joined: `0–4, 7`."""
    parts: list[list[int]] = []
    for seed in sorted(map(int, seeds)):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1][1:] = [seed]
        else:
            parts.append([seed])
    return ", ".join("–".join(map(str, ends)) for ends in parts)


def title(objective: str, setting: str) -> str:
    """A setting for readers, `β-TCVAE (β = 4)`, as far as its names tell."""
    known = objective in plugins.names("objectives")
    label = plugins.load("objectives", objective).label if known else objective
    swept = re.findall(r"(?:^|_)([A-Za-z]\w*?)-(.+?)(?=_[A-Za-z]\w*?-|$)", setting)
    if setting == "default":
        return label
    if "_".join(f"{key}-{value}" for key, value in swept) != setting:
        return f"{label} ({setting})"
    return f"{label} ({', '.join(f'{symbol(key)} = {value}' for key, value in swept)})"
