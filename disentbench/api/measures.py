"""The exact terms of the rate, and what chance and a perfect code score, as tables."""

from collections.abc import Mapping, Sequence

import pandas as pd
from numpy.typing import ArrayLike

from disentbench.api.numbers import require_whole
from disentbench.errors import UserError
from disentbench.metrics import STANDARD_ERROR, is_error
from disentbench.options import shown
from disentbench.posterior import Posterior
from disentbench.posterior.from_arrays import from_anywhere, represent
from disentbench.posterior.representation import Representation
from disentbench.scoring.calibration import calibrate
from disentbench.scoring.score_arrays import named
from disentbench.scoring.scores import file_of, measure, wanted
from disentbench.storage.classes import classes


def decompose(
    mean: ArrayLike,
    logvar: ArrayLike,
    groups: Mapping[str, Sequence[int]] | None = None,
    *,
    logits: Mapping[str, ArrayLike] | None = None,
    samples: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """The terms of a VAE's rate, E KL(q(z | x) || p(z)), exactly; nats per image.

        rate = index-code MI + TC between groups + TC within groups + dimension-wise KL

    `mean` and `logvar` (log sigma^2) [image, latent] are of all N images, whose posteriors make up
    q(z); none is left out. `groups` maps a name to its latents: without it TC within is 0. `logits`
    maps a discrete group to [image, class]. The answer has a row for each term, and the columns
    `value` and `se`, the standard error that so many `samples` of z leave; what needs none has 0.
    Index-code MI is between 0 and log N, a TC is 0 or more. Chen et al. 2018 (arXiv:1802.04942),
    eq. 2; Esmaeili et al. 2019 (arXiv:1804.02086), eq. 6. Raises a UserError (a ValueError) for
    arrays that do not fit.

    Of two images that a latent tells apart surely, it knows log 2 = 0.693 nats:

    >>> import numpy as np, disentbench
    >>> mean = np.array([[-1.0, 0.0], [1.0, 0.0]])
    >>> terms = disentbench.decompose(mean, np.log([[0.01, 1.0], [0.01, 1.0]]))
    >>> float(terms["value"]["index_code_mi"].round(3))
    0.693
    """
    require_whole(0, samples=samples, seed=seed)
    run = _posterior_of(mean, logvar, groups, logits)
    values = measure("decomposition", run, seed, samples=samples).values
    terms = [name for name in values if not is_error(name)]
    return pd.DataFrame(
        {
            "value": [values[term] for term in terms],
            "se": [values[term + STANDARD_ERROR] for term in terms],
        },
        index=pd.Index(terms, name="term"),
    )


def levels(
    factors: ArrayLike, metrics: Sequence[str] | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """What chance and a perfect code score on these very factors: the ends of each value's scale.

    `factors` [image, factor] are classes, whole numbers or text. The perfect code has a latent for
    each factor; chance is the same code with its rows shuffled. `metrics` are names as of `score`;
    without them, all that look at factors. The answer has a row for each value, by its name, and
    the columns `chance` and `perfect`. Raises a UserError (a ValueError) for names that do not
    exist and for factors that are no classes.

    >>> import numpy as np, disentbench
    >>> factors = np.indices((3, 4)).reshape(2, -1).T.repeat(50, axis=0)
    >>> ends = disentbench.levels(factors, "mig")
    >>> ends.round(1).loc["mig"].to_dict()
    {'chance': 0.0, 'perfect': 1.0}
    """
    require_whole(0, seed=seed)
    asked = named(metrics)
    table = calibrate(classes(from_anywhere(factors)), asked, seed).set_index("metric")
    kept = [name for name in table.index if wanted(file_of(name), {name: 0.0}, asked)]
    if not kept:
        names = ", ".join(asked or ()) or "no metrics"
        raise UserError(f"none of {names} looks at factors; name metrics that do, such as mig")
    return table.loc[kept]


def posterior_of(
    mean: ArrayLike, logvar: ArrayLike, logits: Mapping[str, ArrayLike] | None = None
) -> Posterior:
    """q(z | x) of arrays from anywhere, if they fit."""
    posterior = _posterior_of(mean, logvar, None, logits).posterior
    assert posterior is not None  # it has a logvar
    return posterior


def _posterior_of(
    mean: ArrayLike,
    logvar: ArrayLike,
    groups: Mapping[str, Sequence[int]] | None,
    logits: Mapping[str, ArrayLike] | None,
) -> Representation:
    for name, given in (("groups", groups), ("logits", logits)):
        if not isinstance(given, Mapping | None):
            raise UserError(f"{name} are {shown(given)}; write them by name, {{'a': ...}}")
    return represent(
        from_anywhere(mean),
        logvar=from_anywhere(logvar),
        logits={name: from_anywhere(values) for name, values in (logits or {}).items()},
        groups={name: list(latents) for name, latents in (groups or {}).items()},
    )
