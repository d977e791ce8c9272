"""What an objective is; every other file in this folder is one.

    E_q(x) KL(q(z|x) || p(z)) = index-code MI + TC between + TC within groups + dimension-wise KL

An objective is a row of weights on these terms, or a formula of its own. Its fields are the
settings that a study may give it; a list in place of a number is a sweep, and a weight may be a
schedule. An objective's file imports no torch: its loss is arithmetic on the `Terms` of a minibatch
(see `_terms.py`), which are distortion, rate, index_code_mi, tc_between, tc_within and their sum by
weights, `weighted`, and on what it has asked for besides: a critic, a second batch, normals.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from disentbench.architectures import Layer
from disentbench.objectives._schedule import Schedule, scheduled
from disentbench.options import SINCE, Options

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms

    Weight = Share = Positive = float  # what a loss sees: of a schedule, its value at the step
else:
    Weight = scheduled(ge=0, le=1e9)
    Share = scheduled(ge=0, le=1)
    Positive = scheduled(gt=0, le=1e9)
Steps = Annotated[int, Field(ge=0, le=10**9)]
Estimator = Literal["mws", "mss", "hfvae"]
Size = int | Literal["image", "latent", "code"]


class Structure(NamedTuple):
    """How an objective divides the latents, and what it needs of a step.

    `groups` maps a name to the latents of a group, `discrete` a name to the number of classes of a
    discrete group, relaxed at this `temperature`; `estimator` is that of log q(z) on a minibatch,
    and None where the loss estimates nothing. A loss with an estimate takes two images or more, and
    so does one that says it in `least_batch`.

    `batches` is 2 where a step needs a second batch, drawn like the first. `normals` maps a name to
    the shape of the standard normals that a step needs: whole numbers, or "image" (the batch's
    size), "latent" (of the Gaussian latents) and "code" (those and all classes). They serve as they
    are, as samples of the prior say, or by `argsort`, as permutations.
    """

    groups: dict[str, list[int]] = {}  # noqa: RUF012
    discrete: dict[str, int] = {}  # noqa: RUF012
    temperature: float = 1.0
    estimator: Estimator | None = "mws"
    least_batch: int = 1
    batches: Literal[1, 2] = 1
    normals: dict[str, tuple[Size, ...]] = {}  # noqa: RUF012


class Critic(NamedTuple):
    """A network that learns beside the model, from codes [image, code], and Adam's settings."""

    layers: tuple[Layer, ...]
    learning_rate: float
    adam_betas: tuple[float, float]


class Loss(NamedTuple):
    """What a step descends: scalars.

    The model descends `minimised`, in nats per image; the critic, if there is one, `critic`. What
    is `shown` is in the history and in the report's training curves, each by its name.
    """

    minimised: "Tensor"
    critic: "Tensor | None" = None
    shown: "dict[str, Tensor | float]" = {}  # noqa: RUF012


class Objective(Options):
    """A training loss with its settings, in nats per image, pixels summed.

    `baseline` is an objective that others are at beta = 1; `decomposed` is one whose loss is a row
    of weights on the decomposition, which the report compares at one beta. Over the first `warm_up`
    steps all but the distortion weighs 0 to 1, rising linearly, in whatever objective (Sonderby et
    al. 2016).
    """

    label: ClassVar[str]
    reference: ClassVar[str]
    baseline: ClassVar[bool] = False
    decomposed: ClassVar[bool] = False

    warm_up: Annotated[Steps, SINCE] = 0

    def structure(self) -> Structure:
        """The latents' structure and a step's needs; by default, scalars without groups."""
        return Structure()

    def critic(self, code_size: int) -> Critic | None:
        """The critic of codes of this size; by default, none."""
        return None

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        """What to minimise at this step, from the terms of one minibatch.

        Its settings are numbers: a schedule's are those of the step.
        """
        raise NotImplementedError

    def at(self, step: "Tensor") -> "Objective":
        """The objective with the values that its schedules have at a step."""
        now = {name: value.at(step) for name, value in self if isinstance(value, Schedule)}
        return self.model_copy(update=now) if now else self

    def warmed_up(self, step: "Tensor") -> "Tensor | float":
        """The weight of all but the distortion at a step."""
        return (step / self.warm_up).clamp(max=1.0) if self.warm_up else 1.0
