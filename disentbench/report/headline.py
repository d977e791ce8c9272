"""What the numbers say in a few sentences, and how sure the order of the objectives is."""

from itertools import combinations

import numpy as np
import pandas as pd

from disentbench.posterior import terms
from disentbench.report import choices, collapse, comparisons
from disentbench.report.comparisons import Pair, title
from disentbench.report.ranking import Rule
from disentbench.report.runs import Block, Key
from disentbench.report.text import apart, count, fixed, listed, number, places, two_digits
from disentbench.scoring import statistics

NAMED = 6  # settings that a sentence names; the rest are counted


def finding(
    block: Block, chosen: Rule | None, settings: pd.DataFrame, pairs: list[Pair]
) -> list[str]:
    """Which objective leads and by how much; `pairs` are the comparisons of the best settings."""
    if not block.best or chosen is None:
        return [nothing(block, chosen)]
    return [_leader(block, chosen, settings), *_contest(block, chosen, pairs, settings)]


def also(block: Block, chosen: Rule | None, settings: pd.DataFrame, by_tc: list[Pair]) -> list[str]:
    """What a reader of the finding must know besides: what the choice would score unseen, whose
    strength ends its sweep, who was left out, who is the same model, and where the TC is lowest
    (`by_tc`: see `equal_strength`)."""
    of_choice = choices.unseen(block, settings) + choices.edges(block, settings)
    return [
        *([" ".join(of_choice)] if of_choice else []),
        *_left_out(block, chosen, settings),
        *_twins(block, settings),
        *_lowest_tc(block, by_tc, settings),
    ]


def nothing(block: Block, chosen: Rule | None) -> str:
    """Why there is nothing to rank."""
    if block.runs.isna().all(axis=None):
        return "No run of this data set has a score."
    if chosen is None:
        return "None of the study’s values has a better end."
    if block.runs[[chosen.name, chosen.by.name]].isna().all().any():
        return f"No run of this data set has {chosen.needs}."
    return "No setting of this data set has runs enough to be called best."


def _leader(block: Block, chosen: Rule, settings: pd.DataFrame) -> str:
    first, *others = block.best
    means = block.summary.mean[chosen.name]
    numbers = _mean(block, first, chosen.name, chosen.unit)
    idle = int(collapse.collapsed(block.of(first)).sum())
    fell = f" {idle} of its runs collapsed." if idle else ""
    if not others:
        return f"{title(settings, first)} reaches a mean {chosen.label} of {numbers}.{fell}"
    if level := [key for key in others if statistics.same(means[key], means[first])]:
        names = listed(title(settings, key) for key in (first, *level))
        return f"{names} share the {chosen.end} mean {chosen.label}: {numbers}.{fell}"
    enough = " with runs enough" if block.few(chosen.name, chosen.by.name) else ""
    by = f" of the {chosen.by.end} mean {chosen.by.label}" if chosen.blind else ""
    among = f"Of the settings{by}{enough}, " if by or enough else ""
    who = f"{among}{title(settings, first)}"
    return f"{who} has the {chosen.end} mean {chosen.label}: {numbers}.{fell}"


def _mean(block: Block, key: Key, value: str, unit: str = "") -> str:
    """A mean with its interval and the runs that it is of."""
    summary = block.summary
    mean, low, high = (t.loc[key, value] for t in (summary.mean, summary.low, summary.high))
    unit = f"\u00a0{unit}" if unit else ""
    n = int(summary.n.loc[key, value])
    runs = f"{n} of {count(block.planned, 'run')}"
    if np.isnan(low):
        why = "one seed, so no interval" if n < 2 else runs
        return f"{number(mean)}{unit} ({why})"
    decimals = apart(places(mean, most=3), mean, low, high)
    interval = f"95\u00a0% interval {fixed(low, decimals)} to {fixed(high, decimals)}"
    return f"{fixed(mean, decimals)}{unit} ({interval}, {runs})"


def _contest(block: Block, chosen: Rule, pairs: list[Pair], settings: pd.DataFrame) -> list[str]:
    """The lead over the next objective with its interval; over whom it is clear."""
    if chosen.shared:
        return [
            f"The runs of a setting share in {chosen.label}, which compares them with each other: "
            f"it has no interval over seeds, and an order by it no test."
        ]
    rivals = [pair for pair in pairs if pair.first == pairs[0].first]
    if not rivals or rivals[0].difference.mean == 0:
        return []
    if any(min(pair.n) < 2 for pair in rivals):
        return ["With a single seed an order of the objectives says nothing about the next seed."]
    lead = comparisons.spoken(rivals[0], chosen.unit)
    second = comparisons.counted(settings, rivals[0].second, rivals[0].n[1], block.planned)
    return [
        f"Its lead over {second} is {lead}.",
        *_open(rivals, pairs, settings),
        *_doubted(rivals, settings),
        *_size(rivals[0]),
    ]


def _size(pair: Pair) -> list[str]:
    """How large the lead is in standard deviations, and how many seeds would settle it."""
    g = f"Hedges’ g\u00a0=\u00a0{fixed(pair.effect, 1)}" if np.isfinite(pair.effect) else ""
    if pair.seeds is None or not g:
        return []
    if pair.clear:
        return [f"In standard deviations over seeds it is {g}."]
    return [
        f"Were the lead as large as it looks ({g}), a study of "
        f"{count(two_digits(pair.seeds), 'seed')} would call it clear at this level in "
        "80\u00a0% of cases; chosen as the largest, it is likely smaller."
    ]


def _doubted(rivals: list[Pair], settings: pd.DataFrame) -> list[str]:
    """Where the intervals and the permutation test do not agree, and whether they could."""
    of = len(rivals)
    corrected = ", corrected by Holm for the number of pairs," if rivals[0].among > 1 else ""
    says = []
    if doubted := [pair for pair in rivals if pair.clear and pair.permutation > comparisons.LEVEL]:
        names = listed(settings.loc[pair.second, "label"] for pair in doubted)
        says += [
            f"The permutation test does not confirm it against {names}: its p{corrected} is above "
            "0.05."
        ]
        says += filter(None, [comparisons.floor(doubted, of)])
    if contrary := [p for p in rivals if not p.clear and p.permutation <= comparisons.LEVEL]:
        names = listed(settings.loc[pair.second, "label"] for pair in contrary)
        says += [
            f"Against {names} the permutation test says otherwise: its p{corrected} is at most "
            "0.05. One run or a few may make the spread, and with it the interval."
        ]
    return says


def _open(rivals: list[Pair], pairs: list[Pair], settings: pd.DataFrame) -> list[str]:
    """Over whom the lead is open: the interval of the difference decides, as everywhere."""
    near = [settings.loc[pair.second, "label"] for pair in rivals if not pair.clear]
    one = len(rivals) == 1
    if not near:
        who = "It is clear" if one else "Its lead over every other of these is clear"
        return [f"{who}: the interval of the difference excludes 0."]
    if len(near) == len(rivals):
        who = "It is open" if one else "Its lead over every other of these is open"
        others = any(pair.clear for pair in pairs)
        which = " The table below says which of the others differ." if others else ""
        return [
            f"{who}, the interval of the difference includes 0: these seeds do not settle that it "
            f"leads.{which}"
        ]
    return [
        f"The interval of its lead over {listed(near)} includes 0, so these seeds do not settle "
        f"that; over the others it is clear."
    ]


def _left_out(block: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[str]:
    """The settings that lost too many runs to be called best."""
    few = block.few(chosen.name, chosen.by.name) if chosen else []
    if chosen is None or not few or not block.summary.n[chosen.name].any():
        return []
    n = block.summary.n[[chosen.name, chosen.by.name]].min(axis=1)
    named = [f"{title(settings, key)} with {int(n[key])}" for key in few[:NAMED]]
    if len(few) > NAMED:
        named.append(count(len(few) - NAMED, "more setting"))
    return [
        f"Left out of the choice of the best, which needs {chosen.needs} of {block.needed} of the "
        f"{count(block.planned, 'planned run')}: {listed(named)}."
    ]


def _twins(block: Block, settings: pd.DataFrame) -> list[str]:
    """Best settings whose runs have equal scores, seed by seed: the same model under two names."""
    of = {key: block.of(key).droplevel(["objective", "setting"]) for key in block.best}
    pairs = [
        f"{title(settings, a)} and {title(settings, b)}"
        for a, b in combinations(block.best, 2)
        if of[a].notna().any(axis=None) and of[a].equals(of[b])
    ]
    if not pairs:
        return []
    return [
        f"Of equal scores in every run, so the same model under two names: {'; '.join(pairs)}. "
        f"What is said of the lead, of pairs and of the choice counts them as two."
    ]


def _lowest_tc(block: Block, rivals: list[Pair], settings: pd.DataFrame) -> list[str]:
    """Who has the lowest total correlation of those that train at the leader's strength."""
    if not rivals or rivals[0].difference.mean == 0:
        return []
    least = rivals[0].first
    tc = terms.TOTAL_CORRELATION
    says = (
        f"At the leader’s strength, β = {settings.loc[least, 'weights']['beta']:g}, "
        f"{settings.loc[least, 'label']} has the lowest {tc.words} of "
        f"{count(len(rivals) + 1, 'objective')}: {_mean(block, least, tc.name, 'nats')}"
    )
    if min(rivals[0].n) < 2:
        return [f"{says}."]
    gap = comparisons.spoken(rivals[0], "nats")
    open_to = [settings.loc[pair.second, "label"] for pair in rivals if not pair.clear]
    verdict = f"open against {listed(open_to)}" if open_to else "clear"
    below = f"{says}, {gap} below {settings.loc[rivals[0].second, 'label']}; its lead is {verdict}."
    return [below, *_doubted(rivals, settings)]
