"""The variational autoencoder: the negative evidence lower bound, every weight 1."""

from typing import TYPE_CHECKING

from disentbench.objectives import Loss, Objective, Structure

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms


class NegativeELBO(Objective):
    """-log p(x|z) + KL(q(z|x) || p(z))."""

    label = "VAE"
    reference = "Kingma & Welling 2014, eq. 10"
    decomposed = True
    baseline = True

    def structure(self) -> Structure:
        return Structure(estimator=None)

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        return Loss(terms.weighted())


objective = NegativeELBO
