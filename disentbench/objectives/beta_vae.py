"""beta-VAE: the whole KL weighed by beta."""

from disentbench.objectives import Objective, Structure, Weight


class BetaVAE(Objective):
    """-log p(x|z) + beta KL(q(z|x) || p(z)): the same weight on all four terms of the KL."""

    label = "β-VAE"
    reference = "Higgins et al. 2017, eq. 4"

    beta: Weight

    def structure(self):
        return Structure(estimator=None)

    def loss(self, terms, step):
        beta = self.beta
        return terms.weighted(
            index_code_mi=beta, tc_between=beta, tc_within=beta, dimension_wise_kl=beta
        )


objective = BetaVAE
