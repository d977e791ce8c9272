"""Which images of a data set are encoded and measured, and how their latents are kept."""

from math import ceil, prod
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Int
from pydantic import Field, ValidationError, field_validator, model_validator

from disentbench.errors import UserError
from disentbench.options import Options, sentence
from disentbench.seeds import generator

Step = Annotated[int, Field(ge=1, le=10**9)]


class Evaluate(Options):
    """What is encoded of a data set, and in how many bits; it alters no model.

    Either every image, or a part of the grid by `stride` (every n-th class of each factor, or of
    each that a mapping names), or so many `images` drawn once without replacement, in their order:
    the same for every run, and those of a smaller number among those of a larger one. `latents` are
    kept in float32, or in float16 at half the disk.
    """

    stride: Step | dict[str, Step] = 1
    images: Annotated[int, Field(ge=2, le=10**9)] | None = None
    latents: Literal["float32", "float16"] = "float32"

    @field_validator("stride")
    @classmethod
    def _as_short_as_can_be(cls, stride: int | dict[str, int]) -> int | dict[str, int]:
        """However the same part is written, it is the same: a factor's step of 1 says nothing."""
        if isinstance(stride, int):
            return stride
        return {name: stride[name] for name in sorted(stride) if stride[name] > 1} or 1

    @model_validator(mode="after")
    def _one_choice(self) -> "Evaluate":
        if self.images is not None and self.stride != 1:
            raise ValueError("stride and images each choose a part of the images; name one of them")
        return self

    @property
    def text(self) -> str:
        """What is not as by default, as JSON; empty where all is, as in commands of before."""
        return "" if self == WHOLE else self.model_dump_json(exclude_defaults=True)

    @property
    def part(self) -> "Evaluate":
        """The same images, whatever their latents are kept in."""
        return self.model_copy(update={"latents": "float32"})

    @property
    def number_bytes(self) -> int:
        """What a number of the latents takes on disk."""
        return 2 if self.latents == "float16" else 4

    def chooses_on(self, dataset: Any) -> bool:
        """Whether a stride is of a data set: one that is named, of those that have the factor."""
        if isinstance(self.stride, int):
            return self.stride > 1
        return any(name in dataset.factors for name in self.stride)

    def classes(self, dataset: Any) -> list[int]:
        """How many classes of each factor a stride leaves."""
        factors = zip(dataset.factors, dataset.sizes, strict=True)
        return [ceil(size / self.step(name)) for name, size in factors]

    def count(self, dataset: Any) -> int:
        """How many images of a data set (`datasets.Dataset`) are encoded.

        A stride takes all that a grid has of a combination, of SmallNORB ten.
        """
        if self.images is not None:
            return min(self.images, dataset.size)
        if not self.chooses_on(dataset):
            return dataset.size
        return dataset.size // prod(dataset.sizes) * prod(self.classes(dataset))

    def step(self, factor: str) -> int:
        """Every how manieth class of a factor is kept."""
        return self.stride if isinstance(self.stride, int) else self.stride.get(factor, 1)

    def rows(
        self, factors: Int[np.ndarray, "image factor"], names: tuple[str, ...]
    ) -> Int[np.ndarray, " row"]:
        """Where the images that are encoded stand among all, whose classes these are."""
        if self.images is not None:
            order = generator(0, "evaluated images").permutation(len(factors))
            return np.sort(order[: self.images])
        kept = np.ones(len(factors), bool)
        for classes, name in zip(factors.T, names, strict=True):
            kept &= classes % self.step(name) == 0
        return np.flatnonzero(kept)


WHOLE = Evaluate()


def read_evaluate(given: dict[str, Any] | None) -> Evaluate:
    """What a command is told of it, by default nothing; a UserError says what is wrong."""
    try:
        return Evaluate.model_validate(given or {})
    except ValidationError as error:
        raise UserError(f"evaluate: {sentence(error)}") from None
