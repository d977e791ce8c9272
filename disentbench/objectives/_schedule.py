"""A weight that changes while a model trains."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Field, Tag, create_model

from disentbench.options import Options

if TYPE_CHECKING:
    from torch import Tensor


class Schedule(Options):
    """A number that goes linearly `from` one value `to` another in so many `steps`, and stays.

    The fields are added by `scheduled`, which knows the values that a number may have; the first
    is a word of Python's.
    """

    def at(self, step: "Tensor") -> "Tensor":
        """The value at a step, which is a tensor: so it may be read anew in a recorded step."""
        first, last, steps = (getattr(self, name) for name in ("from", "to", "steps"))
        share = (step / steps).clamp(max=1.0)
        return first * (1 - share) + last * share  # which ends with `to` to its last digit


def scheduled(**bounds: float) -> Any:
    """The type of a number within these bounds, or of a schedule between two of them."""
    number = Annotated[float, Field(allow_inf_nan=False, **bounds)]
    steps = Annotated[int, Field(ge=1, le=10**9)]
    fields: dict[str, Any] = {"from": (number, ...), "to": (number, ...), "steps": (steps, ...)}
    schedule = create_model("Schedule", __base__=Schedule, **fields)
    # In brackets, as in pydantic's errors, is what stands in no file.
    forms = Annotated[number, Tag("[number]")] | Annotated[schedule, Tag("[schedule]")]
    return Annotated[forms, Discriminator(_form)]


def _form(value: Any) -> str:
    return "[schedule]" if isinstance(value, dict | Schedule) else "[number]"
