"""Which runs of a setting are shown: the median one, the best and the worst."""

from typing import NamedTuple

from disentbench.report.ranking import Rule
from disentbench.report.runs import Block, Key, median_seed


class Place(NamedTuple):
    """A run among those of its setting that have a score: which it is, in a word, and its seed."""

    word: str  # median, best, worst
    seed: int


def ordered_seeds(block: Block, key: Key, rule: Rule) -> list[int]:
    """The seeds of a setting's runs that have a score, by rising score, equals by seed."""
    scores = block.scores(key, rule.name).dropna().sort_index()
    return [int(seed) for seed in scores.sort_values(kind="stable").index]


def places(block: Block, key: Key, rule: Rule) -> list[Place]:
    """The median run of a setting, then its best and its worst; no run twice.

    Of an even number the median is the lower of the two in the middle. Of two runs it is one of the
    ends, and only the other follows. None has no score.
    """
    seeds = ordered_seeds(block, key, rule)
    if not seeds:
        return []
    median = median_seed(block, *key, rule)
    worst, best = (seeds[0], seeds[-1])[:: rule.sign]
    ends = {"best": best, "worst": worst}
    middle = next((word for word, seed in ends.items() if seed == median), "median")
    first = Place(middle if len(seeds) == 2 else "median", median)
    return [first, *(Place(word, seed) for word, seed in ends.items() if seed != median)]
