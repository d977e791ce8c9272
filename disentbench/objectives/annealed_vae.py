"""AnnealedVAE: the rate is held at a capacity that grows while the model trains."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from disentbench.objectives import Loss, Objective, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms


class AnnealedVAE(Objective):
    """-log p(x|z) + gamma abs(KL(q(z|x) || p(z)) - C).

    The KL is the batch's mean, and the absolute value is of the mean. C goes linearly from 0 to
    `c_max` nats in `threshold` steps, and stays. By default gamma and the threshold are those of
    the study of 2019 (Locatello et al.).
    """

    label = "AnnealedVAE"
    reference = "Burgess et al. 2018, eq. 8"

    c_max: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    gamma: Weight = 1000.0
    threshold: Annotated[int, Field(ge=1, le=10**9)] = 100_000

    def structure(self) -> Structure:
        return Structure(estimator=None)

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        capacity = self.c_max * (step / self.threshold).clamp(max=1.0)
        minimised = terms.distortion + self.gamma * (terms.rate - capacity).abs()
        return Loss(minimised, shown={"capacity": capacity})


objective = AnnealedVAE
