"""The values of a data set's runs that have a better end, turned so that higher is better."""

import numpy as np
import pandas as pd

from disentbench import plugins
from disentbench.report.context import Report
from disentbench.report.runs import Block
from disentbench.study import Study

SIGNS = {"higher": 1.0, "lower": -1.0}


def directed(report: Report, block: Block) -> pd.DataFrame:
    """The runs' values that have a better end and differ, those that are better lower negated."""
    signs = {
        name: SIGNS[shown.value.better]
        for name, shown in report.columns.items()
        if shown.value.better in SIGNS
    }
    table = block.runs[list(signs)] * pd.Series(signs, dtype=float)
    return table.loc[:, table.nunique() > 1]


def labels(report: Report, names: list[str]) -> list[str]:
    """What the values are called, shortened where a name is longer than a label may be."""
    texts = [report.columns[name].value.label for name in names]
    return [text if len(text) <= 28 else f"{text[:27]}…" for text in texts]


def of_factors(study: Study, value: str) -> bool:
    """Whether a value looks at the images' factors; what no metric is known to give does not."""
    metric = plugins.values(tuple(study.metrics)).get(value)
    return metric is not None and "factors" in plugins.needs(metric)


def grid(values: pd.Series) -> pd.DataFrame:
    """One value of every run as a table [(objective, setting), seed]."""
    return values.unstack("seed", sort=False).astype(float)


def without_ends(table: pd.DataFrame) -> pd.DataFrame:
    """Scores of which the infinite are missing."""
    return table.replace([np.inf, -np.inf], np.nan)
