"""Files of somebody's own images, in the arrays of an .npz or an .h5."""

import h5py
import numpy as np
import pytest
from pydantic import ValidationError

from disentbench.datasets import h5, npz, promised
from disentbench.errors import UserError

DATASETS = {"npz": npz.dataset, "h5": h5.dataset}
ROWS = 23
RNG = np.random.default_rng(0)
BYTES = RNG.integers(256, size=(ROWS, 5, 7, 3), dtype=np.uint8)
BITS = RNG.integers(2, size=(ROWS, 5, 7))
FACTORS = np.stack([RNG.permutation(ROWS) % 4 * 10 - 5, RNG.permutation(ROWS) % 3], axis=1)
TEXT = np.array(["red", "blue", "grün"])[np.arange(ROWS) % 3][:, None]


class Own:
    """A file of one kind, which is written anew with every data set that is made of it."""

    def __init__(self, kind, path):
        self.kind, self.path = kind, path

    def write(self, **arrays):
        self.path.unlink(missing_ok=True)
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        if self.kind == "npz":
            np.savez_compressed(self.path, **arrays)
            return
        with h5py.File(self.path, "w") as file:
            for name, array in arrays.items():
                text = array.dtype.kind == "U"
                kind = h5py.string_dtype() if text else array.dtype
                file.create_dataset(name, data=array.astype(object) if text else array, dtype=kind)

    def made(self, options=None, **arrays):
        self.write(**arrays)
        return DATASETS[self.kind](path=self.path, **options or {})

    def read(self, options=None, **arrays):
        dataset = self.made(options, **arrays)
        return promised(dataset, dataset.images(), "what it gives")

    def refused(self, options=None, **arrays):
        """What is said of a file, when a study is read or, at the latest, when its images are."""
        with pytest.raises((UserError, ValidationError)) as refused:
            list(self.made(options, **arrays).images().in_blocks())
        if isinstance(refused.value, ValidationError):
            assert refused.value.error_count() == 1
            return str(refused.value.errors()[0]["ctx"]["error"])
        return str(refused.value)
