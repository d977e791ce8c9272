"""What the numbers say in a few sentences, and how sure the order of the objectives is."""

import numpy as np
import pandas as pd

from disentbench import statistics
from disentbench.report import collapse, comparisons
from disentbench.report.comparisons import Pair, title
from disentbench.report.runs import Block, Key, Rule
from disentbench.report.text import count, fixed, listed, number, places

NAMED = 6  # settings that a sentence names; the rest are counted
DRAWS = 10_000  # studies that the chance of the choice is told from


def finding(
    part: Block, chosen: Rule | None, settings: pd.DataFrame, pairs: list[Pair]
) -> list[str]:
    """Which objective leads and by how much; `pairs` are the comparisons of the best settings."""
    if not part.best:
        return [nothing(part, chosen)]
    return [_leader(part, chosen, settings), *_contest(pairs, settings)]


def also(part: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[str]:
    """What a reader of the finding must know besides: who was left out, where the TC is lowest."""
    return [*_left_out(part, chosen, settings), *_least_tc(part, chosen, settings)]


def nothing(part: Block, chosen: Rule | None) -> str:
    """Why there is nothing to rank."""
    if chosen is None or part.runs[chosen.name].isna().all():
        return "No run of this data set has a score."
    return "No setting of this data set has runs enough to be called best."


def _leader(part: Block, chosen: Rule, settings: pd.DataFrame) -> str:
    first = part.best[0]
    numbers = _mean(part, first, chosen.name)
    idle = int(collapse.collapsed(part.of(first)).sum())
    fell = f" {idle} of its runs collapsed." if idle else ""
    if len(part.best) == 1:
        return f"{title(settings, first)} reaches a mean {chosen.label} of {numbers}.{fell}"
    return f"{title(settings, first)} has the {chosen.end} mean {chosen.label}: {numbers}.{fell}"


def _mean(part: Block, key: Key, value: str, unit: str = "") -> str:
    """A mean with its interval and the runs that it is of."""
    summary = part.summary
    mean, low, high = (t.loc[key, value] for t in (summary.mean, summary.low, summary.high))
    unit = f"\u00a0{unit}" if unit else ""
    runs = f"{int(summary.n.loc[key, value])} of {count(part.planned, 'run')}"
    if np.isnan(low):
        return f"{number(mean)}{unit} (one seed, so no interval)"
    decimals = places(mean, most=3)
    interval = f"95\u00a0% interval {fixed(low, decimals)} to {fixed(high, decimals)}"
    return f"{fixed(mean, decimals)}{unit} ({interval}, {runs})"


def _contest(pairs: list[Pair], settings: pd.DataFrame) -> list[str]:
    """The lead over the next objective with its interval; over whom it is clear."""
    found = [pair for pair in pairs if pair.first == pairs[0].first]
    if not found:
        return []
    if any(min(pair.n) < 2 for pair in found):
        return ["With a single seed an order of the objectives says nothing about the next seed."]
    lead = comparisons.spoken(found[0], len(pairs))
    return [
        f"Its lead over {title(settings, found[0].second)} is {lead}.",
        *_open(found, settings),
        *_doubted(found, pairs, settings),
    ]


def _doubted(found: list[Pair], pairs: list[Pair], settings: pd.DataFrame) -> list[str]:
    """Where an interval excludes 0 and the corrected p does not agree, and whether it could."""
    doubted = [pair for pair in found if pair.clear and pair.corrected > comparisons.LEVEL]
    if not doubted:
        return []
    names = listed(settings.loc[pair.second, "label"] for pair in doubted)
    corrected = f", corrected for {count(len(pairs), 'pair')}," if len(pairs) > 1 else ""
    says = f"The permutation test does not confirm it against {names}: p{corrected} is above 0.05."
    return [says, *filter(None, [comparisons.floor(pairs)])]


def _open(found: list[Pair], settings: pd.DataFrame) -> list[str]:
    """Over whom the lead is open: the interval of the difference decides, as everywhere."""
    near = [settings.loc[pair.second, "label"] for pair in found if not pair.clear]
    one = len(found) == 1
    if not near:
        who = "It is clear" if one else "Its lead over every other objective is clear"
        return [f"{who}: the interval of the difference excludes 0."]
    if len(near) == len(found):
        who = "It is open" if one else "Its lead over every other objective is open"
        return [f"{who}, the interval of the difference includes 0: these seeds settle no order."]
    return [
        f"The interval of its lead over {listed(near)} includes 0, so these seeds do not settle "
        f"that; over the others it is clear."
    ]


def _left_out(part: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[str]:
    """The settings that lost too many runs to be called best."""
    few = part.few(chosen.name) if chosen else []
    if not few:
        return []
    n = part.summary.n[chosen.name]
    named = [f"{title(settings, key)} with {int(n[key])}" for key in few[:NAMED]]
    if len(few) > NAMED:
        named.append(count(len(few) - NAMED, "more setting"))
    return [
        f"Left out of the choice of the best, which needs {chosen.label} of {part.needed} of the "
        f"{count(part.planned, 'planned run')}: {listed(named)}."
    ]


def _least_tc(part: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[str]:
    """Who has the lowest total correlation of those that train at the leader's strength."""
    name = "total_correlation"
    if not part.best or chosen.name == name or name not in part.summary.mean:
        return []
    strength = settings.loc[part.best[0], "text"]
    tc = part.summary.mean[name].drop(index=part.few(name)).dropna()
    alike = [key for key in tc.index if strength and settings.loc[key, "text"] == strength]
    if len(alike) < 2:
        return []
    least, *others = sorted(alike, key=lambda key: tc[key])
    found = comparisons.compare(part, [(least, other) for other in others], name, -1)
    says = (
        f"At the leader’s strength, {strength}, {settings.loc[least, 'label']} has the lowest "
        f"total correlation of {count(len(alike), 'objective')}: {_mean(part, least, name, 'nats')}"
    )
    if min(found[0].n) < 2:
        return [f"{says}."]
    gap = comparisons.spoken(found[0], len(found), "nats")
    open_to = [settings.loc[pair.second, "label"] for pair in found if not pair.clear]
    verdict = f"open against {listed(open_to)}" if open_to else "clear"
    return [f"{says}, {gap} below {settings.loc[others[0], 'label']}; its lead is {verdict}."]


def chance(part: Block, chosen: Rule | None) -> str:
    """What the choice of the best would do by itself, were all settings equal; empty if none is."""
    if chosen is None or not part.best:
        return ""
    n = part.summary.n[chosen.name].drop(index=part.few(chosen.name))
    if len(n) < 2:
        return ""
    sd = statistics.pooled_sd(part.summary.sd.loc[n.index, chosen.name].to_numpy(), n.to_numpy())
    if np.isnan(sd):
        return "How much better the best looks by it, a single seed cannot tell."
    methods = pd.factorize(n.index.get_level_values("objective"))[0]
    found = statistics.best_of_equals(
        n.to_numpy(), methods, rng=np.random.default_rng(0), draws=DRAWS
    )
    lead = f", lead the next objective by {_brief(found.lead * sd)}" if found.lead > 0 else ""
    return (
        f"Were all {len(n)} settings equal, the best of them would still come out "
        f"{_brief(found.excess * sd)} too good on average{lead}, and the 95\u00a0% interval of its "
        f"difference from one other setting, named beforehand, would exclude 0 in "
        f"{100 * found.clear:.0f}\u00a0% of studies ({DRAWS:,} simulated with normal scores, this "
        f"study’s numbers of runs and their pooled standard deviation, {_brief(sd)})."
    ).replace(f"{DRAWS:,}", f"{DRAWS:,}".replace(",", "\u2009"))


def _brief(value: float) -> str:
    """Two significant digits: no more are known from so many draws."""
    return fixed(value, max(0, places(value, most=5) - 1))
