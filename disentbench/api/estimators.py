"""The minibatch estimators beside the exact terms, of arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from disentbench.api.measures import posterior_of
from disentbench.api.numbers import require_whole
from disentbench.scoring.audit import audit_posterior
from disentbench.seeds import generator


def audit(
    mean: ArrayLike,
    logvar: ArrayLike,
    *,
    logits: Mapping[str, ArrayLike] | None = None,
    batch_sizes: Sequence[int] = (64, 256, 1024),
    repeats: int = 16,
    samples: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """What the minibatch estimators `mws`, `mss` and `hfvae` say of a posterior, and the truth.

    `mean` and `logvar` (log sigma^2) [image, latent] are of all N images. The answer has the
    columns estimator, batch_size, term, value and se (nats per image): the mean over `repeats`
    batches and its standard error, and in the rows of the estimator `exact` the exact terms.
    `disentbench.scoring.audit` tells what each is off by. Chen et al. 2018 (arXiv:1802.04942), eq.
    5 and appendix C.2; Esmaeili et al. 2019 (arXiv:1804.02086), appendix. Raises a UserError (a
    ValueError) for arrays that do not fit and for batches of one image.

    Of posteriors that do not overlap, `mws` puts the index-code MI at log N + log M, however many
    images there are, where log N is the truth:

    >>> import numpy as np, disentbench
    >>> mean = 10.0 * np.arange(32)[:, None]
    >>> table = disentbench.audit(mean, np.full((32, 1), -4.0), batch_sizes=[8], repeats=2)
    >>> mi = table[table["term"] == "index_code_mi"].set_index("estimator")["value"]
    >>> print(mi[["mws", "exact"]].round(2).to_dict())
    {'mws': 5.55, 'exact': 3.47}
    """
    require_whole(0, repeats=repeats, samples=samples, seed=seed)
    sizes = np.atleast_1d(np.asarray(batch_sizes, object)).tolist()
    for size in sizes:
        require_whole(0, batch_sizes=size)
    posterior = posterior_of(mean, logvar, logits)
    return audit_posterior(
        posterior,
        batch_sizes=sizes,
        repeats=repeats,
        samples=samples,
        rng=generator(seed, "audit"),
    )
