"""Settings compared, and what a comparison settles: one rule for the whole page.

The interval of the difference decides: a lead is clear where it excludes 0. It is Welch's, at the
level at which in 95 % of studies of equal settings no interval excludes 0, however many settings an
objective has and however many pairs are compared; p is corrected alike, so that the two agree.
"""

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.report.ranking import Rule
from disentbench.report.runs import Block, Key
from disentbench.report.text import apart, count, fixed, listed, places, probability
from disentbench.scoring import statistics

MOST = 8  # objectives of which every pair is compared
LEVEL = 0.05
STUDIES = 9_999  # simulated for the correction
FEWER_STUDIES = 1_999  # of many objectives

Candidates = dict[Key, list[Key]]  # by the best setting, which is the first of them


class Pair(NamedTuple):
    """Two settings by one value, the differences in favour of the first where positive."""

    first: Key
    second: Key
    n: tuple[int, int]
    difference: statistics.Interval
    improvement: statistics.Interval  # P(a run of the first is better than one of the second)
    wins: float  # pairs of runs that the first wins; a tie counts as half
    effect: float  # Hedges' g
    seeds: int | None  # of each, of which 80 % of studies would call this difference clear
    p: float  # Welch's, corrected for the choice and for the number of pairs
    permutation: float  # p of the permutation test with the choice, corrected for the pairs
    lowest: float  # the least p, uncorrected, that the permutation test can give for so few runs
    level: float  # of the interval by itself
    among: int  # pairs that are corrected for
    choice: bool  # whether a choice among settings is corrected for

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
    if chosen is None or chosen.shared or not block.best:
        return []
    best = block.best
    compared = combinations(best, 2) if len(best) <= MOST else ((best[0], b) for b in best[1:])
    return compare(
        block, list(compared), chosen.name, chosen.sign, candidates(block), blind=chosen.blind
    )


def candidates(block: Block) -> Candidates:
    """From which settings each best one was chosen, itself the first.

    Also where another value chose: as far as the two go together, the choice profits from the luck
    of the runs as if it had been made by the value that is compared, and hardly more.
    """
    return {key: [key, *(k for k in block.candidates[key[0]] if k != key)] for key in block.best}


def leaders(pairs: list[Pair]) -> list[Key] | None:
    """The best setting and those over which its lead is open; None where nothing is compared."""
    rivals = [pair for pair in pairs if pair.first == pairs[0].first]
    if not rivals or np.isnan(rivals[0].p):
        return None
    return [rivals[0].first, *(pair.second for pair in rivals if not pair.clear)]


def compare(
    block: Block,
    keys: list[tuple[Key, Key]],
    value: str,
    sign: int,
    chosen_from: Candidates,
    *,
    blind: bool = False,
    strengths: int = 1,
) -> list[Pair]:
    """Pairs of settings by one value; sign -1: lower is better.

    Corrected for the choice of each among its candidates, and for all pairs of those that have
    some: which of them is the first was found in the same runs. Where another value chose
    (`blind`), the permutation test cannot repeat the choice: it is of the two settings alone, and
    its p not below that of the interval. Where it chose one
    of several `strengths` at which all are compared, the correction is for the pairs at each.
    """
    rng = np.random.default_rng(0)
    scores = {
        key: [sign * block.scores(k, value).dropna().to_numpy() for k in settings]
        for key, settings in chosen_from.items()
    }
    equals = equal_studies(scores, strengths)
    pairs = [_pair(pair, scores, equals, rng, blind) for pair in keys]
    pairs = [pair._replace(choice=pair.choice or strengths > 1) for pair in pairs]
    corrected = statistics.holm(np.array([pair.permutation for pair in pairs], float))
    least = np.array([pair.p if blind else 0.0 for pair in pairs], float)
    corrected = np.maximum(corrected, least)
    return [pair._replace(permutation=float(p)) for pair, p in zip(pairs, corrected, strict=True)]


def equal_studies(
    scores: dict[Key, list[np.ndarray]], strengths: int = 1
) -> statistics.Equals | None:
    """What equal settings would do, chosen and compared like these; None with a run alone.

    Of several strengths each has such settings, which are compared with each other.
    """
    settings = [runs for of in scores.values() for runs in of]
    if not settings or min(map(len, settings)) < 2:
        return None
    methods = np.repeat(np.arange(len(scores)), [len(of) for of in scores.values()])
    compared = np.array(list(combinations(range(len(scores)), 2)), int).reshape(-1, 2)
    firsts = [len(scores) * place for place in range(strengths)]
    return statistics.equal_studies(
        np.tile([_sd(runs) for runs in settings], strengths),
        np.tile([len(runs) for runs in settings], strengths),
        np.concatenate([methods + first for first in firsts]),
        np.concatenate([compared + first for first in firsts]),
        rng=np.random.default_rng(0),
        studies=STUDIES if len(scores) * strengths <= MOST else FEWER_STUDIES,
    )


def _sd(runs: np.ndarray) -> float:
    return 0.0 if statistics.same(runs.min(), runs.max()) else float(runs.std(ddof=1))


def _pair(
    keys: tuple[Key, Key],
    scores: dict[Key, list[np.ndarray]],
    equals: statistics.Equals | None,
    rng: np.random.Generator,
    blind: bool,
) -> Pair:
    """The settings with their scores, the higher the better."""
    sides = [scores[key][:1] if blind else scores[key] for key in keys]
    a, b = (side[0] for side in sides)
    sizes = [[len(runs) for runs in side] for side in sides]
    level = equals.level if equals else np.nan
    difference = statistics.difference(a, b, level)
    sds = [_sd(runs) if len(runs) > 1 else np.nan for runs in (a, b)]
    plain = statistics.welch_p(difference.mean, sds[0], len(a), sds[1], len(b))
    return Pair(
        *keys,
        n=(len(a), len(b)),
        difference=difference,
        improvement=statistics.improvement_interval(a, b),
        wins=round(2 * statistics.probability_of_improvement(a, b) * len(a) * len(b)) / 2,
        effect=statistics.hedges_g(a, b).mean,
        seeds=statistics.seeds_needed(difference.mean, *sds, level=1 - level) if equals else None,
        p=equals.corrected(float(plain)) if equals else np.nan,
        permutation=statistics.permutation_test(*sides, rng=rng),
        lowest=statistics.lowest_p(sizes[0], sizes[1]),
        level=level,
        among=comb(len(scores), 2),
        choice=any(len(side) > 1 for side in scores.values()),
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


def spoken(pair: Pair, unit: str = "") -> str:
    """A difference with its interval and p, for a sentence."""
    gap, low, high = pair.difference
    decimals = apart(places([gap, high - low], most=3), gap, low, high)
    unit = f"\u00a0{unit}" if unit else ""
    included = accounts(pair)
    return (
        f"{fixed(gap, decimals)}{unit} (95\u00a0% interval {fixed(low, decimals)} to "
        f"{fixed(high, decimals)}; {stated(pair.p)}{f'; {included}' if included else ''})"
    )


def accounts(pair: Pair) -> str:
    """What the interval and p are corrected for; empty where there is nothing."""
    choice = ["the choice of settings"] if pair.choice else []
    number = [count(pair.among, "pair")] if pair.among > 1 else []
    words = " and for ".join(choice + number)
    return f"both corrected for {words}" if words else ""


def stated(p: float) -> str:
    """`p = 0.012`, `p < 0.001`."""
    text = probability(p)
    text = text.replace(" ", "\u00a0")
    return f"p\u00a0{text}" if text.startswith("<") else f"p\u00a0=\u00a0{text}"


def floor(pairs: list[Pair], of: int) -> str:
    """A sentence that so few runs allow no small p of the permutation test; empty where they do."""
    known = [pair for pair in pairs if np.isfinite(pair.lowest)]
    if not known or of * min(pair.lowest for pair in known) <= LEVEL:
        return ""
    sizes = dict(sorted({tuple(sorted(pair.n)): pair.lowest for pair in known}.items()))
    sentences = [
        f"{probability(p)} with {count(a, 'run')} against {b}" for (a, b), p in sizes.items()
    ]
    least = min(1.0, of * min(sizes.values()))
    corrected = f", and corrected below {probability(least)}" if of > 1 else ""
    bounds = f"{listed(sentences)}{corrected}"
    return f"So few runs cannot bring its p below {bounds}, whatever the numbers."
