"""Scores: metrics of representations, as tidy tables."""

import inspect
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike
from pyarrow import parquet

from disentbench import files, latents, plugins
from disentbench.errors import UserError
from disentbench.latents import AS_IT_IS, Reading
from disentbench.metrics import Metric, Score
from disentbench.provenance import unique
from disentbench.representation import Representation, from_anywhere, represent
from disentbench.study import Pack, Study

Code = Literal["mean", "sampled"]

# What a metric may need, in words for who did not bring it.
WORDS = {"posterior": "logvar", "companions": "several runs with logvar in one file"}


class Scored(NamedTuple):
    """One metric of one run."""

    run: str
    metric: str
    score: Score


def score(
    codes: ArrayLike,
    factors: ArrayLike | None = None,
    *,
    logvar: ArrayLike | None = None,
    metrics: Sequence[str] | None = None,
    code: Code = "mean",
    seed: int = 0,
    seeds: Sequence[Any] | None = None,
    detail: bool = False,
) -> dict[Any, Any] | tuple[dict[Any, Any], dict[Any, Any]]:
    """Metrics of one representation, by the name of each value, or of several runs.

    `codes` [image, latent] are posterior means, `factors` [image, factor] classes, whole numbers or
    text, which some metrics do without; `logvar` (log sigma^2) adds the metrics of the posterior,
    and `code="sampled"` takes the metrics of the codes on one sample of it. Arrays, tensors on any
    device and tables of pandas will do. Without `metrics`, all that can be computed; a name alone
    or several are those asked for.

    Of `codes` [run, image, latent] the answer is a mapping from each run, by its place or by what
    `seeds` has there, to its values; metrics that compare runs compare these. With `detail` a
    second mapping has the arrays of which a metric is made: {metric: {name: array}}, by run of
    several. Raises a UserError (a ValueError) for arrays that do not fit and for names that do not
    exist.
    """
    metrics = metrics.split(",") if isinstance(metrics, str) else metrics
    runs = _runs(from_anywhere(codes), factors, logvar, seeds)
    scored = {run: _scored(coded(each, code, seed), metrics, seed) for run, each in runs}
    values = {
        run: {k: v for each in parts.values() for k, v in each.values.items()}
        for run, parts in scored.items()
    }
    details = {
        run: {name: each.detail for name, each in parts.items()} for run, parts in scored.items()
    }
    if np.ndim(codes) < 3:
        values, details = values[0], details[0]
    return (values, details) if detail else values


def _runs(codes, factors, logvar, seeds) -> list[tuple[Any, Representation]]:
    """Each run of arrays with its name, beside the others."""
    factors = None if factors is None else from_anywhere(factors)
    logvar = None if logvar is None else from_anywhere(logvar)
    if codes.ndim != 3:
        if seeds is not None:
            raise UserError(f"seeds name runs, and codes are {codes.shape}: [run, image, latent]")
        return [(0, represent(codes, factors, logvar=logvar))]
    names = list(range(len(codes)) if seeds is None else seeds)
    if len(set(names)) < len(names) or len(names) != len(codes):
        raise UserError(f"there are {len(codes)} runs; seeds must name each once, not {names}")
    if logvar is not None and logvar.shape != codes.shape:
        raise UserError(f"logvar is {logvar.shape} and codes {codes.shape}; they must agree")
    variances = [None] * len(codes) if logvar is None else logvar
    runs = [represent(mean, factors, logvar=v) for mean, v in zip(codes, variances, strict=True)]
    return with_companions(list(zip(names, runs, strict=True)))


def _scored(run: Representation, metrics: Sequence[str] | None, seed: int) -> dict[str, Score]:
    """What is wanted of each metric, by the name of its file."""
    found = {name: measure(name, run, seed) for name in chosen(metrics, run)}
    return {
        name: Score(wanted(name, values, metrics), detail)
        for name, (values, detail) in found.items()
    }


def score_file(
    path: str | Path,
    metrics: Sequence[str] | None = None,
    *,
    code: Code = "mean",
    seed: int = 0,
    reading: Reading = AS_IT_IS,
) -> Iterator[Scored]:
    """The same for every run of a file, run by run; factors may be missing where none is needed."""
    bare = metrics is not None and not any("factors" in needs(file_of(name)) for name in metrics)
    runs = latents.read(path, reading._replace(bare=bare))
    if metrics is None or any("companions" in needs(file_of(name)) for name in metrics):
        runs = with_companions(list(runs))
    for name, run in runs:
        prepared = coded(run, code, seed)
        for metric in chosen(metrics, prepared):
            values, detail = measure(metric, prepared, seed)
            yield Scored(name, metric, Score(wanted(metric, values, metrics), detail))


def table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Scores as a table with the columns run, metric and value."""
    rows = [(each.run, name, v) for each in scored for name, v in each.score.values.items()]
    return pd.DataFrame(rows, columns=["run", "metric", "value"])


def details(scored: Sequence[Scored]) -> dict:
    """What figures are drawn from, as plain data: {"runs": {run: {metric: {name: array}}}}."""
    runs: dict[str, dict] = {}
    for each in scored:
        arrays = {name: _plain(values) for name, values in each.score.detail.items()}
        runs.setdefault(each.run, {})[each.metric] = arrays
    return {"runs": runs}


def _plain(values: ArrayLike) -> list:
    """An array as nested lists that JSON can say: NaN is null, an infinite value "inf" or "-inf".

    `np.array(..., float)` reads them back.
    """
    array = np.asarray(values)
    plain = array.astype(object)
    plain[pd.isna(array)] = None
    if array.dtype.kind == "f":
        plain[np.isposinf(array)] = "inf"
        plain[np.isneginf(array)] = "-inf"
    return plain.tolist()


def records(table: pd.DataFrame) -> list[dict]:
    """The rows of a table as JSON can say them, every value to its last digit."""
    columns = {name: _plain(column.to_numpy()) for name, column in table.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def measure(name: str, run: Representation, seed: int = 0, **options) -> Score:
    """One metric of one run, with the metric's own options; a run that diverged scores NaN."""
    metric = plugins.load("metrics", name)
    if run.failed:
        return Score({value.name: np.nan for value in metric.values})
    given = {need: getattr(run, need) for need in needs(name)}
    if "rng" in inspect.signature(metric.compute).parameters:
        options["rng"] = generator(seed, name)
    return metric.compute(**given, **options)


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator for one purpose, such as a metric: apart from those of all others."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def coded(run: Representation, code: Code, seed: int) -> Representation:
    """The run with the codes that are asked for: its means or a sample of its posterior."""
    if code == "mean" or run.failed:
        return run
    if run.posterior is None:
        raise UserError("sampled codes need logvar, which is not given")
    return run.sampled(generator(seed, "sampled"))


def with_companions(runs: list[tuple[Any, Representation]]) -> list[tuple[Any, Representation]]:
    """Each run beside the posteriors of the others that did not diverge, if all have one."""
    posteriors = {name: run.posterior for name, run in runs if not run.failed}
    if any(posterior is None for posterior in posteriors.values()):
        return runs
    return [
        (name, replace(run, companions=[p for other, p in posteriors.items() if other != name]))
        for name, run in runs
    ]


def needs(name: str) -> list[str]:
    """What a metric takes from a representation: its function's positional parameters."""
    metric: Metric = plugins.load("metrics", name)
    parameters = inspect.signature(metric.compute).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def chosen(metrics: Sequence[str] | None, run: Representation) -> list[str]:
    """The metric files to compute: those asked for, or all that the run can give.

    A metric is asked for by the name of its file or of one of its values.
    """
    if metrics is None:
        names = plugins.names("metrics")
        return [name for name in names if not lacks(name, run) and not pointless(name, run)]
    files = list(dict.fromkeys(file_of(name) for name in metrics))
    for name in files:
        if missing := lacks(name, run):
            raise UserError(f"the metric {name!r} needs {missing}, which is not given")
    return files


def lacks(name: str, run: Representation) -> str | None:
    """The first thing that a metric needs and the run does not have, in words."""
    return next((WORDS.get(n, n) for n in needs(name) if getattr(run, n) is None), None)


def pointless(name: str, run: Representation) -> bool:
    """Whether a metric compares runs, and there is but one."""
    return "companions" in needs(name) and not run.companions


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


def levels(factors: np.ndarray, metrics: Sequence[str] | None = None, seed: int = 0):
    """What chance and a perfect code score on these very factors: columns metric, chance, perfect.

    The perfect code has one latent for each factor that varies, its class on a scale of unit
    variance, known to a twentieth of the step between classes. Chance is the same code with its
    rows shuffled. Metrics that look at no factors have neither.
    """
    files = plugins.names("metrics") if metrics is None else map(file_of, metrics)
    supervised = [name for name in files if "factors" in needs(name)]
    perfect = _perfect(factors)
    shuffled = generator(seed, "chance").permutation(len(factors))
    chance = replace(perfect, mean=perfect.mean[shuffled], logvar=perfect.logvar[shuffled])
    rows = [
        (key, by_chance, measure(name, perfect, seed).values[key])
        for name in dict.fromkeys(supervised)
        for key, by_chance in measure(name, chance, seed).values.items()
    ]
    return pd.DataFrame(rows, columns=["metric", "chance", "perfect"])


def _perfect(factors: np.ndarray) -> Representation:
    varying = factors[:, factors.min(0) < factors.max(0)].astype(float)
    if not varying.size:
        raise UserError("no factor has more than one class; chance and perfection need one")
    scale = varying.std(0)
    width = np.broadcast_to(2 * np.log(0.05 / scale), varying.shape)
    return represent((varying - varying.mean(0)) / scale, factors, logvar=width)


def collect(study: Study, results: Path) -> pd.DataFrame:
    """The tidy table of a study: a row for each run and value, from every pack's score files.

    Columns: dataset, objective, setting, seed, one for each swept setting, metric, value.
    """
    scores = pd.concat([_of_pack(study, pack, results) for pack in study.packs], ignore_index=True)
    identity = ["dataset", "objective", "setting", "seed"]
    swept = [column for column in scores if column not in (*identity, "metric", "value")]
    return scores[[*identity, *swept, "metric", "value"]]


def _of_pack(study: Study, pack: Pack, results: Path) -> pd.DataFrame:
    folder = results / study.study / pack.path / "scores"
    scores = pd.concat([read(folder / f"{metric}.csv") for metric in study.metrics])
    return scores.rename(columns={"run": "seed"}).assign(
        dataset=pack.dataset,
        objective=pack.objective,
        setting=pack.setting,
        seed=lambda table: table["seed"].astype(int),
        **study.point(pack),
    )


def scored_by(study: Study, results: Path) -> list[dict]:
    """With what code the study was scored, each once, as far as the details say it."""
    folders = (results / study.study / pack.path / "scores" for pack in study.packs)
    paths = (folder / f"{metric}.json" for folder in folders for metric in study.metrics)
    details = (json.loads(files.checked(path).read_text()) for path in paths if path.exists())
    return unique(each["provenance"] for each in details if "provenance" in each)


def read(path: Path) -> pd.DataFrame:
    """A score file, every value to its last digit."""
    return pd.read_csv(files.checked(path), dtype={"run": str})


def write_parquet(scores: pd.DataFrame, path: Path, provenance: dict) -> None:
    """A tidy table as parquet, names encoded as dictionaries; what is missing is null.

    The schema's metadata holds the provenance as JSON under `disentbench`.
    """
    table = pa.Table.from_pandas(scores, preserve_index=False)
    metadata = table.schema.metadata | {"disentbench": json.dumps(provenance)}
    names = list(scores.select_dtypes(exclude="number"))
    parquet.write_table(
        table.replace_schema_metadata(metadata), path, compression="zstd", use_dictionary=names
    )
