"""Files read as representations: each run of ours, or of anybody's."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disentbench.errors import UserError
from disentbench.posterior.divergence import beyond
from disentbench.posterior.from_arrays import represent
from disentbench.posterior.representation import Representation
from disentbench.storage import hdf5, limits
from disentbench.storage.classes import classes
from disentbench.storage.representation_files import AS_IT_IS, Reading, read_arrays
from disentbench.study.evaluation import WHOLE, Evaluate

HDF5 = (".h5", ".hdf5")


def read_latents(
    path: str | Path, reading: Reading = AS_IT_IS
) -> Iterator[tuple[str, Representation]]:
    """Each run of a file with its name: `read_arrays` says which kinds there are.

    Of our own files a run has diverged, too, if what it encodes is beyond what can be measured, and
    whatever is not is scored as far as it can be.
    """
    name = None
    for name, arrays in read_arrays(path, reading):
        for kind, things in (("mean", "latents"), ("factors", "factors")):
            columns = np.shape(arrays.get(kind, ()))[1:]
            limits.require_count(path, max(columns, default=0), limits.MOST_COLUMNS, things)
        try:
            yield name, _represented(**arrays)
        except UserError as error:
            raise UserError(f"{path}, run {name}: {error}") from None
    if name is None:
        raise UserError(f"{path} holds no run; mean is [run, image, latent] with none in it")


def _represented(ours: bool = False, failed: bool = False, **arrays: Any) -> Representation:
    if not ours:
        return represent(**arrays, failed=failed)
    kept = [arrays[name] for name in ("mean", "logvar", "distortion") if name in arrays]
    # float16 has no number as large as what they are compared with
    encoded = [np.asarray(values, np.float32) for values in (*kept, *arrays["logits"].values())]
    failed = failed or beyond(*encoded)
    return represent(**arrays, failed=failed, widest=np.inf)


def read_together(
    paths: Sequence[str | Path], reading: Reading = AS_IT_IS
) -> Iterator[tuple[tuple[int, str], Representation]]:
    """Each run of several files with the file's place and its name; all are of the same images.

    A run may be there once: a file that is named twice is refused, and a seed that two files have.
    """
    homes: dict[str, int] = {}
    factors = None
    for place, path in enumerate(paths):
        if os.path.realpath(path) in [os.path.realpath(other) for other in paths[:place]]:
            raise UserError(f"{path} is named twice; name each file once")
        stated = _states_seeds(path)
        for name, run in read_latents(path, reading):
            factors = run.factors if factors is None else factors
            if not np.array_equal(np.asarray(run.factors), np.asarray(factors)):
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
    if Path(path).suffix.lower() not in HDF5:
        return False
    with hdf5.open_data(path) as file:
        return "seeds" in file


def title(path: str | Path, run: str) -> str:
    """What to call a run: by its objective, setting and seed if the file says them."""
    if Path(path).suffix.lower() in HDF5:
        with hdf5.open_data(path) as file:
            if {"objective", "setting"} <= set(file.attrs):
                named = (hdf5.attribute(file, key) for key in ("objective", "setting"))
                return f"{'/'.join(map(str, named))} seed {run}"
    return f"run {run}"


def read_factors(
    path: str | Path, reading: Reading = AS_IT_IS, evaluate: Evaluate = WHOLE
) -> np.ndarray:
    """The factors [image, factor] of a latents file or of what is evaluated of a data set file.

    [image, 0] of a file of ours on images without ground truth.
    """
    if Path(path).suffix.lower() in HDF5:
        with hdf5.open_checked(path) as file:
            limits.require_memory(path, hdf5.claim(file, "factors"), reading.memory)
            factors = hdf5.array(file, "factors")
            if evaluate != WHOLE:
                factors = factors[evaluate.rows(factors, factor_names(file))]
            bare = hdf5.is_ours(file) and factors.shape[1:] == (0,)
            return factors if bare else classes(factors)
    _, run = next(read_latents(path, reading))
    assert run.factors is not None  # `reading` asks for them
    return run.factors


def factor_names(file: hdf5.File) -> tuple[str, ...]:
    """What the factors of a data set file are called."""
    names = hdf5.attribute(file, "factor_names")
    return names if isinstance(names, tuple) else ()  # an empty list has no kind
