"""The score files of a study with made-up scores, and the tables that are collected of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from disentbench import plugins
from disentbench.cli import main
from disentbench.study import Study


def score_files(folder: Path, study: Study, diverged: int) -> None:
    """A score for every run and value, and none for the seed that diverged."""
    rng = np.random.default_rng(0)
    for pack in study.packs:
        path = folder / study.study / pack.path / "scores"
        path.mkdir(parents=True)
        for metric in study.metrics:
            values = [value.name for value in plugins.load("metrics", metric).values]
            rows = [(s, v, rng.uniform() / 3) for s in pack.seeds for v in values]
            table = pd.DataFrame(rows, columns=["run", "metric", "value"])
            table.loc[table["run"] == diverged, "value"] = np.nan
            table.to_csv(path / f"{metric}.csv", index=False)


def collected(folder: Path, study: Study, name: str = "scores.csv") -> Path:
    """The tidy table of a study, as the command writes it; the parquet is beside it."""
    arguments = ["collect", study.text, "--results", folder, "--out", folder / name]
    assert main(list(map(str, arguments))) == 0
    return folder / name
