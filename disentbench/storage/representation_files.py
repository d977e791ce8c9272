"""Representations on disk, ours and anybody's, as arrays: .h5, .npz, .npy, .csv and .parquet.

What a file claims is looked at before it is read, and one run of it is in memory at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.storage import hdf5, limits, numpy_files, tables

MOST_NAMES = 20  # that an error lists
Arrays = Iterator[tuple[str, dict]]  # a run's name and its arrays, by their names


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


def read_arrays(path: str | Path, reading: Reading = AS_IT_IS) -> Arrays:
    """Each run of a file with its name and its arrays, factors and groups.

    Arrays: `mean` ([image, latent] or [run, image, latent]) and `factors` [image, factor] are
    needed; `logvar` of mean's shape and `distortion` ([image] or [run, image], nats), in HDF5 also
    `logits/{group}`, `held_out` [image], `seeds` and `groups`, may be there. An .npy is the mean,
    `reading.beside` has the rest. Tables: a row for each image, codes in the columns z0, z1, ...,
    factors in v0, v1, ..., if there logvar in logvar0, ...; or `reading` names them: logvarN goes
    with zN.
    `ours` says that the file is a latents file of ours.
    """
    reader = READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise UserError(f"{path} is of no known kind; bring {', '.join(READERS)}")
    if (reading.codes or reading.factors or reading.logvar) and reader is not _read_table:
        raise UserError(f"{path} is no table; columns can be named in .csv and .parquet files")
    if reading.beside and reader is not _read_npy:
        raise UserError(f"{path} is no .npy file; arrays go --with those alone")
    yield from _as_data(path, reader(Path(path), reading))


def _as_data(path: str | Path, runs: Arrays) -> Arrays:
    """Runs as they are read; what breaks the reading of a file from outside is the file's fault."""
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


def _read_hdf5(path: Path, reading: Reading) -> Arrays:
    """The runs of a file, one in memory at a time."""
    with hdf5.open_checked(path) as file:
        names = [name for name in ARRAYS if name in file or name == "mean"]
        if "factors" in names:
            names.remove("factors")
        groups = [f"logits/{group}" for group in hdf5.names(file, "logits")]
        several = len(hdf5.shape(file, "mean")) > 2
        _require_bounds(file, [*names, *groups], several, reading)
        shared = _shared(file, reading)
        if not several:
            yield "0", shared | _arrays(file, names, groups, hdf5.array)
            return
        for i, (seed, failed) in enumerate(_members(file)):
            arrays = _arrays(file, names, groups, lambda file, name, i=i: hdf5.row(file, name, i))
            yield seed, shared | arrays | {"failed": failed}


def _arrays(
    file: hdf5.File, names: list[str], groups: list[str], values: Callable[..., np.ndarray]
) -> dict:
    """What `represent` takes of one run; `values` reads it."""
    logits = {name.removeprefix("logits/"): values(file, name) for name in groups}
    return {name: values(file, name) for name in names} | {"logits": logits}


def _require_bounds(file: hdf5.File, names: list[str], several: bool, reading: Reading) -> None:
    """Look at what a file claims before any of it is read."""
    mean, path = hdf5.shape(file, "mean"), file.filename
    for name in names if several else ():
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
    claimed = sum(hdf5.claim(file, name, one=several) for name in names)
    claimed += sum(hdf5.claim(file, name) for name in ("factors", "held_out") if name in file)
    limits.require_memory(path, claimed, reading.memory)


def _shared(file: hdf5.File, reading: Reading) -> dict:
    """What all runs of a file have in common: factors, their names, groups, what was held out.

    Of a data set without ground truth a file of ours has no factors.
    """
    shared: dict[str, Any] = {"ours": hdf5.is_ours(file)}
    known = "factors" in file
    without = known and hdf5.is_ours(file) and hdf5.shape(file, "factors")[1:] == (0,)
    if not without and (known or not reading.bare):
        shared["factors"] = hdf5.array(file, "factors")
        if "names" in file["factors"].attrs:
            shared["factor_names"] = hdf5.attribute(file["factors"], "names")
            if not isinstance(shared["factor_names"], tuple):
                raise UserError(
                    f"{file.filename}: the attribute names of factors is no list of names"
                )
    if "held_out" in file:
        shared["held_out"] = hdf5.array(file, "held_out")
    if "groups" in file.attrs:
        shared["groups"] = _groups(file)
    return shared


def _groups(file: hdf5.File) -> dict[str, list[int]]:
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


def _members(file: hdf5.File) -> list[tuple[str, bool]]:
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
    left, arrays = reading.memory, {}
    for name, file in {"mean": path, **reading.beside}.items():
        arrays[name] = numpy_files.npy(Path(file), left)
        left = max(0, left - arrays[name].nbytes)
    yield from _runs(path, arrays)


def _require_named(path: Path, there: list[str], reading: Reading) -> None:
    """Refuse a file without the arrays that are needed, and list those that it has."""
    for name in ("mean",) if reading.bare else ("mean", "factors"):
        if name not in there:
            names = ", ".join(there[:MOST_NAMES]) or "nothing"
            raise UserError(f"{path} has no array {name!r}; it holds {names}; {_expected()}")


def _expected() -> str:
    return f"the names are {', '.join(ARRAYS)}, of which mean and factors are needed"


def _runs(path: Path, arrays: dict[str, np.ndarray]) -> Arrays:
    """The runs of arrays that are all in memory."""
    mean = arrays["mean"]
    if mean.ndim < 3:
        yield "0", arrays
        return
    shared = {name: arrays[name] for name in ("factors",) if name in arrays}
    of_runs = {name: values for name, values in arrays.items() if name not in shared}
    for name, values in of_runs.items():
        if values.shape[:1] != mean.shape[:1]:
            raise UserError(f"{path}: {name} and mean must have as many runs")
    limits.require_count(path, len(mean), limits.MOST_RUNS, "runs")
    for i in range(len(mean)):
        yield str(i), shared | {name: values[i] for name, values in of_runs.items()}


def _read_table(path: Path, reading: Reading) -> Arrays:
    columns = reading.codes, reading.factors, reading.logvar
    yield "0", tables.read_table(path, *columns, memory=reading.memory, bare=reading.bare)


READERS = {
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_table,
    ".parquet": _read_table,
}
