"""The latents file, latents.h5: what encoding makes of every image, run by run.

/                attributes schema, study, dataset, objective, setting, groups, provenance
mean, logvar     float32 [run, image, latent]  q(z | x)
logits/{group}   float32 [run, image, class]   of each discrete group
distortion       float32 [run, image]  -log p(x | z), nats
factors          [image, factor]  classes 0 .. n-1, without ground truth [image, 0]; attributes
                                  names, sizes
index            [image]  place in the data set file
held_out         bool [image]  whether training never drew it; only where a data set holds some out
seeds, failed    [run]
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from disentbench.storage import hdf5
from disentbench.storage.identities import Identity
from disentbench.storage.images import Images

SCHEMA = 1


class Encoded(NamedTuple):
    """One run: its seed, q(z | x) and -log p(x | z) of every image; did it diverge?"""

    seed: int
    mean: Float[np.ndarray, "image latent"]
    logvar: Float[np.ndarray, "image latent"]
    logits: dict[str, Float[np.ndarray, "image _"]]
    distortion: Float[np.ndarray, " image"]
    failed: bool


def write_latents(
    path: Path,
    runs: Iterable[Encoded],
    images: Images,
    *,
    identity: dict[str, str],
    groups: dict[str, list[int]],
    provenance: dict,
    held_out: Bool[np.ndarray, " image"] | None = None,
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
        factors.attrs["names"] = np.array(images.factor_names, hdf5.TEXT)
        factors.attrs["sizes"] = np.array(images.factor_sizes, np.int64)
        hdf5.label_axes(factors, "image", "factor")
        index = file.create_dataset("index", data=np.arange(len(images)))
        hdf5.label_axes(index, "image")
        if held_out is not None:
            hdf5.label_axes(file.create_dataset("held_out", data=held_out), "image")
        for name in ("seeds", "failed"):
            dtype = np.int64 if name == "seeds" else bool
            file.create_dataset(name, shape=(0,), maxshape=(None,), dtype=dtype)
            hdf5.label_axes(file[name], "run")
        for run in runs:
            _append(file, run)


def _append(file: hdf5.Group, run: Encoded) -> None:
    axes = ("run", "image", "latent")
    _append_row(file, "mean", run.mean, axes)
    _append_row(file, "logvar", run.logvar, axes)
    _append_row(file, "distortion", run.distortion, axes[:2])
    for group, values in run.logits.items():
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
