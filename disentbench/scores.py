"""Scores: metrics of representations, as a tidy table."""

import inspect
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from disentbench import latents, plugins
from disentbench.errors import UserError
from disentbench.metrics import Metric, Score
from disentbench.representation import Representation, represent
from disentbench.study import Pack, Study

COLUMNS = ["run", "metric", "value"]


def score(
    codes: ArrayLike,
    factors: ArrayLike,
    *,
    logvar: ArrayLike | None = None,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Metrics of one representation, by the name of each value.

    `codes` [image, latent] are posterior means, `factors` [image, factor] classes; `logvar`
    (log sigma^2) adds the metrics of the posterior. Without `metrics`, all that can be computed.
    Raises a UserError (a ValueError) for arrays that do not fit and for names that do not exist.
    """
    run = represent(codes, factors, logvar=logvar)
    values = {}
    for name in chosen(metrics, run):
        values |= wanted(name, measure(name, run, seed).values, metrics)
    return values


def score_file(
    path: str | Path, metrics: Sequence[str] | None = None, seed: int = 0
) -> pd.DataFrame:
    """The same for every run of a file, as a table with the columns run, metric and value."""
    rows = []
    for name, run in latents.read(path):
        for metric in chosen(metrics, run):
            values = wanted(metric, measure(metric, run, seed).values, metrics)
            rows += [(name, key, value) for key, value in values.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def measure(name: str, run: Representation, seed: int = 0, **options) -> Score:
    """One metric of one run, with the metric's own options; a run that diverged scores NaN."""
    metric = plugins.load("metrics", name)
    if run.failed:
        return Score({value.name: np.nan for value in metric.values})
    given = {need: getattr(run, need) for need in needs(metric)}
    if "rng" in inspect.signature(metric.compute).parameters:
        options["rng"] = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return metric.compute(**given, **options)


def needs(metric: Metric) -> list[str]:
    """What a metric takes from a representation: its function's positional parameters."""
    parameters = inspect.signature(metric.compute).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def chosen(metrics: Sequence[str] | None, run: Representation) -> list[str]:
    """The metric files to compute: those asked for, or all that the run can give.

    A metric is asked for by the name of its file or of one of its values.
    """
    if metrics is None:
        return [name for name in plugins.names("metrics") if not lacks(name, run)]
    files = list(dict.fromkeys(file_of(name) for name in metrics))
    for name in files:
        if missing := lacks(name, run):
            raise UserError(f"the metric {name!r} needs {missing}, which is not given")
    return files


def lacks(name: str, run: Representation) -> str | None:
    """The first thing that a metric needs and the run does not have."""
    needed = needs(plugins.load("metrics", name))
    words = {"posterior": "logvar"}
    return next((words.get(n, n) for n in needed if getattr(run, n) is None), None)


def file_of(name: str) -> str:
    """The file that defines a metric or a value of this name."""
    if name in plugins.names("metrics"):
        return name
    values = {
        value.name: file
        for file in plugins.names("metrics")
        for value in plugins.load("metrics", file).values
    }
    if name not in values:
        choices = ", ".join(sorted({*values, *plugins.names("metrics")}))
        raise UserError(f"no metric named {name!r}; choose from {choices}")
    return values[name]


def wanted(file: str, values: dict[str, float], metrics: Sequence[str] | None) -> dict[str, float]:
    """Of a file's values those asked for, with their standard errors."""
    if metrics is None or file in metrics:
        return values
    return {key: v for key, v in values.items() if key.removesuffix("_se") in metrics}


def collect(study: Study, results: Path) -> pd.DataFrame:
    """The tidy table of a study: a row for each run and value, from every pack's score files.

    Columns: dataset, objective, setting, seed, one for each swept setting, metric, value.
    """
    table = pd.concat([_of_pack(study, pack, results) for pack in study.packs], ignore_index=True)
    identity = ["dataset", "objective", "setting", "seed"]
    swept = [column for column in table if column not in (*identity, "metric", "value")]
    return table[[*identity, *swept, "metric", "value"]]


def _of_pack(study: Study, pack: Pack, results: Path) -> pd.DataFrame:
    files = [results / study.study / pack.path / "scores" / f"{m}.csv" for m in study.metrics]
    scores = pd.concat(map(read, files), ignore_index=True)
    return scores.rename(columns={"run": "seed"}).assign(
        dataset=pack.dataset,
        objective=pack.objective,
        setting=pack.setting,
        seed=lambda table: table["seed"].astype(int),
        **study.point(pack),
    )


def read(path: Path) -> pd.DataFrame:
    """A score file."""
    return pd.read_csv(path, dtype={"run": str})
