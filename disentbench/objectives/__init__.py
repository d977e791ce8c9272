"""What an objective is; every other file in this folder is one.

    E_q(x) KL(q(z|x) || p(z)) = index-code MI + TC between + TC within groups + dimension-wise KL

An objective is a row of weights on these terms, or a formula of its own. Its fields are the
settings that a study may give it; a list in place of a number is a sweep. An objective's file
imports no torch: its loss is arithmetic on the `Terms` of a minibatch (see `_terms.py`), which are
distortion, rate, index_code_mi, tc_between, tc_within and their sum by weights, `weighted`.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from disentbench.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms

Weight = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Estimator = Literal["mws", "mss", "hfvae"]


class Structure(NamedTuple):
    """How an objective divides the latents, and how it estimates their aggregate posterior.

    `groups` maps a name to the latents of a group, `discrete` a name to the number of classes of a
    discrete group, relaxed at this `temperature`; `estimator` is that of log q(z) on a minibatch,
    which takes two images or more, and None where the loss estimates nothing.
    """

    groups: dict[str, list[int]] = {}  # noqa: RUF012
    discrete: dict[str, int] = {}  # noqa: RUF012
    temperature: float = 1.0
    estimator: Estimator | None = "mws"


class Objective(Options):
    """A training loss with its settings, in nats per image, pixels summed.

    `baseline` is an objective that others are at beta = 1.
    """

    label: ClassVar[str]
    reference: ClassVar[str]
    baseline: ClassVar[bool] = False

    def structure(self) -> Structure:
        """The latents' structure; by default, scalars without groups."""
        return Structure()

    def loss(self, terms: "Terms", step: int) -> "Tensor":
        """The scalar to minimise at this step, from the terms of one minibatch."""
        raise NotImplementedError
