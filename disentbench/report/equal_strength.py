"""The objectives that train at the leader's strength, by their total correlation."""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from disentbench.posterior import terms
from disentbench.report import comparisons
from disentbench.report.comparisons import Pair
from disentbench.report.ranking import Rule
from disentbench.report.runs import Block, Key


def least_tc(block: Block, chosen: Rule | None, settings: pd.DataFrame) -> list[Pair]:
    """The lowest total correlation at the leader's strength against the others, the next first.

    The strength is the leader's, which another value chose on the same runs, and that value may go
    with total correlation: the correction is for all pairs at each of the leader's settings.
    """
    name = terms.TOTAL_CORRELATION.name
    if not block.best or chosen is None or chosen.name == name or name not in block.summary.mean:
        return []
    tc = block.summary.mean[name].drop(index=block.few(name)).dropna()
    ordered = sorted(_as_strong(block.best[0], tc.index, settings), key=tc.get)
    pairs = [(ordered[0], other) for other in ordered[1:]]
    strengths = len(block.candidates[block.best[0][0]])
    alone = {key: [key] for key in ordered}
    return comparisons.compare(block, pairs, name, -1, alone, blind=True, strengths=strengths)


def _as_strong(leader: Key, keys: Iterable[Key], settings: pd.DataFrame) -> list[Key]:
    """The settings with the leader's beta and all else alike that both have, one an objective.

    Of an objective that has several of them, none: it sweeps what the leader does not have. At
    beta = 1 all of them are the VAE.
    """
    leading = settings.loc[leader, "weights"]
    if leading.get("beta", 1) == 1 or not isinstance(leading["beta"], int | float):
        return []
    alike = [
        key
        for key in keys
        if "beta" in (weights := settings.loc[key, "weights"])
        and all(weights[name] == leading[name] for name in weights.keys() & leading.keys())
    ]
    per_objective = Counter(objective for objective, _ in alike)
    return [key for key in alike if per_objective[key[0]] == 1]
