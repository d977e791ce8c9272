"""Tidy tables of made-up scores, and folders that hold them."""

import numpy as np
import pandas as pd

from disentbench.results import diff

RUN = diff.RUN


def tidy(objectives=("vae", "beta_vae"), seeds=range(4), metrics=("mig", "elbo")) -> pd.DataFrame:
    """A table of scores, different for every value."""
    index = pd.MultiIndex.from_product(
        [["tiny"], objectives, ["beta-4"], seeds, metrics], names=[*RUN, "metric"]
    )
    values = np.random.default_rng(1).normal(size=len(index)) / 3
    return pd.DataFrame({"value": values}, index).reset_index().assign(beta=4.0)


def saved(folder, table, name="scores.csv"):
    """A folder that holds the table."""
    folder.mkdir(parents=True, exist_ok=True)
    if name.endswith(".csv"):
        table.to_csv(folder / name, index=False)
    else:
        table.to_parquet(folder / name)
    return folder
