"""The rate of a VAE, split into what beta-TCVAE and HFVAE weigh, over the aggregate posterior.

    rate = E[KL(q(z | x) || p(z))]
         = I(x; z) + TC between groups + TC within groups + sum_j KL(q(z_j) || p(z_j))

with q(z) the mixture of all N images' posteriors. Chen et al. 2018 (arXiv:1802.04942), eq. 2;
Esmaeili et al. 2019 (arXiv:1804.02086), eq. 6. Minibatch estimates of the terms are off by nats.
"""

import math

import numpy as np

from disentbench.metrics import Metric, Score, Value
from disentbench.posterior import Posterior, aggregate, terms
from disentbench.posterior.terms import Term


def _value(term: Term, prominence: int, of_groups: bool = False) -> Value:
    ends = 0.0, math.inf, "neither", "nats"
    return Value(term.name, term.words, *ends, prominence=prominence, of_groups=of_groups)


TERMS = (
    _value(terms.RATE, 6),
    _value(terms.INDEX_CODE_MI, 4),
    _value(terms.TOTAL_CORRELATION, 3),
    _value(terms.DIMENSION_WISE_KL, 5),
    _value(terms.TC_BETWEEN, 10, of_groups=True),
    _value(terms.TC_WITHIN, 11, of_groups=True),
)
VALUES = (*TERMS, *(value.standard_error for value in TERMS))


def decomposition(
    posterior: Posterior,
    groups: dict[str, list[int]],
    *,
    samples: int = 10_000,
    rng: np.random.Generator,
) -> Score:
    """The terms in nats per image, each with the standard error (`_se`) that sampling z leaves.

    The rate and the dimension-wise KL take no samples: their error is 0. The terms sum to the rate.
    Detail: `rate` and `dimension_wise_kl` [variable], of every latent, then discrete group.
    """
    result = aggregate.decompose(posterior, groups, samples=samples, rng=rng)
    values = {value.name: float(getattr(result, value.name)) for value in VALUES}
    return Score(values, result.of_variables)


metric = Metric(
    decomposition,
    label="Decomposition of the rate",
    variant="aggregate posterior over all images, 10,000 samples of z, marginals by quadrature",
    reference="Chen et al. 2018, arXiv:1802.04942; Esmaeili et al. 2019, arXiv:1804.02086",
    values=VALUES,
    formula=r"\mathrm{E}[\mathrm{KL}(q(z \mid x) \,\|\, p(z))] = I(x; z) + \mathrm{KL}\left(q(z) "
    r"\,\|\, \prod_j q(z_j)\right) + \sum_j \mathrm{KL}(q(z_j) \,\|\, p(z_j))",
    blind="It sees no factor: independent latents may each mix several, and a collapsed code has "
    "a total correlation of 0, the least there is.",
)
