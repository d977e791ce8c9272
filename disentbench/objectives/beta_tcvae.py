"""beta-TCVAE: the total correlation weighed apart from the rest of the KL."""

from typing import TYPE_CHECKING

from disentbench.objectives import Estimator, Loss, Objective, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms


class BetaTCVAE(Objective):
    """-log p(x|z) + alpha I(x;z) + beta TC(z) + gamma sum_j KL(q(z_j) || p(z_j))."""

    label = "β-TCVAE"
    reference = "Chen et al. 2018, eq. 4"
    decomposed = True

    beta: Weight
    alpha: Weight = 1.0
    gamma: Weight = 1.0
    estimator: Estimator = "mws"

    def structure(self) -> Structure:
        return Structure(estimator=self.estimator)

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        minimised = terms.weighted(
            index_code_mi=self.alpha, tc_between=self.beta, dimension_wise_kl=self.gamma
        )
        return Loss(minimised)


objective = BetaTCVAE
