"""Scores: metrics of representations, as tidy tables."""

import inspect
import json
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike
from pyarrow import parquet

from disentbench import files, latents, plugins
from disentbench.companions import compared, comparing
from disentbench.errors import UserError
from disentbench.latents import Columns
from disentbench.metrics import Score
from disentbench.plugins import needs
from disentbench.provenance import unique
from disentbench.representation import Representation, represent
from disentbench.study import Pack, Study

Code = Literal["mean", "sampled"]

# What a metric may need, in words for who did not bring it.
WORDS = {"posterior": "logvar", "companions": "other runs, all with logvar"}


class Scored(NamedTuple):
    """One metric of one run; `notes` are what it had to say, such as why a value is NaN."""

    run: str
    metric: str
    score: Score
    notes: list[str]


def score(
    codes: ArrayLike,
    factors: ArrayLike,
    *,
    logvar: ArrayLike | None = None,
    metrics: Sequence[str] | None = None,
    code: Code = "mean",
    seed: int = 0,
) -> dict[str, float]:
    """Metrics of one representation, by the name of each value.

    `codes` [image, latent] are posterior means, `factors` [image, factor] classes; `logvar`
    (log sigma^2) adds the metrics of the posterior, and `code="sampled"` takes the metrics of the
    codes on one sample of it. Without `metrics`, all that can be computed.
    Raises a UserError (a ValueError) for arrays that do not fit and for names that do not exist.
    """
    run = coded(represent(codes, factors, logvar=logvar), code, seed)
    values = {}
    for name in chosen(metrics, run):
        values |= wanted(name, measure(name, run, seed).values, metrics)
    return values


def score_file(
    path: str | Path,
    metrics: Sequence[str] | None = None,
    *,
    code: Code = "mean",
    seed: int = 0,
    columns: Columns | None = None,
    companions: Sequence[str | Path] = (),
) -> Iterator[Scored]:
    """The same for every run of a file, run by run.

    Metrics that compare runs compare each with the others of the file and with all of the files
    `companions`: one run is in memory at a time, and of the others what these metrics keep.
    """
    asked = plugins.names("metrics") if metrics is None else list(map(file_of, metrics))
    kept = compared([path, *companions], comparing(asked), partial(generator, seed), columns)
    for name, run in latents.read(path, columns):
        others = None
        if kept is not None:
            others = [each for of, each in kept.items() if of != (0, name)]
        prepared = coded(replace(run, companions=others), code, seed)
        for metric in chosen(metrics, prepared):
            (values, detail), notes = _noted(attempt, metric, prepared, seed)
            for note in notes:
                warnings.warn(f"run {name}: {note}", stacklevel=2)
            yield Scored(name, metric, Score(wanted(metric, values, metrics), detail), notes)


def _noted(function: Callable, *arguments) -> tuple[Any, list[str]]:
    """What a function returns, and what it warns of, each once."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = function(*arguments)
    return result, list(dict.fromkeys(str(each.message) for each in heard))


def table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Scores as a table with the columns run, metric and value."""
    rows = [(each.run, name, v) for each in scored for name, v in each.score.values.items()]
    return pd.DataFrame(rows, columns=["run", "metric", "value"])


def details(scored: Sequence[Scored]) -> dict:
    """What figures are drawn from, as plain data: {"runs": {run: {metric: {name: array}}}}.

    Beside it {"notes": {run: {metric: [sentence]}}} of those metrics that had something to say.
    """
    runs: dict[str, dict] = {}
    notes: dict[str, dict] = {}
    for each in scored:
        arrays = {name: _plain(values) for name, values in each.score.detail.items()}
        runs.setdefault(each.run, {})[each.metric] = arrays
        if each.notes:
            notes.setdefault(each.run, {})[each.metric] = each.notes
    return {"runs": runs, "notes": notes}


def _plain(values: ArrayLike) -> list:
    """An array as nested lists; what is not finite, which JSON cannot say, as None."""
    array = np.asarray(values)
    return np.where(np.isfinite(array), array, None).tolist()


def measure(name: str, run: Representation, seed: int = 0, **options) -> Score:
    """One metric of one run, with the metric's own options; a run that diverged scores NaN."""
    metric = plugins.load("metrics", name)
    if run.failed:
        warnings.warn(f"it diverged, and {name} is NaN", stacklevel=2)
        return _undefined(name)
    given = {need: getattr(run, need) for need in needs(name)}
    if "companions" in given:
        given["companions"] = [kept[name] for kept in given["companions"]]
    if "rng" in inspect.signature(metric.compute).parameters:
        options["rng"] = generator(seed, name)
    return metric.compute(**given, **options)


def attempt(name: str, run: Representation, seed: int = 0) -> Score:
    """The same, but NaN with a warning where the run's numbers are such that it cannot be computed.

    One odd run must not cost the others their scores, nor a study its report.
    """
    try:
        return measure(name, run, seed)
    except (ArithmeticError, IndexError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        warnings.warn(f"{name} cannot be computed and is NaN: {reason}", stacklevel=2)
        return _undefined(name)


def _undefined(name: str) -> Score:
    return Score({value.name: np.nan for value in plugins.load("metrics", name).values})


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
