"""Data sets with an image of every combination of their factors' classes, and sub-grids."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, UInt8
from pydantic import field_validator

from disentbench.datasets import Dataset
from disentbench.options import is_whole
from disentbench.storage.images import Blocks, Images, Pixels

Classes = tuple[int, ...]


class GridDataset(Dataset):
    """A sub-grid of the factors in `values`, each of which is a field of the subclass.

    Per factor a study keeps one class, a list, or {stride: n}; by default all. `values` holds the
    physical value of every class, the slowest factor first.
    """

    values: ClassVar[dict[str, Float[np.ndarray, " class"]]]

    @field_validator("*", mode="before")
    @classmethod
    def _classes(cls, choice: Any, info: Any) -> Any:
        values = cls.values.get(info.field_name or "")
        return choice if values is None else classes_kept(choice, len(values))

    @property
    def factors(self) -> dict[str, Classes]:
        """Each factor's name with the classes that are kept."""
        return {name: getattr(self, name) for name in self.values}

    @property
    def rows(self) -> Int[np.ndarray, " image"]:
        """Where the images kept stand in the order of the whole grid."""
        sizes = [len(values) for values in self.values.values()]
        return np.ravel_multi_index(np.ix_(*self.factors.values()), sizes).ravel()

    @property
    def classes(self) -> Int[np.ndarray, "image factor"]:
        """The classes of every image, counted among those that are kept."""
        return grid(self.sizes)

    def binary(self, bits: UInt8[np.ndarray, "image byte"]) -> Images:
        """The images of the sub-grid from their packed pixels."""
        return self._with(bits=bits)

    def coloured(self, pixels: Pixels | Blocks) -> Images:
        """The images of the sub-grid from their pixels."""
        return self._with(pixels=pixels)

    def _with(self, **stored: Any) -> Images:
        values = tuple(self.values[name][list(kept)] for name, kept in self.factors.items())
        return Images(
            name=self.name,
            label=self.label,
            shape=self.stored_shape,
            factors=self.classes,
            factor_names=tuple(self.values),
            factor_values=values,
            **stored,
        )


def grid(sizes: tuple[int, ...]) -> Int[np.ndarray, "image factor"]:
    """Every combination of classes, the last factor fastest."""
    return np.ascontiguousarray(np.indices(sizes).reshape(len(sizes), -1).T)


def classes_kept(choice: Any, size: int) -> tuple[int, ...]:
    """The classes, in ascending order, that a study keeps of a factor with `size` classes.

    `choice` is one class, a list of classes, or {"stride": n} for every n-th class from 0 on.
    """
    if isinstance(choice, dict):
        return tuple(range(0, size, _stride(choice)))
    chosen = tuple(choice) if isinstance(choice, list | tuple) else (choice,)
    if not chosen:
        raise ValueError(f"an empty list keeps no class; name at least one of 0 to {size - 1}")
    for kept in chosen:
        if not is_whole(kept, 0, size - 1):
            raise ValueError(
                f"there is no class {kept!r}; choose from 0 to {size - 1}, as one number, a list "
                f"or {{stride: n}}"
            )
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"{list(chosen)} names a class twice; name each once")
    return tuple(sorted(chosen))


def _stride(choice: dict) -> int:
    if list(choice) != ["stride"] or not is_whole(choice["stride"], 1, 2**31):
        raise ValueError(f"{choice} is no choice; write {{stride: n}} with a whole number n >= 1")
    return choice["stride"]
