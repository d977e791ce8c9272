"""The variational autoencoder: the negative evidence lower bound, every weight 1."""

from disentbench.objectives import Objective, Structure


class NegativeELBO(Objective):
    """-log p(x|z) + KL(q(z|x) || p(z))."""

    label = "VAE"
    reference = "Kingma & Welling 2014, eq. 10"

    def structure(self):
        return Structure(estimator=None)

    def loss(self, terms, step):
        return terms.weighted()


objective = NegativeELBO
