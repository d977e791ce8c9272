"""Which images of a data set are encoded and measured, and how their latents are kept."""

from math import ceil, prod
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from disentbench.options import Options

Step = Annotated[int, Field(ge=1, le=10**9)]


class Evaluate(Options):
    """What is encoded of a data set, and in how many bits; it alters no model.

    Either every image, or a part of the grid by `stride` (every n-th class of each factor, or of
    each that a mapping names), or so many `images` drawn once without replacement, in their order.
    `latents` are kept in float32, or in float16 at half the disk.
    """

    stride: Step | dict[str, Step] = 1
    images: Annotated[int, Field(ge=2, le=10**9)] | None = None
    latents: Literal["float32", "float16"] = "float32"

    @model_validator(mode="after")
    def _one_choice(self) -> "Evaluate":
        if self.images is not None and self.stride != 1:
            raise ValueError("stride and images each choose a part of the images; name one of them")
        return self

    @property
    def number_bytes(self) -> int:
        """What a number of the latents takes on disk."""
        return 2 if self.latents == "float16" else 4

    def count(self, dataset: Any) -> int:
        """How many images of a data set (`datasets.Dataset`) are encoded."""
        if self.images is not None:
            return min(self.images, dataset.size)
        if self.stride == 1:
            return dataset.size
        return prod(
            ceil(size / self.step(name))
            for name, size in zip(dataset.factors, dataset.sizes, strict=True)
        )

    def step(self, factor: str) -> int:
        """Every how manieth class of a factor is kept."""
        return self.stride if isinstance(self.stride, int) else self.stride.get(factor, 1)
