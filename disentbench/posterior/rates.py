"""The rate of a VAE, KL(q(z | x) || p(z)) in nats, and what else of q(z | x) has a closed form.

p(z) is standard normal, and uniform for a discrete group. What the images have in common, q(z), is
in aggregate.py.
"""

import math

import numpy as np
from jaxtyping import Float
from scipy.special import entr, log_softmax

from disentbench.posterior import Posterior, gaussian

LOG_2PI = math.log(2 * math.pi)


def rates(posterior: Posterior) -> Float[np.ndarray, " image"]:
    """KL(q(z | x) || p(z)) of every image; Kingma and Welling 2014, appendix B."""
    return _rates(posterior).sum(1)


def variable_rates(posterior: Posterior) -> Float[np.ndarray, " variable"]:
    """The mean KL(q(z_j | x) || p(z_j)) of every latent, then of every discrete group."""
    return _rates(posterior).mean(0)


def _rates(posterior: Posterior) -> Float[np.ndarray, "image variable"]:
    mean, logvar, _ = in_float64(posterior)
    with np.errstate(over="ignore"):  # a width beyond float64 has an infinite rate
        scalars = gaussian.kl(mean, logvar)
    discrete = [math.log(p.shape[1]) - entr(p).sum(1) for p in class_probabilities(posterior)]
    return np.column_stack([scalars, *discrete])


def noise_entropy(posterior: Posterior) -> float:
    """H(z | x), the mean over the images."""
    scalars = (posterior.logvar + LOG_2PI + 1).sum(1).mean() / 2
    return scalars + sum(entr(p).sum(1).mean() for p in class_probabilities(posterior))


def class_probabilities(posterior: Posterior) -> list[Float[np.ndarray, "image _"]]:
    """q(k | x) [image, class] of every discrete group."""
    logits = posterior.logits.values()
    return [np.exp(log_softmax(np.asarray(values, np.float64), axis=1)) for values in logits]


def in_float64(posterior: Posterior) -> Posterior:
    """The same posterior, its means and log-variances in float64."""
    mean, logvar = (np.asarray(a, np.float64) for a in posterior[:2])
    return Posterior(mean, logvar, posterior.logits)
