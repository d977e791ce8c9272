"""Diagonal Gaussians, elementwise, of arrays and of tensors alike: each formula stands once."""

import numpy as np

from disentbench.posterior import Array


def sample(mean: Array, logvar: Array, noise: Array) -> Array:
    """z = mean + sigma noise: a sample of N(mean, sigma^2), the noise standard normal."""
    return mean + _exp(logvar / 2) * noise


def kl(mean: Array, logvar: Array) -> Array:
    """KL(N(mean, sigma^2) || N(0, 1)) in nats; Kingma and Welling 2014, appendix B."""
    return 0.5 * (mean**2 + _exp(logvar) - logvar - 1)


def _exp(values: Array) -> Array:
    return np.exp(values) if isinstance(values, np.ndarray) else values.exp()
