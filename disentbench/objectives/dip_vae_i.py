"""DIP-VAE-I: the covariance of the posteriors' means is drawn to the identity."""

from typing import TYPE_CHECKING

from disentbench.objectives import Loss, Weight
from disentbench.objectives._covariance import Penalised, covariance

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms


class DIPVAE1(Penalised):
    """-log p(x|z) + KL(q(z|x) || p(z)) + lambda_od sum_(i!=j) C_ij^2 + lambda_d sum_i (C_ii - 1)^2.

    C is the covariance of the means over the batch, divided by its size; lambda_d is lambda_od
    times `lambda_d_factor`, 10 in the study of 2019 (Locatello et al.).
    """

    label = "DIP-VAE-I"
    reference = "Kumar et al. 2018, eq. 6"

    lambda_d_factor: Weight = 10.0

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        penalty = self.penalty(covariance(terms.posterior.mean))
        return Loss(terms.weighted() + self.lambda_od * penalty, shown={"penalty": penalty})


objective = DIPVAE1
