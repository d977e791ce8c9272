"""What DIP-VAE-I and DIP-VAE-II have in common: a penalty on a covariance of the latents."""

from typing import TYPE_CHECKING

from disentbench.objectives import Objective, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor


class Penalised(Objective):
    """The VAE with a covariance of the latents drawn to the identity.

    The weight on its diagonal, lambda_d, is `lambda_d_factor` times that off it, lambda_od.
    """

    lambda_od: Weight
    lambda_d_factor: Weight

    def structure(self) -> Structure:
        return Structure(estimator=None, least_batch=2)

    def penalty(self, covariance: "Tensor") -> "Tensor":
        """sum_(i != j) C_ij^2 + factor sum_i (C_ii - 1)^2 of C [latent, latent], ordered pairs."""
        diagonal = covariance.diagonal()
        apart = covariance.square().sum() - diagonal.square().sum()
        return apart + self.lambda_d_factor * (diagonal - 1).square().sum()


def covariance(values: "Tensor") -> "Tensor":
    """The covariance [latent, latent] of values [image, latent]: sums divided by the images."""
    centred = values - values.mean(0)
    return centred.T @ centred / len(values)
