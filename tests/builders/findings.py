"""Made-up scores of small studies, and what the report says of them."""

import pandas as pd

from builders.studies import LEAN, scored
from disentbench.report import comparisons, equal_strength, headline, ranking, runs
from disentbench.study import Study

BETA = {"datasets": {"tiny": {"of": "dsprites_small"}}, "seeds": "0-9", **LEAN}
TWO = {"objectives": {"vae": {}, "beta_vae": {"beta": [4]}}, **LEAN}
THREE = {"beta_vae": {"beta": [1, 4]}, "beta_tcvae": {"beta": [1, 4]}, "vae": {}}


def block(of: Study, table: pd.DataFrame, **asked: str) -> tuple[runs.Block, ranking.Rule]:
    """The only data set's part of a report on these scores, and its rule; `asked` is for that."""
    table = table.reindex(runs.planned(of))
    values = runs.shown(of, table)
    rule, (name,) = ranking.rule(values, **asked), of.datasets
    return runs.block(name, table, runs.summarise(table, values), rule), rule


def said(of: Study, table: pd.DataFrame, **asked: str) -> str:
    """What the report says in words of the only data set."""
    part, rule = block(of, table, **asked)
    settings, pairs = runs.catalogue(of), comparisons.pairs(part, rule)
    by_tc = equal_strength.least_tc(part, rule, settings)
    sentences = headline.finding(part, rule, settings, pairs)
    sentences += headline.also(part, rule, settings, by_tc)
    return " ".join(sentences).replace("\u00a0", " ")


def given(of: Study, values: dict[tuple[str, str], list[float]], name="mig") -> pd.DataFrame:
    """Made-up scores, with these values of some settings."""
    table = scored(of)
    for (objective, setting), scores in values.items():
        rows = table.loc[(slice(None), objective, setting), :].index
        table.loc[rows, name] = scores
    return table
