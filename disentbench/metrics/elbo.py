"""The evidence lower bound and its two parts, over the evaluation images.

ELBO = -(distortion + rate), distortion = E[-log p(x | z)], rate = E[KL(q(z | x) || p(z))].
Kingma & Welling 2014 (arXiv:1312.6114); the two names are those of Alemi et al. 2018
(arXiv:1711.00464). The rate itself stands with its decomposition.
"""

import math

import numpy as np
from jaxtyping import Float

from disentbench.metrics import Metric, Score, Value
from disentbench.posterior import Posterior, terms
from disentbench.posterior.rates import rates


def elbo(posterior: Posterior, distortion: Float[np.ndarray, " image"]) -> Score:
    """Nats per image, summed over pixels; beta plays no part."""
    spent = float(distortion.mean(dtype=np.float64))
    return Score({"distortion": spent, "elbo": -spent - float(rates(posterior).mean())})


metric = Metric(
    elbo,
    label="ELBO",
    variant="analytic KL to the prior, distortion as measured on the evaluation images",
    reference="Kingma & Welling 2014, arXiv:1312.6114",
    values=(
        Value(
            *terms.DISTORTION[:2], -math.inf, math.inf, better="lower", unit="nats", prominence=8
        ),
        Value("elbo", "ELBO", -math.inf, math.inf, "higher", "nats", prominence=7),
    ),
    formula=r"\mathrm{ELBO} = \mathrm{E}[\log p(x \mid z)] - \mathrm{E}[\mathrm{KL}(q(z \mid x) "
    r"\,\|\, p(z))]",
    blind="It sees no factor, and not what a single latent holds: a model whose latents mix the "
    "factors may have the higher bound.",
)
