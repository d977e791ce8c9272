"""Latents on disk: what encode writes, and the representations that anybody brings."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from disentbench import hdf5
from disentbench.datasets import Images
from disentbench.errors import UserError
from disentbench.representation import Posterior, Representation, checked

SCHEMA = 1


class Encoded(NamedTuple):
    """One run: its seed, q(z | x) and -log p(x | z) [image] of every image; did it diverge?"""

    seed: int
    posterior: Posterior
    distortion: np.ndarray
    failed: bool


def write(
    path: Path,
    runs: Iterable[Encoded],
    images: Images,
    *,
    identity: dict[str, str],
    groups: dict[str, list[int]],
    provenance: dict,
) -> None:
    """Write latents.h5, run by run; it is there whole or not at all.

    `identity` says study, dataset, objective and setting. A run that diverged is kept as NaN.
    """
    with hdf5.create(path) as file:
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


def read(path: str | Path) -> Iterator[tuple[str, Representation]]:
    """Each run of a file with its name: ours, or anybody's .h5 or .npz.

    Needed are `mean` ([image, latent] or [run, image, latent]) and `factors` [image, factor];
    `logvar` of mean's shape, `logits/{group}`, `distortion`, `seeds` and `groups` may be there.
    """
    readers = {".h5": _read_hdf5, ".hdf5": _read_hdf5, ".npz": _read_npz}
    reader = readers.get(Path(path).suffix.lower())
    if reader is None:
        raise UserError(f"{path} is of no known kind; bring {', '.join(readers)}")
    for name, run in reader(Path(path)):
        try:
            yield name, checked(run)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None


def _read_hdf5(path: Path) -> Iterator[tuple[str, Representation]]:
    with hdf5.open_data(path) as file:
        shared = {
            "factors": hdf5.array(file, "factors"),
            "groups": hdf5.json_attribute(file, "groups") if "groups" in file.attrs else {},
            "factor_names": _names(file["factors"]),
        }
        yield from _runs(file, shared)


def _names(factors: hdf5.Dataset) -> tuple[str, ...]:
    return tuple(hdf5.attribute(factors, "names")) if "names" in factors.attrs else ()


def _runs(file: hdf5.Group, shared: dict) -> Iterator[tuple[str, Representation]]:
    """The runs of an open file, one in memory at a time."""
    own = [name for name in ("mean", "logvar", "distortion") if name in file or name == "mean"]
    groups = list(file["logits"]) if "logits" in file else []
    if file["mean"].ndim < 3:
        logits = {group: hdf5.array(file["logits"], group) for group in groups}
        yield "0", Representation(**shared, **{n: hdf5.array(file, n) for n in own}, logits=logits)
        return
    for row, seed in enumerate(_seeds(file)):
        logits = {group: hdf5.row(file["logits"], group, row) for group in groups}
        failed = "failed" in file and bool(hdf5.array(file, "failed")[row])
        arrays = {name: hdf5.row(file, name, row) for name in own}
        yield seed, Representation(**shared, **arrays, logits=logits, failed=failed)


def _seeds(file: hdf5.Group) -> list[str]:
    runs = file["mean"].shape[0]
    seeds = hdf5.array(file, "seeds") if "seeds" in file else np.arange(runs)
    if len(seeds) != runs:
        raise UserError(f"seeds has {len(seeds)} entries for {runs} runs")
    return [str(seed) for seed in seeds]


def _read_npz(path: Path) -> Iterator[tuple[str, Representation]]:
    arrays = _npz_arrays(path)
    for name in ("mean", "factors"):
        if name not in arrays:
            there = ", ".join(arrays) or "nothing"
            raise UserError(f"{path} has no array {name!r}; it holds {there}")
    factors = arrays["factors"]
    mean, logvar = arrays["mean"], arrays.get("logvar")
    if mean.ndim < 3:
        yield "0", Representation(mean, factors, logvar)
        return
    for row in range(len(mean)):
        own = None if logvar is None else logvar[row]
        yield str(row), Representation(mean[row], factors, own)


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
