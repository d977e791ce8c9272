"""The latents file, latents.h5: what encoding makes of the evaluated images, run by run.

/                attributes schema, study, dataset, objective, setting, groups, provenance
mean, logvar     [run, image, latent]  q(z | x), float32, or float16 where a study asks for it
logits/{group}   [run, image, class]   of each discrete group, likewise
distortion       float32 [run, image]  -log p(x | z), nats
factors          [image, factor]  classes 0 .. n-1, without ground truth [image, 0]; attributes
                                  names, sizes
index            [image]  place in the data set file, which may have images that are not here
held_out         bool [image]  whether training never drew it; only where a data set holds some out
seeds, failed    [run]

float16 holds a number to 2^-11 of its size, and none beyond 65504. Where that would alter what is
measured, the file is not written: a mean may move by SHIFT of its posterior's standard deviation,
as the root mean square over the images. A mixture whose components are moved by so much at random
is as one whose variances are larger by SHIFT^2 in relation, and its entropy is off by no more than
log(1 + SHIFT^2) / 2 = 0.005 nats a latent; benchmarks/evaluation.py measures less.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from disentbench.errors import UserError
from disentbench.storage import hdf5
from disentbench.storage.identities import Identity
from disentbench.storage.images import Images

SCHEMA = 1
SHIFT = 0.1  # standard deviations of q(z | x)


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
    rows: Int[np.ndarray, " image"] | None = None,
    half: bool = False,
    identity: dict[str, str],
    groups: dict[str, list[int]],
    provenance: dict,
    held_out: Bool[np.ndarray, " image"] | None = None,
    said: Identity | None = None,
) -> None:
    """Write latents.h5, run by run; it is there whole or not at all.

    The runs are of the images at `rows`, of all where there are none; `half` keeps their latents
    in float16, or raises a UserError where that holds too little of them. `identity` names study,
    dataset, objective and setting, `said` is what the file says it is. A run that diverged is kept
    as NaN.
    """
    index = np.arange(len(images)) if rows is None else rows
    with hdf5.create(path, said) as file:
        file.attrs.update({"schema": SCHEMA, **identity})
        file.attrs["provenance"] = json.dumps(provenance)
        file.attrs["groups"] = json.dumps(groups)
        factors = file.create_dataset("factors", data=images.factors[index])
        factors.attrs["names"] = np.array(images.factor_names, hdf5.TEXT)
        factors.attrs["sizes"] = np.array(images.factor_sizes, np.int64)
        hdf5.label_axes(factors, "image", "factor")
        hdf5.label_axes(file.create_dataset("index", data=index), "image")
        if held_out is not None:
            hdf5.label_axes(file.create_dataset("held_out", data=held_out), "image")
        for name in ("seeds", "failed"):
            dtype = np.int64 if name == "seeds" else bool
            file.create_dataset(name, shape=(0,), maxshape=(None,), dtype=dtype)
            hdf5.label_axes(file[name], "run")
        for run in runs:
            _append(file, halved(run) if half else run)


def halved(run: Encoded) -> Encoded:
    """A run in float16, but for its distortion; a UserError where that would alter it."""
    logits = {group: _short(run.seed, group, values) for group, values in run.logits.items()}
    mean, logvar = (_short(run.seed, name, getattr(run, name)) for name in ("mean", "logvar"))
    moved = shift(run.mean, run.logvar, mean)
    if not run.failed and moved.max() > SHIFT:
        raise UserError(
            f"seed {run.seed}: float16 moves the means of latent {moved.argmax()} by "
            f"{moved.max():.2g} of their standard deviation, where {SHIFT:g} alters little; set "
            "evaluate.latents to float32"
        )
    return run._replace(mean=mean, logvar=logvar, logits=logits)


def _short(seed: int, name: str, values: Float[np.ndarray, "image _"]) -> np.ndarray:
    """Values in float16, which are NaN of a run that diverged; a UserError for one too large."""
    with np.errstate(over="ignore"):
        short = values.astype(np.float16)
    if np.isinf(short).any():
        raise UserError(
            f"seed {seed}: {name} reaches {abs(values).max():.3g} in size, and float16 holds at "
            "most 65504; set evaluate.latents to float32"
        )
    return short


def shift(
    mean: Float[np.ndarray, "image latent"],
    logvar: Float[np.ndarray, "image latent"],
    rounded: Float[np.ndarray, "image latent"],
) -> Float[np.ndarray, " latent"]:
    """How far rounding has moved means, in standard deviations: the root mean square."""
    away = rounded - mean.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # widths of which there are none
        moved = away * np.exp(-logvar.astype(np.float64) / 2)
        # A mean that float16 holds has not moved, in whatever width: 0, not 0 x infinity.
        return np.sqrt((np.where(away == 0, 0, moved) ** 2).mean(0))


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
        room = (None, *values.shape)
        file.create_dataset(name, shape, values.dtype, maxshape=room, chunks=chunk)
        hdf5.label_axes(file[name], *axes)
    file[name].resize(len(file[name]) + 1, axis=0)
    file[name][-1] = values
