"""Mutual information gap under the aggregate posterior, as its authors defined it.

I(z_j; v_k) = H(z_j) - H(z_j | v_k), where z is drawn from q(z | x) and not its mean. The entropies
of the mixtures over all images are integrated on a grid, so there are neither bins nor samples.
Chen et al. 2018 (arXiv:1802.04942), eq. 6 and appendix C; they leave the factor `shape` out.
"""

import numpy as np
from jaxtyping import Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._information import entropies, mean_over_factors, per_factor, top_two
from disentbench.posterior import Posterior, aggregate


def mig_chen(posterior: Posterior, factors: Int[np.ndarray, "sample factor"]) -> Score:
    """The mutual information gap of the posteriors.

    0: every factor is known equally well from two latents; 1: each from one latent alone.
    Detail: `mutual_information` [latent, factor] in nats, `per_factor` gaps over H(v).
    """
    information = aggregate.mutual_information(posterior, factors)
    first, second = top_two(information)
    gaps = per_factor(np.maximum(first - second, 0), entropies(factors))
    return Score(
        {"mig_chen": mean_over_factors(gaps, factors)},
        {"mutual_information": information, "per_factor": gaps},
    )


metric = Metric(
    mig_chen,
    label="MIG (Chen)",
    variant="latents drawn from q(z | x), entropies by quadrature over all images, all factors",
    reference="Chen et al. 2018, arXiv:1802.04942",
    values=(Value("mig_chen", "MIG (Chen)", 0.0, 1.0, prominence=2),),
    formula=r"\frac{1}{K} \sum_{k=1}^{K} \frac{I(z_{(1)}; v_k) - I(z_{(2)}; v_k)}{H(v_k)}, \quad "
    r"I(z_j; v_k) = H(z_j) - H(z_j \mid v_k), \quad z \sim q(z \mid x)",
    blind="It does not see whether the latent that knows most about a factor holds other factors, "
    "too.",
)
