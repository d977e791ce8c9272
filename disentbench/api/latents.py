"""A file of latents as arrays or as one table."""

from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from disentbench.errors import UserError
from disentbench.posterior.from_files import read_latents
from disentbench.posterior.representation import Representation
from disentbench.storage.representation_files import Reading


class Latents(NamedTuple):
    """The runs of a file over its images; `logvar` and `factors` are None where it has none.

    `seeds` are the runs' names as the file has them, or their places. A run that diverged is NaN.
    """

    mean: Float[np.ndarray, "run image latent"]
    logvar: Float[np.ndarray, "run image latent"] | None
    factors: Int[np.ndarray, "image factor"] | None
    seeds: tuple[int, ...] | tuple[str, ...]
    factor_names: tuple[str, ...]


@overload
def latents(path: str | Path, frame: Literal[False] = False) -> Latents: ...
@overload
def latents(path: str | Path, frame: Literal[True]) -> pd.DataFrame: ...
def latents(path: str | Path, frame: bool = False) -> Latents | pd.DataFrame:
    """The latents in a file: a study's latents.h5, or whatever `disentbench score` reads.

    As arrays, `mean` and `logvar` (log sigma^2) [run, image, latent] and `factors` [image,
    factor], classes from 0 on; or, as a `frame`, a row for each run and image with the columns
    seed, image (its place in the file), z0, z1, ..., logvar0, ..., and the factors by their names
    (v0, v1, ... where it has none). Raises a UserError (a ValueError) for what cannot be read.

    >>> import tempfile, numpy as np, disentbench
    >>> mean = np.arange(12.0).reshape(2, 3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/mine.npz", mean=mean, factors=[[0], [1], [1]])
    ...     table = disentbench.latents(f"{folder}/mine.npz", frame=True)
    >>> list(table), table.shape
    (['seed', 'image', 'z0', 'z1', 'v0'], (6, 5))
    >>> table[table["seed"] == 1]["z1"].tolist()
    [7.0, 9.0, 11.0]
    """
    names, runs = zip(*read_latents(path, Reading(bare=True)), strict=True)
    whole = _stacked(path, names, runs)
    return _table(whole) if frame else whole


def _stacked(path: str | Path, names: tuple[str, ...], runs: tuple[Representation, ...]) -> Latents:
    if len({run.mean.shape for run in runs}) > 1:
        raise UserError(f"{path} has runs of different shapes; read them one by one")
    first = runs[0]
    logvars = [run.logvar for run in runs if run.logvar is not None]
    return Latents(
        np.stack([run.mean for run in runs]),
        np.stack(logvars) if len(logvars) == len(runs) else None,
        first.factors,
        tuple(map(int, names)) if all(map(str.isdecimal, names)) else names,
        first.factor_names or _named("v", 0 if first.factors is None else first.factors.shape[1]),
    )


def _table(latents: Latents) -> pd.DataFrame:
    runs, images, count = latents.mean.shape
    columns = {"seed": np.repeat(latents.seeds, images), "image": np.tile(range(images), runs)}
    for letter, values in (("z", latents.mean), ("logvar", latents.logvar)):
        if values is not None:
            rows = values.reshape(-1, count).T
            columns |= dict(zip(_named(letter, count), rows, strict=True))
    if latents.factors is not None:
        classes = np.tile(latents.factors, (runs, 1)).T
        columns |= dict(zip(latents.factor_names, classes, strict=True))
    return pd.DataFrame(columns)


def _named(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{i}" for i in range(count))
