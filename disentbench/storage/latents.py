"""Latents on disk: what encode writes, and the representations that anybody brings."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from disentbench.storage.images import Images
from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.posterior import Encoded
from disentbench.posterior.divergence import beyond
from disentbench.posterior.representation import Representation, classes, represent
from disentbench.storage import hdf5, limits, numpy_files, tables
from disentbench.storage.identities import Identity

SCHEMA = 1
MOST_NAMES = 20  # that an error lists


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


class Reading(NamedTuple):
    """How a file is to be read.

    `codes`, `factors` and `logvar` name a table's columns (logvarN goes with zN by itself),
    `beside` the files of the arrays that go with an .npy of codes; `memory` is how many bytes the
    arrays may take, and `bare` allows for no factors.
    """

    codes: list[str] | None = None
    factors: list[str] | None = None
    logvar: list[str] | None = None
    beside: Mapping[str, Path] = {}
    memory: int = limits.MEMORY
    bare: bool = False


AS_IT_IS = Reading()
OF_RUNS = {"seeds": "a whole number or a text", "failed": "true or false"}
ARRAYS = ("mean", "factors", "logvar", "distortion")  # what a file may hold, codes first


def read(path: str | Path, reading: Reading = AS_IT_IS) -> Iterator[tuple[str, Representation]]:
    """Each run of a file with its name: ours, or anybody's .h5, .npz, .npy, .csv or .parquet.

    Arrays: `mean` ([image, latent] or [run, image, latent]) and `factors` [image, factor] are
    needed; `logvar` of mean's shape and `distortion` ([image] or [run, image], nats), in HDF5 also
    `logits/{group}`, `seeds` and `groups`, may be there. An .npy is the mean, `reading.beside` has
    the rest. Tables: a row for each image, codes in the columns z0, z1, ..., factors in v0, v1,
    ..., if there logvar in logvar0, ...; or `reading` names them: logvarN goes with zN.
    """
    reader = READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise UserError(f"{path} is of no known kind; bring {', '.join(READERS)}")
    if (reading.codes or reading.factors or reading.logvar) and reader is not _read_table:
        raise UserError(f"{path} is no table; columns can be named in .csv and .parquet files")
    if reading.beside and reader is not _read_npy:
        raise UserError(f"{path} is no .npy file; arrays go --with those alone")
    name = None
    for name, arrays_ in _as_data(path, reader(Path(path), reading)):
        for kind, things in (("mean", "latents"), ("factors", "factors")):
            columns = np.shape(arrays_.get(kind, ()))[1:]
            limits.require_count(path, max(columns, default=0), limits.MOST_COLUMNS, things)
        try:
            yield name, represent(**arrays_)
        except UserError as error:
            raise UserError(f"{path}, run {name}: {error}") from None
    if name is None:
        raise UserError(f"{path} holds no run; mean is [run, image, latent] with none in it")


def read_together(
    paths: Sequence[str | Path], reading: Reading = AS_IT_IS
) -> Iterator[tuple[tuple[int, str], Representation]]:
    """Each run of several files with the file's place and its name; all are of the same images.

    A run may be there once: a file that is named twice is refused, and a seed that two files have.
    """
    homes: dict[str, int] = {}
    factors = None
    for place, path in enumerate(paths):
        if os.path.realpath(path) in map(os.path.realpath, paths[:place]):
            raise UserError(f"{path} is named twice; name each file once")
        stated = _states_seeds(path)
        for name, run in read(path, reading):
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


def read_factors(path: str | Path, reading: Reading = AS_IT_IS) -> np.ndarray:
    """The factors [image, factor] of a latents file or of a data set file."""
    if Path(path).suffix.lower() in (".h5", ".hdf5"):
        with hdf5.open_checked(path) as file:
            limits.require_memory(path, hdf5.claim(file, "factors"), reading.memory)
            return classes(hdf5.array(file, "factors"))
    return next(read(path, reading))[1].factors


Arrays = Iterator[tuple[str, dict]]  # a run's name and what `represent` takes


def _read_hdf5(path: Path, reading: Reading) -> Arrays:
    """The runs of a file, one in memory at a time."""
    with hdf5.open_checked(path) as file:
        own = [name for name in ARRAYS if name in file or name == "mean"]
        if "factors" in own:
            own.remove("factors")
        groups = [f"logits/{group}" for group in hdf5.names(file, "logits")]
        several = len(hdf5.shape(file, "mean")) > 2
        _require_bounds(file, [*own, *groups], several, reading)
        shared = _shared(file, reading)
        if ours := "schema" in file.attrs:  # whatever we trained is scored as far as it can be
            shared["widest"] = np.inf
        if not several:
            yield "0", shared | _arrays(file, own, groups, hdf5.array)
            return
        for i, (seed, failed) in enumerate(_members(file)):
            found = _arrays(file, own, groups, lambda file, name, i=i: hdf5.row(file, name, i))
            diverged = failed or (ours and _is_beyond(**found))
            yield seed, shared | found | {"failed": diverged}


def _arrays(file: hdf5.Group, own: list[str], groups: list[str], values) -> dict:
    """What `represent` takes of one run; `values` reads it."""
    logits = {name.removeprefix("logits/"): values(file, name) for name in groups}
    return {name: values(file, name) for name in own} | {"logits": logits}


def _is_beyond(logits: dict[str, np.ndarray], **arrays: np.ndarray) -> bool:
    """Whether a run of ours has diverged by what it encodes."""
    return beyond(*numpy_files.values(), *logits.values())


def _require_bounds(file: hdf5.Group, own: list[str], several: bool, reading: Reading) -> None:
    """Look at what a file claims before any of it is read."""
    mean, path = hdf5.shape(file, "mean"), file.filename
    for name in own if several else ():
        if hdf5.shape(file, name)[:1] != mean[:1]:
            raise UserError(f"{path}: {name} and mean must have as many runs")
    if several:
        limits.require_count(path, mean[0], limits.MOST_RUNS, "runs")
    for name, what in OF_RUNS.items():
        if name in file:
            shape = hdf5.shape(file, name)
            if len(shape) != 1:
                raise UserError(f"{path}: {name} is {shape}; it must hold {what} for each run")
            limits.require_count(path, shape[0], limits.MOST_RUNS, name)
    claimed = sum(hdf5.claim(file, name, one=several) for name in own)
    if "factors" in file:
        claimed += hdf5.claim(file, "factors")
    limits.require_memory(path, claimed, reading.memory)


def _shared(file: hdf5.Group, reading: Reading) -> dict:
    """What all runs of a file have in common: factors, their names, and groups of latents."""
    shared = {}
    if "factors" in file or not reading.bare:
        shared["factors"] = hdf5.array(file, "factors")
        if "names" in file["factors"].attrs:
            shared["factor_names"] = hdf5.attribute(file["factors"], "names")
            if not isinstance(shared["factor_names"], tuple):
                raise UserError(
                    f"{file.filename}: the attribute names of factors is no list of names"
                )
    if "groups" in file.attrs:
        shared["groups"] = _groups(file)
    return shared


def _groups(file: hdf5.Group) -> dict[str, list[int]]:
    """The groups of latents that a file states."""
    groups = hdf5.json_attribute(file, "groups")
    if not all(
        isinstance(g, list) and all(type(latent) is int for latent in g) for g in groups.values()
    ):
        raise UserError(
            f"{file.filename}: groups are {shown(groups)}; they map names to lists of "
            "latents, whole numbers from 0 on"
        )
    return groups


def _members(file: hdf5.Group) -> list[tuple[str, bool]]:
    """The name of each run, its seed where there is one, and whether it diverged."""
    runs = file["mean"].shape[0]
    seeds = hdf5.array(file, "seeds") if "seeds" in file else np.arange(runs)
    failed = hdf5.array(file, "failed") if "failed" in file else np.zeros(runs, bool)
    if failed.dtype.kind not in "biu" or seeds.dtype.kind not in "iuSO":
        odd, values = ("seeds", seeds) if failed.dtype.kind in "biu" else ("failed", failed)
        raise UserError(
            f"{file.filename}: {odd} holds {values.dtype}; it must hold {OF_RUNS[odd]} for each run"
        )
    if {len(seeds), len(failed)} != {runs}:
        raise UserError(
            f"{file.filename} has {runs} runs, but {len(seeds)} seeds and {len(failed)} in `failed`"
        )
    names = [s.decode(errors="replace") if isinstance(s, bytes) else str(s) for s in seeds]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(
            f"{file.filename} has the seed {twice[0]} twice; a run is known by its seed, so each "
            "may be there once"
        )
    return [(name, bool(mark)) for name, mark in zip(names, failed, strict=True)]


def _read_npz(path: Path, reading: Reading) -> Arrays:
    with numpy_files.opened(path) as archive:
        there = numpy_files.held(archive)
    _require_named(path, there, reading)
    yield from _runs(path, numpy_files.npz(path, ARRAYS, reading.memory))


def _read_npy(path: Path, reading: Reading) -> Arrays:
    """The mean, with the other arrays in files of their own."""
    if unknown := set(reading.beside) - set(ARRAYS[1:]):
        raise UserError(f"no array {sorted(unknown)[0]!r} goes with codes; {_expected()}")
    if not (reading.bare or "factors" in reading.beside):
        raise UserError(f"{path} is codes alone; name the factors, --with factors=FILE.npy")
    left, found = reading.memory, {}
    for name, file in {"mean": path, **reading.beside}.items():
        found[name] = numpy_files.npy(Path(file), left)
        left = max(0, left - found[name].nbytes)
    yield from _runs(path, found)


def _require_named(path: Path, there: list[str], reading: Reading) -> None:
    """Refuse a file without the arrays that are needed, and list those that it has."""
    for name in ("mean",) if reading.bare else ("mean", "factors"):
        if name not in there:
            names = ", ".join(there[:MOST_NAMES]) or "nothing"
            raise UserError(f"{path} has no array {name!r}; it holds {names}; {_expected()}")


def _expected() -> str:
    return f"the names are {', '.join(ARRAYS)}, of which mean and factors are needed"


def _runs(path: Path, found: dict[str, np.ndarray]) -> Arrays:
    """The runs of arrays that are all in memory."""
    mean = found["mean"]
    if mean.ndim < 3:
        yield "0", found
        return
    shared = {name: found[name] for name in ("factors",) if name in found}
    own = {name: values for name, values in found.items() if name not in shared}
    for name, values in own.items():
        if values.shape[:1] != mean.shape[:1]:
            raise UserError(f"{path}: {name} and mean must have as many runs")
    limits.require_count(path, len(mean), limits.MOST_RUNS, "runs")
    for i in range(len(mean)):
        yield str(i), shared | {name: values[i] for name, values in own.items()}


def _read_table(path: Path, reading: Reading) -> Arrays:
    columns = reading.codes, reading.factors, reading.logvar
    yield "0", tables.read(path, *columns, memory=reading.memory, bare=reading.bare)


READERS = {
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_table,
    ".parquet": _read_table,
}
