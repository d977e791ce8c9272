"""InfoVAE: the aggregate posterior is drawn to the prior by their maximum mean discrepancy."""

from typing import TYPE_CHECKING

from disentbench.objectives import Loss, Objective, Share, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms


class InfoVAE(Objective):
    """-log p(x|z) + (1 - alpha) KL(q(z|x) || p(z)) + (alpha + lambda - 1) MMD(q(z), p(z)).

    The MMD is the squared one, by its unbiased estimate from the batch's samples and as many of the
    prior, with the kernel exp(-|z - z'|^2 / (2 h^2)), 2 h^2 = D, the number of latents. lambda is
    `lambda_mmd` here. By default this is the VAE: no published setting for dSprites is known.
    """

    label = "InfoVAE"
    reference = "Zhao et al. 2019"

    alpha: Share = 0.0
    lambda_mmd: Weight = 1.0

    def structure(self) -> Structure:
        return Structure(estimator=None, least_batch=2, normals={"prior": ("image", "latent")})

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        mmd = squared_mmd(terms.z, terms.normals["prior"].to(terms.z))
        kl = terms.distortion + (1 - self.alpha) * terms.rate
        return Loss(kl + (self.alpha + self.lambda_mmd - 1) * mmd, shown={"mmd": mmd})


def squared_mmd(x: "Tensor", y: "Tensor") -> "Tensor":
    """MMD^2 of two samples [image, latent] of one size: Gretton et al. 2012, eq. 3.

    Its mean is 0 if both are of one law, so that it may be negative.
    """
    n = len(x)
    within = sum((kernel(s, s).sum() - n) / (n * (n - 1)) for s in (x, y))  # k(s, s) = 1
    return within - 2 * kernel(x, y).mean()


def kernel(x: "Tensor", y: "Tensor") -> "Tensor":
    """exp(-|x_i - y_j|^2 / D) [i, j] of rows with D columns."""
    squares = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T
    return (-squares.clamp(min=0) / x.shape[1]).exp()


objective = InfoVAE
