"""Two settings compared, and what a comparison settles: one rule for the whole page.

The interval of the difference decides: a lead is clear where Welch's 95 % interval of the
difference of the means excludes 0. Two intervals of means that overlap decide nothing.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.report.runs import Block, Key, Rule
from disentbench.report.text import apart, count, fixed, listed, places, probability
from disentbench.scoring import statistics

MOST = 8  # objectives of which every pair is compared
LEVEL = 0.05


class Pair(NamedTuple):
    """Two settings by one value, the differences in favour of the first where positive."""

    first: Key
    second: Key
    n: tuple[int, int]
    difference: statistics.Interval
    wins: float  # pairs of runs that the first wins; a tie counts as half
    p: float
    corrected: float  # p, corrected for the number of pairs
    lowest: float  # the least p that so few runs can give

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference excludes 0; no with a run alone."""
        return self.difference.low > 0 or self.difference.high < 0

    @property
    def of(self) -> int:
        """How many pairs of runs there are."""
        return self.n[0] * self.n[1]


def pairs(block: Block, chosen: Rule | None) -> list[Pair]:
    """The best settings by the rule's value, the better first; none by a value that runs share in.

    Of more than eight objectives only the first is compared with the others.
    """
    if chosen is None or chosen.shared:
        return []
    best = block.best
    compared = combinations(best, 2) if len(best) <= MOST else ((best[0], b) for b in best[1:])
    return compare(block, list(compared), chosen.name, chosen.sign)


def compare(block: Block, keys: list[tuple[Key, Key]], value: str, sign: int) -> list[Pair]:
    """Pairs of settings by one value, p corrected for their number; sign -1: lower is better."""
    rng = np.random.default_rng(0)
    pairs = []
    for first, second in keys:
        a, b = (sign * block.scores(key, value).dropna().to_numpy() for key in (first, second))
        pairs.append(_pair(first, second, a, b, rng))
    corrected = statistics.holm(np.array([pair.p for pair in pairs], float))
    return [pair._replace(corrected=float(p)) for pair, p in zip(pairs, corrected, strict=True)]


def _pair(first: Key, second: Key, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Pair:
    """The settings with their scores, the higher the better."""
    p = statistics.permutation_test(a, b, rng=rng)
    n = (len(a), len(b))
    share = statistics.probability_of_improvement(a, b)
    return Pair(
        first,
        second,
        n,
        difference=statistics.difference(a, b),
        wins=round(2 * share * len(a) * len(b)) / 2,
        p=p,
        corrected=p,
        lowest=statistics.lowest_p(*n),
    )


def title(settings: pd.DataFrame, key: Key) -> str:
    """An objective with its setting, as in `β-TCVAE (β = 4)`."""
    label, text = settings.loc[key, ["label", "text"]]
    if not text:
        return label
    return f"{label[:-1]}, {text})" if label.endswith(")") else f"{label} ({text})"


def counted(settings: pd.DataFrame, key: Key, n: int, planned: int) -> str:
    """The title of a setting; where runs are lacking, of how many it is, too."""
    name = title(settings, key)
    if n == planned:
        return name
    of = f"{n} of {count(planned, 'run')}"
    return f"{name[:-1]}, {of})" if name.endswith(")") else f"{name} ({of})"


def spoken(pair: Pair, of: int, unit: str = "") -> str:
    """A difference with its interval and p, for a sentence."""
    gap, low, high = pair.difference
    decimals = apart(places([gap, high - low], most=3), gap, low, high)
    unit = f"\u00a0{unit}" if unit else ""
    corrected = f", corrected for {count(of, 'pair')}" if of > 1 else ""
    return (
        f"{fixed(gap, decimals)}{unit} (95\u00a0% interval {fixed(low, decimals)} to "
        f"{fixed(high, decimals)}; {stated(pair.corrected)}{corrected})"
    )


def stated(p: float) -> str:
    """`p = 0.012`, `p < 0.001`."""
    text = probability(p)
    text = text.replace(" ", "\u00a0")
    return f"p\u00a0{text}" if text.startswith("<") else f"p\u00a0=\u00a0{text}"


def floor(pairs: list[Pair], of: int) -> str:
    """A sentence that so few runs allow no small p; empty where they do."""
    known = [pair for pair in pairs if np.isfinite(pair.lowest)]
    if not known or of * min(pair.lowest for pair in known) <= LEVEL:
        return ""
    sizes = dict(sorted({tuple(sorted(pair.n)): pair.lowest for pair in known}.items()))
    sentences = [
        f"{probability(p)} with {count(a, 'run')} against {b}" for (a, b), p in sizes.items()
    ]
    least = min(1.0, of * min(sizes.values()))
    corrected = f", and corrected below {probability(least)}" if of > 1 else ""
    return f"So few runs cannot bring p below {listed(sentences)}{corrected}, whatever the numbers."
