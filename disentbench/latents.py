"""Latents on disk: what encode writes, and the representations that anybody brings."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench import hdf5
from disentbench.columns import logvar_of
from disentbench.datasets import Images
from disentbench.divergence import beyond
from disentbench.errors import UserError
from disentbench.identities import Identity
from disentbench.posterior import Encoded
from disentbench.representation import Representation, classes, represent

SCHEMA = 1


def write(
    path: Path,
    runs: Iterable[Encoded],
    images: Images,
    *,
    identity: dict[str, str],
    groups: dict[str, list[int]],
    provenance: dict,
    said: Identity | None = None,
) -> None:
    """Write latents.h5, run by run; it is there whole or not at all.

    `identity` names study, dataset, objective and setting, `said` is what the file says it is. A
    run that diverged is kept as NaN.
    """
    with hdf5.create(path, said) as file:
        file.attrs.update({"schema": SCHEMA, **identity})
        file.attrs["provenance"] = json.dumps(provenance)
        file.attrs["groups"] = json.dumps(groups)
        factors = file.create_dataset("factors", data=images.factors)
        factors.attrs["names"] = list(images.factor_names)
        factors.attrs["sizes"] = list(images.factor_sizes)
        hdf5.label_axes(factors, "image", "factor")
        index = file.create_dataset("index", data=np.arange(len(images)))
        hdf5.label_axes(index, "image")
        for name in ("seeds", "failed"):
            dtype = np.int64 if name == "seeds" else bool
            file.create_dataset(name, shape=(0,), maxshape=(None,), dtype=dtype)
            hdf5.label_axes(file[name], "run")
        for run in runs:
            _append(file, run)


def _append(file: hdf5.Group, run: Encoded) -> None:
    mean, logvar, logits = run.posterior
    axes = ("run", "image", "latent")
    _append_row(file, "mean", mean, axes)
    _append_row(file, "logvar", logvar, axes)
    _append_row(file, "distortion", run.distortion, axes[:2])
    for group, values in logits.items():
        _append_row(file, f"logits/{group}", values, ("run", "image", "class"))
    for name, value in (("seeds", run.seed), ("failed", run.failed)):
        file[name].resize(len(file[name]) + 1, axis=0)
        file[name][-1] = value


def _append_row(file: hdf5.Group, name: str, values: np.ndarray, axes: tuple[str, ...]) -> None:
    """One more run of a dataset whose chunks are runs."""
    if name not in file:
        shape = (0, *values.shape)
        chunk = (1, *values.shape)
        file.create_dataset(name, shape, "float32", maxshape=(None, *values.shape), chunks=chunk)
        hdf5.label_axes(file[name], *axes)
    file[name].resize(len(file[name]) + 1, axis=0)
    file[name][-1] = values


class Columns(NamedTuple):
    """Which columns of a table are codes, which are factors, and which go with the codes.

    Without `logvar`, logvarN goes with zN.
    """

    codes: list[str]
    factors: list[str]
    logvar: list[str] | None = None


def read(path: str | Path, columns: Columns | None = None) -> Iterator[tuple[str, Representation]]:
    """Each run of a file with its name: ours, or anybody's .h5, .npz, .csv or .parquet.

    Arrays: `mean` ([image, latent] or [run, image, latent]) and `factors` [image, factor] are
    needed; `logvar` of mean's shape, in HDF5 also `logits/{group}`, `distortion`, `seeds` and
    `groups`, may be there. Tables: a row for each image, codes in the columns z0, z1, ..., factors
    in v0, v1, ..., if there logvar in logvar0, ...; or `columns` names them: logvarN goes with zN.
    """
    reader = READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise UserError(f"{path} is of no known kind; bring {', '.join(READERS)}")
    if columns and reader is not _read_table:
        raise UserError(f"{path} is no table; columns can be named in .csv and .parquet files")
    name = None
    for name, arrays in _as_data(path, reader(Path(path), columns)):
        try:
            yield name, represent(**arrays)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
    if name is None:
        raise UserError(f"{path} holds no run; mean is [run, image, latent] with none in it")


def read_together(
    paths: Sequence[str | Path], columns: Columns | None = None
) -> Iterator[tuple[tuple[int, str], Representation]]:
    """Each run of several files with the file's place and its name; all are of the same images.

    A run may be there once: a file that is named twice is refused, and a seed that two files have.
    """
    homes: dict[str, int] = {}
    factors = None
    for place, path in enumerate(paths):
        if Path(path).resolve() in [Path(other).resolve() for other in paths[:place]]:
            raise UserError(f"{path} is named twice; name each file once")
        stated = _states_seeds(path)
        for name, run in read(path, columns):
            factors = run.factors if factors is None else factors
            if not np.array_equal(run.factors, factors):
                raise UserError(
                    f"{path} and {paths[0]} differ in their factors; bring runs on the same images"
                )
            if stated and homes.setdefault(name, place) != place:
                raise UserError(
                    f"seed {name} is both in {paths[homes[name]]} and in {path}; a run may be "
                    "there once"
                )
            yield (place, name), run


def _states_seeds(path: str | Path) -> bool:
    """Whether a file says which seeds its runs have; without, their names are their places."""
    if Path(path).suffix.lower() not in (".h5", ".hdf5"):
        return False
    with hdf5.open_data(path) as file:
        return "seeds" in file


def _as_data(path: str | Path, runs: "Arrays") -> "Arrays":
    """The same runs; what breaks the reading of a file from outside is the file's fault."""
    try:
        yield from runs
    except UserError:
        raise
    except (
        *(ArithmeticError, AttributeError, LookupError, MemoryError),
        *(OSError, RuntimeError, TypeError, ValueError),
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} is not as it should be: {reason}") from None


def title(path: str | Path, run: str) -> str:
    """What to call a run: by its objective, setting and seed if the file says them."""
    if Path(path).suffix.lower() in (".h5", ".hdf5"):
        with hdf5.open_data(path) as file:
            if {"objective", "setting"} <= set(file.attrs):
                named = (hdf5.attribute(file, key) for key in ("objective", "setting"))
                return f"{'/'.join(map(str, named))} seed {run}"
    return f"run {run}"


def read_factors(path: str | Path) -> np.ndarray:
    """The factors [image, factor] of a latents file or of a data set file."""
    if Path(path).suffix.lower() in (".h5", ".hdf5"):
        with hdf5.open_checked(path) as file:
            return classes(hdf5.array(file, "factors"))
    return next(read(path))[1].factors


Arrays = Iterator[tuple[str, dict]]  # a run's name and what `represent` takes


def _read_hdf5(path: Path, _: Columns | None) -> Arrays:
    """The runs of a file, one in memory at a time."""
    with hdf5.open_checked(path) as file:
        shared = {"factors": hdf5.array(file, "factors")}
        if "groups" in file.attrs:
            shared["groups"] = hdf5.json_attribute(file, "groups")
        if "names" in file["factors"].attrs:
            shared["factor_names"] = hdf5.attribute(file["factors"], "names")
            if not isinstance(shared["factor_names"], tuple):
                raise UserError(f"{path}: the attribute names of factors is no list of names")
        own = [name for name in ("mean", "logvar", "distortion") if name in file or name == "mean"]
        groups = list(file["logits"]) if "logits" in file else []
        if hdf5.dimensions(file, "mean") < 3:
            logits = {group: hdf5.array(file["logits"], group) for group in groups}
            yield "0", shared | {n: hdf5.array(file, n) for n in own} | {"logits": logits}
            return
        if ours := "schema" in file.attrs:  # whatever we trained is scored as far as it can be
            shared["widest"] = np.inf
        for i, (seed, failed) in enumerate(_members(file)):
            logits = {group: hdf5.row(file["logits"], group, i) for group in groups}
            arrays = {name: hdf5.row(file, name, i) for name in own}
            diverged = failed or (ours and beyond(*arrays.values(), *logits.values()))
            yield seed, shared | arrays | {"logits": logits, "failed": diverged}


def _members(file: hdf5.Group) -> list[tuple[str, bool]]:
    """The name of each run, its seed where there is one, and whether it diverged."""
    runs = file["mean"].shape[0]
    seeds = hdf5.array(file, "seeds") if "seeds" in file else np.arange(runs)
    failed = hdf5.array(file, "failed") if "failed" in file else np.zeros(runs, bool)
    if {len(seeds), len(failed)} != {runs}:
        raise UserError(
            f"{file.filename} has {runs} runs, but {len(seeds)} seeds and {len(failed)} in `failed`"
        )
    names = [str(seed) for seed in seeds]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(
            f"{file.filename} has the seed {twice[0]} twice; a run is known by its seed, so each "
            "may be there once"
        )
    return [(name, bool(mark)) for name, mark in zip(names, failed, strict=True)]


def _read_npz(path: Path, _: Columns | None) -> Arrays:
    arrays = _npz_arrays(path)
    for name in ("mean", "factors"):
        if name not in arrays:
            there = ", ".join(arrays) or "nothing"
            raise UserError(f"{path} has no array {name!r}; it holds {there}")
    if arrays["mean"].ndim < 3:
        yield "0", arrays
        return
    if len(arrays.get("logvar", arrays["mean"])) != len(arrays["mean"]):
        raise UserError(f"{path}: logvar and mean must have as many runs")
    for i in range(len(arrays["mean"])):
        own = {name: values[i] for name, values in arrays.items() if name != "factors"}
        yield str(i), own | {"factors": arrays["factors"]}


def _npz_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays that we know, read as data: an array that would be unpickled is refused."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            known = [name for name in ("mean", "factors", "logvar") if name in archive.files]
            return {name: archive[name] for name in known}
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except Exception as error:  # a mangled archive fails in many ways, all of them the file's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read as .npz: {reason}") from None


def _read_table(path: Path, columns: Columns | None) -> Arrays:
    table = _table(path)
    codes, factors, logvar = columns or _numbered_columns(path, table)
    if columns:
        logvar = logvar_of(path, codes, list(map(str, table.columns)), logvar)
    every = codes + factors + logvar
    if len(set(every)) < len(every):
        raise UserError(f"the columns {', '.join(every)} name one twice; name each once")
    for kind, names in (
        ("codes", codes),
        ("factors", factors),
        *[("logvar", logvar)] * bool(logvar),
    ):
        missing = [name for name in names if name not in table]
        if missing or not names:
            there = ", ".join(map(str, table.columns)) or "none"
            what = f"no column {missing[0]!r}" if missing else f"no columns for the {kind}"
            raise UserError(f"{path} has {what}; its columns are {there}")
    arrays = {"mean": _numbers(path, table[codes]), "factors": _factors(path, table[factors])}
    if logvar:
        arrays["logvar"] = _numbers(path, table[logvar])
    yield "0", arrays


def _numbered_columns(path: Path, table: pd.DataFrame) -> Columns:
    """The columns z0, z1, ..., v0, v1, ... and logvar0, logvar1, ..."""
    return Columns(*(numbered(path, table, letter) for letter in ("z", "v", "logvar")))


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    try:
        return pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except Exception as error:  # a mangled table fails in many ways, all of them the file's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read as a table: {reason}") from None


def numbered(path: Path, table: pd.DataFrame, letter: str) -> list[str]:
    """The columns z0, z1, ...; a gap or a second column of one name is refused."""
    found = [
        name for name in map(str, table.columns) if re.fullmatch(rf"{letter}\d+(\.\d+)?", name)
    ]
    names = [f"{letter}{i}" for i in range(len(found))]
    if odd := sorted(set(found) - set(names)):
        raise UserError(
            f"{path} has a column {odd[0]!r}; number them {letter}0, {letter}1, ... once"
        )
    return names


def _numbers(path: Path, table: pd.DataFrame) -> np.ndarray:
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column):
            raise UserError(f"{path}: column {name!r} holds {column.dtype}; codes are numbers")
    return table.to_numpy(np.float64)


def _factors(path: Path, table: pd.DataFrame) -> np.ndarray:
    """Classes; text has its classes in alphabetical order."""
    if table.isna().any(axis=None):
        row = int(table.isna().any(axis=1).to_numpy().argmax())
        raise UserError(f"{path}: a factor is missing in row {row}; leave such rows out")
    numeric = pd.api.types.is_numeric_dtype
    columns = [c if numeric(c) else pd.factorize(c, sort=True)[0] for _, c in table.items()]
    return np.stack([np.asarray(column) for column in columns], axis=1)


READERS = {
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".npz": _read_npz,
    ".csv": _read_table,
    ".parquet": _read_table,
}
