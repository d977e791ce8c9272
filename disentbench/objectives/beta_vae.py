"""beta-VAE: the whole KL weighed by beta."""

from typing import TYPE_CHECKING

from disentbench.objectives import Loss, Objective, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms


class BetaVAE(Objective):
    """-log p(x|z) + beta KL(q(z|x) || p(z)): the same weight on all four terms of the KL."""

    label = "β-VAE"
    reference = "Higgins et al. 2017, eq. 4"
    decomposed = True

    beta: Weight

    def structure(self) -> Structure:
        return Structure(estimator=None)

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        beta = self.beta
        minimised = terms.weighted(
            index_code_mi=beta, tc_between=beta, tc_within=beta, dimension_wise_kl=beta
        )
        return Loss(minimised)


objective = BetaVAE
