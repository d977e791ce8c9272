"""What is said of the choice of settings: what it does by itself, what it would score unseen."""

import numpy as np
import pandas as pd

from disentbench.metrics import Value
from disentbench.report import comparisons
from disentbench.report.comparisons import Pair, title
from disentbench.report.ranking import Rule
from disentbench.report.runs import Block, Key
from disentbench.report.text import apart, count, fixed, listed, places, symbol
from disentbench.scoring import statistics

SAME_RUNS = "The choice is made on the same runs."
NAMED = 6  # objectives that a sentence names; the rest are counted


def fallen_back(chosen: Rule | None, rank_by: Value | None, choose_by: Value | None) -> list[str]:
    """What was asked for and cannot be measured on this data set, and what stands in for it."""
    if chosen is None:
        return []
    asked = [
        (rank_by, chosen.name, f"objectives are ranked by {chosen.label}"),
        (choose_by, chosen.by.name, f"settings are chosen by {chosen.by.label}"),
    ]
    return [
        f"{value.label}, which was asked for, cannot be measured here: {instead}."
        for value, used, instead in asked
        if value and value.name != used
    ]


def unseen(block: Block, settings: pd.DataFrame) -> list[str]:
    """What the leader and the next score where the choice does not see the run."""
    rule = block.rule
    if rule is None or rule.shared or not block.best:
        return []
    fitted = {key: block.choice[key[0]].cross_fitted for key in block.best}
    told = [key for key in block.best[:2] if len(block.candidates[key[0]]) > 1]
    told = [key for key in told if np.isfinite(fitted[key])]
    if not told:
        return []
    scores = listed(_unseen(block, rule, key, settings) for key in told)
    best = max(block.best, key=lambda key: rule.sign * np.nan_to_num(fitted[key], nan=-np.inf))
    other = f"; by such scores {settings.loc[best, 'label']} leads" * (best != block.best[0])
    return [f"With its setting chosen on the other seeds, {scores}{other}.{_seen(rule)}"]


def _seen(rule: Rule) -> str:
    """How a run takes part in the choice on the others, where that value compares runs."""
    if not rule.by.shared:
        return ""
    return (
        f" {rule.by.label} compares runs with each other, so the latents of the run that is read, "
        "not its score, take part in that choice."
    )


def _unseen(block: Block, rule: Rule, key: Key, settings: pd.DataFrame) -> str:
    mean, choice = block.summary.mean.loc[key, rule.name], block.choice[key[0]]
    lost = choice.cross_fitted - mean
    decimals = places([mean], most=3)
    score = fixed(choice.cross_fitted, decimals)
    unit = f"\u00a0{rule.unit}" if rule.unit else ""
    alike = f"the same in {choice.agreeing} of {count(choice.of, 'choice')}"
    if statistics.same(choice.cross_fitted, mean):
        change = "no less" if rule.sign > 0 else "no more"
    else:
        size = fixed(abs(lost), apart(decimals, lost))
        change = f"{size} {'lower' if lost < 0 else 'higher'}"
    return f"{settings.loc[key, 'label']} scores {score}{unit} ({change}; {alike})"


def edges(block: Block, settings: pd.DataFrame) -> list[str]:
    """Warnings of the best strengths that end what was swept: of the leader's and of the others'.

    The strength is the first swept number. Where the sweep ends by nature, at a weight of 0 or at
    beta = 1, where the objective is the VAE, there is nothing beyond it to be tried.
    """
    ends = {key: word for key in block.best if (word := _edge(settings, key))}
    of_two = [key for key, word in ends.items() if word.endswith("of 2")]
    words = {key: word for key, word in ends.items() if key not in of_two}
    leader = block.best[0] if block.best else None
    named = [f"{title(settings, key)}, {words[key]}" for key in words if key != leader]
    more = [count(len(named) - NAMED, "more objective")] if len(named) > NAMED else []
    says = []
    if leader in words:
        name, x = settings.loc[leader, ["key", "x"]]
        strength = f"{symbol(name)}\u00a0=\u00a0{x:g}"
        says += [f"{strength} is {words[leader]} strengths swept: the best may lie beyond it."]
    if named:
        too = " too" if leader in words else ""
        listing = "; ".join([*named[:NAMED], *more])
        says += [f"Best at an edge of their sweep{too}: {listing}."]
    return says + _of_two([str(settings.loc[key, "label"]) for key in of_two])


def _of_two(labels: list[str]) -> list[str]:
    """Two strengths have no inside, so that each is at an edge."""
    if not labels:
        return []
    rest = [count(len(labels) - NAMED, "more objective")] if len(labels) > NAMED else []
    was = "was" if len(labels) == 1 else "were each"
    return [
        f"{listed([*labels[:NAMED], *rest])} {was} tried at two strengths, both ends of the sweep: "
        "a better one may lie beyond or between."
    ]


def _edge(settings: pd.DataFrame, key: Key) -> str:
    """`the largest of 3`; empty for a strength within its sweep."""
    swept = np.unique(settings.loc[[key[0]], "x"].dropna())
    name, x = settings.loc[key, ["key", "x"]]
    if len(swept) < 2 or not name:
        return ""
    if x == swept[-1]:
        return f"the largest of {len(swept)}"
    natural = x == 0 or (name == "beta" and x == 1)
    return f"the smallest of {len(swept)}" if x == swept[0] and not natural else ""


def chance(block: Block, chosen: Rule | None) -> str:
    """What the choice of the best does by itself, and how it is corrected; empty if none is."""
    if chosen is None or chosen.shared or not block.best:
        return ""
    of = comparisons.candidates(block)
    if chosen.blind:
        return _chosen_by_another(chosen, max(map(len, of.values())) > 1)
    number = sum(map(len, of.values()))
    if number < 2:
        return ""
    scores = {
        key: [block.scores(k, chosen.name).dropna().to_numpy() for k in settings]
        for key, settings in of.items()
    }
    if min(len(runs) for settings in scores.values() for runs in settings) < 2:
        return f"{SAME_RUNS} How much better the best looks by it, a single seed cannot tell."
    few = block.few(chosen.name)
    which = f"the {number} settings with runs enough" if few else f"all {number} settings"
    return f"{SAME_RUNS} Were {which} equal in their means, {_of_equals(scores, chosen.unit)}"


def _chosen_by_another(chosen: Rule, choice: bool) -> str:
    """What a choice by another value does to the value that ranks."""
    says = (
        f"The settings were chosen by {chosen.by.label}: that choice did not look at "
        f"{chosen.label}, but where the two go together it profits from the luck of the same runs."
    )
    if not choice:
        return says
    return (
        f"{says} So the intervals and p are corrected as if {chosen.label} itself had chosen; "
        "where the two have nothing to do with each other, that is more than is needed."
    )


def _of_equals(scores: dict[Key, list[np.ndarray]], unit: str) -> str:
    """What the choice would do, were it so."""
    equals = comparisons.equal_studies(scores)
    assert equals is not None  # every setting has 2 runs
    unit = f"\u00a0{unit}" if unit else ""
    says = (
        f"the best of them would still come out {_brief(equals.excess)}{unit} too good on average"
    )
    if len(scores) < 2:
        return f"{says}."
    corrected = (
        f"the intervals of differences are Welch’s at {_percent(equals.level)}, so that it is "
        "5\u00a0%, and p is corrected alike"
        if equals.level > 0.95
        else "that is no more than 5\u00a0%, and no correction is needed"
    )
    return (
        f"{says}, and a plain 95\u00a0% interval would call a lead between objectives clear in "
        f"{100 * equals.plain:.0f}\u00a0% of studies: {corrected}. "
        f"({count(comparisons.STUDIES + 1, 'study')} of normal scores, with the spread of each "
        "setting or of each objective, whichever asks for more.)"
    )


def correction(pair: Pair, chosen: Rule) -> dict[str, str]:
    """What is in the interval and p of every pair: as a clause, in short, and Welch's level."""
    number = count(pair.among, "pair") if pair.among > 1 else ""
    parts = filter(None, ["choice" if pair.choice else "", number])
    return {
        "includes": f"Interval and p include {_included(pair, chosen)}",
        "included": ", ".join(parts) or "Welch",
        "level": _percent(pair.level) if np.isfinite(pair.level) else "",
    }


def two_runs(pairs: list[Pair], block: Block) -> str:
    """That a spread of two runs is hardly known, where a compared setting has no more; or empty."""
    if not pairs or pairs[0].level != pairs[0].level:
        return ""
    name = block.rule.name if block.rule else ""
    settings = [key for of in block.candidates.values() for key in of]
    if not (block.summary.n.loc[settings, name] == 2).any():
        return ""
    return (
        "A setting has two runs alone, of which a spread is hardly known: where the others have "
        "more, equal settings may be told apart in more than 5\u00a0% of studies, up to some "
        "10\u00a0%."
    )


def _included(pair: Pair, chosen: Rule) -> str:
    number = f"the number of pairs, {pair.among}," if pair.among > 1 else ""
    if pair.choice:
        as_if = f", as if {chosen.label} had made it," if chosen.blind else ""
        choice = f"the choice of each setting among those of its objective{as_if}"
        return f"{choice} and {number}".removesuffix(" and ").removesuffix(",")
    return number.removesuffix(",") or "one pair, and there was no choice"


def _brief(value: float) -> str:
    """Two significant digits: no more are known from so many draws."""
    return fixed(value, max(0, places(value, most=9) - 1))


def _percent(level: float) -> str:
    """A level with the digits that tell it from 1."""
    return f"{fixed(100 * level, max(1, places(100 * (1 - level)) - 1))}\u00a0%"
