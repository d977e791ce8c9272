"""What the numbers say in a sentence or two, and how sure the order of the objectives is."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench import statistics
from disentbench.report.runs import Block, Rule
from disentbench.report.text import fixed, listed, number, places

MOST = 8  # objectives of which every pair is compared


class Pair(NamedTuple):
    """Two objectives at their best settings: a's scores against b's."""

    a: str
    b: str
    difference: statistics.Interval
    improvement: float
    p: float
    corrected: float  # p, corrected for the number of pairs


def finding(part: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[str]:
    """Which objective leads, whether its lead is clear of the others, where the TC is lowest."""
    if not part.best:
        return ["No run of this data set has a score."]
    return [
        _leader(part, chosen, settings),
        *_contest(part, chosen, settings),
        *_least_tc(part, chosen, settings),
    ]


def title(settings: pd.DataFrame, key: tuple[str, str]) -> str:
    """An objective with its setting, as in `β-TCVAE (β = 4)`."""
    label, text = settings.loc[key, ["label", "text"]]
    if not text:
        return label
    return f"{label[:-1]}, {text})" if label.endswith(")") else f"{label} ({text})"


def _leader(part: Block, chosen: Rule, settings: pd.DataFrame) -> str:
    first = part.best[0]
    end = "highest" if chosen.sign > 0 else "lowest"
    numbers = spoken(part, first, chosen.name)
    if len(part.best) == 1:
        return f"{title(settings, first)} reaches a mean {chosen.label} of {numbers}."
    return f"{title(settings, first)} has the {end} mean {chosen.label}: {numbers}."


def spoken(part: Block, key: tuple[str, str], value: str) -> str:
    """A mean with its interval and n, for a sentence."""
    mean, low, high = (table.loc[key, value] for table in (part.summary.mean, *part.summary[3:]))
    n = int(part.summary.n.loc[key, value])
    if n < 2:
        return f"{number(mean)} (one seed, so no interval)"
    decimals = places(mean, most=3)
    low, high = fixed(low, decimals), fixed(high, decimals)
    return f"{fixed(mean, decimals)} (95\u00a0% interval {low} to {high}, n\u00a0=\u00a0{n})"


def _contest(part: Block, chosen: Rule, settings: pd.DataFrame) -> list[str]:
    first, *others = part.best
    if not others:
        return []
    n = part.summary.n[chosen.name]
    if any(n[key] < 2 for key in part.best):
        return ["With a single seed an order of the objectives says nothing about the next seed."]
    near = [settings.loc[key, "label"] for key in others if _overlap(part, first, key, chosen.name)]
    if not near:
        return ["Its interval lies clear of every other objective's."]
    if len(near) == len(others):
        return ["Its interval overlaps that of every other objective: these seeds settle no order."]
    return [f"Its interval overlaps that of {listed(near)}, so these seeds do not settle the lead."]


def _overlap(part: Block, a: tuple, b: tuple, value: str) -> bool:
    low, high = part.summary.low[value], part.summary.high[value]
    return bool(low[a] <= high[b] and low[b] <= high[a])


def _least_tc(part: Block, chosen: Rule, settings: pd.DataFrame) -> list[str]:
    if chosen.name == "total_correlation" or "total_correlation" not in part.summary.mean:
        return []
    tc = part.summary.mean["total_correlation"].loc[part.best].dropna()
    if len(tc) < 2:
        return []
    least = tc.index[tc.to_numpy().argmin()]
    where = spoken(part, least, "total_correlation").replace(" (", " nats (", 1)
    shared = [key for key in tc.index if _overlap(part, least, key, "total_correlation")]
    lead = "an interval that overlaps others" if len(shared) > 1 else "clear of the others"
    return [
        f"Among the best settings, {title(settings, least)} has the lowest exact total "
        f"correlation: {where}, {lead}."
    ]


def pairs(part: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[Pair]:
    """Pairs of the best settings, the better first.

    The difference is in a's favour where positive. Of more than eight objectives only the first
    is compared with the others.
    """
    best = part.best
    compared = combinations(best, 2) if len(best) <= MOST else ((best[0], b) for b in best[1:])
    rng = np.random.default_rng(0)
    rows = []
    for a, b in compared:
        x, y = (chosen.sign * part.scores(key, chosen.name).to_numpy() for key in (a, b))
        p = statistics.permutation_test(x, y, rng=rng)
        gap, wins = statistics.difference(x, y), statistics.probability_of_improvement(x, y)
        rows.append(Pair(title(settings, a), title(settings, b), gap, wins, p, p))
    corrected = statistics.holm(np.array([row.p for row in rows], float))
    return [row._replace(corrected=float(p)) for row, p in zip(rows, corrected, strict=True)]
