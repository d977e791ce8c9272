"""Data sets with an image of every combination of their factors' classes, and sub-grids."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from pydantic import ConfigDict, field_validator, model_validator

from disentbench.datasets import Dataset, _drawing, _forms
from disentbench.datasets._drawing import Classes, Condition, Correlation
from disentbench.options import SINCE, is_whole, shown
from disentbench.storage.images import Blocks, Images, Pixels


class GridDataset(Dataset):
    """A sub-grid of the factors in `values`, each of which is a field of the subclass.

    Per factor a study keeps one class, a list, {stride: n} or {from: a, to: b}; by default all.
    `values` holds the physical value of every class, the slowest factor first; a factor whose
    classes have `names` may be chosen by them.

    Training draws all images alike, or has pairs of factors that `correlate`, and never sees the
    combinations that `hold_out` names: those that meet a condition on each of its factors, or one
    of several such mappings. Neither alters the images.
    """

    model_config = ConfigDict(json_schema_extra=lambda schema, grid: grid.tell_forms(schema))

    values: ClassVar[dict[str, Float[np.ndarray, " class"]]]
    names: ClassVar[dict[str, tuple[str, ...]]] = {}
    drawing: ClassVar = frozenset({"correlate", "hold_out"})

    correlate: Annotated[tuple[Correlation, ...], SINCE] = ()
    hold_out: Annotated[tuple[Condition, ...], SINCE] = ()

    @classmethod
    def tell_forms(cls, schema: dict[str, Any]) -> None:
        """Put into its JSON schema what a study may write for classes."""
        _forms.of_grid(schema, {name: len(held) for name, held in cls.values.items()}, cls.names)

    @field_validator("correlate")
    @classmethod
    def _in_order(cls, pairs: tuple[Correlation, ...]) -> tuple[Correlation, ...]:
        known = all(name in cls.values for pair in pairs for name in pair.factors)
        return tuple(_drawing.in_order(pairs, list(cls.values))) if known else pairs

    @field_validator("*", mode="before")
    @classmethod
    def _classes(cls, choice: Any, info: Any) -> Any:
        name = info.field_name or ""
        return cls._chosen(name, choice) if name in cls.values else choice

    @classmethod
    def _chosen(cls, factor: str, choice: Any) -> Classes:
        return classes_kept(choice, len(cls.values[factor]), cls.names.get(factor, ()))

    @model_validator(mode="before")
    @classmethod
    def _conditions(cls, raw: Any) -> Any:
        """Conditions as the classes that they leave out; a lone mapping is one of them."""
        if not isinstance(raw, dict) or "hold_out" not in raw:
            return raw
        given = raw["hold_out"]
        conditions = [given] if isinstance(given, dict) else given
        if not isinstance(conditions, list | tuple):
            raise ValueError(
                f"hold_out is {shown(given)}; it should be a mapping, or a list of them"
            )
        held = (cls._condition(raw, each) for each in conditions)
        return raw | {"hold_out": tuple(sorted(held, key=cls._place))}

    @classmethod
    def _place(cls, condition: Condition) -> list[tuple[int, Classes]]:
        """What sorts conditions: however they are written, the same is held out."""
        factors = list(cls.values)
        return [(factors.index(name), classes) for name, classes in condition.items()]

    @classmethod
    def _condition(cls, raw: dict[str, Any], condition: Any) -> Condition:
        if not isinstance(condition, dict) or not condition:
            raise ValueError(
                f"hold_out holds {shown(condition)}; a condition maps factors to their classes"
            )
        if unknown := [name for name in condition if name not in cls.values]:
            raise ValueError(
                f"hold_out names {shown(unknown[0])}, which is no factor; the factors are "
                f"{', '.join(cls.values)}"
            )
        named = [name for name in cls.values if name in condition]  # in one order, however written
        return {name: cls._held(raw, name, condition[name]) for name in named}

    @classmethod
    def _held(cls, raw: dict[str, Any], factor: str, choice: Any) -> Classes:
        """The classes of a condition: all are kept; of a stride or a span, those that are."""
        try:
            kept = cls._chosen(factor, raw.get(factor, cls.model_fields[factor].default))
        except ValueError as error:
            raise ValueError(f"{factor}: {error}") from None
        try:
            return _among(cls._chosen(factor, choice), kept, isinstance(choice, dict))
        except ValueError as error:
            raise ValueError(f"hold_out.{factor}: {error}") from None

    @model_validator(mode="after")
    def _something_is_drawn(self) -> "GridDataset":
        _drawing.require_factors(self.correlate, self.factors)
        if self.hold_out and _drawing.share_held_out(self.factors, self.hold_out) == 1:
            raise ValueError(
                "hold_out leaves no combination of classes to train with; hold out less"
            )
        return self

    @property
    def is_weighted(self) -> bool:
        """Whether training draws some images more often than others."""
        return bool(self.correlate or self.hold_out)

    @property
    def holds_out(self) -> bool:
        """Whether training never sees some of the combinations."""
        return bool(self.hold_out)

    def weights(
        self, factors: Int[np.ndarray, "image factor"]
    ) -> Float[np.ndarray, " image"] | None:
        """The probability with which training draws each image; None where all are alike."""
        if not self.is_weighted:
            return None
        return _drawing.weights(factors, self.factors, self.correlate, self.held_out(factors))

    def held_out(
        self, factors: Int[np.ndarray, "image factor"]
    ) -> Bool[np.ndarray, " image"] | None:
        """Which images training never draws; None where none is held out."""
        if not self.hold_out:
            return None
        return _drawing.held_out(factors, self.factors, self.hold_out)

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


def classes_kept(choice: Any, size: int, names: tuple[str, ...] = ()) -> Classes:
    """The classes, in ascending order, that a study keeps of a factor with `size` classes.

    `choice` is one class, a list of classes, {"stride": n} for every n-th class from 0 on, or
    {"from": a, "to": b} for all from a to b. A class that has a name may be called by it.
    """
    if isinstance(choice, dict):
        return _span(choice, size, names) if "stride" not in choice else _strided(choice, size)
    chosen = tuple(choice) if isinstance(choice, list | tuple) else (choice,)
    if not chosen:
        raise ValueError(f"an empty list keeps no class; name at least one of 0 to {size - 1}")
    kept = tuple(_number(each, size, names) for each in chosen)
    if len(set(kept)) < len(kept):
        raise ValueError(f"{list(chosen)} names a class twice; name each once")
    return tuple(sorted(kept))


def _number(choice: Any, size: int, names: tuple[str, ...]) -> int:
    """A class that is called by its number or by its name."""
    if isinstance(choice, str) and choice in names:
        return names.index(choice)
    if not is_whole(choice, 0, size - 1):
        called = f" or {', '.join(names)}" if names else ""
        raise ValueError(
            f"there is no class {choice!r}; choose from 0 to {size - 1}{called}, as one class, a "
            "list, {stride: n} or {from: a, to: b}"
        )
    return choice


def _strided(choice: Mapping[str, Any], size: int) -> Classes:
    if list(choice) != ["stride"] or not is_whole(choice["stride"], 1, 2**31):
        raise ValueError(f"{choice} is no choice; write {{stride: n}} with a whole number n >= 1")
    return tuple(range(0, size, choice["stride"]))


def _span(choice: Mapping[str, Any], size: int, names: tuple[str, ...]) -> Classes:
    if set(choice) != {"from", "to"}:
        raise ValueError(f"{choice} is no choice; write {{stride: n}} or {{from: a, to: b}}")
    first, last = (_number(choice[end], size, names) for end in ("from", "to"))
    if first > last:
        raise ValueError(f"{choice} holds no class; let `from` be at most `to`")
    return tuple(range(first, last + 1))


def _among(chosen: Classes, kept: Classes, some: bool) -> Classes:
    """The classes chosen, of which all must be kept; or `some` of them, and the others left out."""
    met = tuple(each for each in chosen if each in kept)
    if not met or not (some or met == chosen):
        gone = next(each for each in chosen if each not in kept)
        raise ValueError(f"class {gone} is not kept; the classes kept are {_listed(kept)}")
    return met


def _listed(kept: Classes) -> str:
    return ", ".join(map(str, kept)) if len(kept) <= 12 else f"{kept[0]}, {kept[1]} ... {kept[-1]}"
