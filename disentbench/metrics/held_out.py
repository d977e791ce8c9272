"""The bound and MIG on the combinations of factors that training saw, and on those it never did.

Which are held out a data set says (`hold_out`): no model was trained on an image of these. How far
the two differ tells how a representation carries over to new combinations of known classes. The
values are those of elbo.py and mig.py, each over a part of the images.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics.mig import mig
from disentbench.posterior import Posterior
from disentbench.posterior.rates import rates

PARTS = {"seen": "seen", "held_out": "held out"}  # as names end, and in words


def seen_and_held_out(  # noqa: PLR0917 - what two metrics take, and the parts
    codes: Float[np.ndarray, "image latent"],
    factors: Int[np.ndarray, "image factor"],
    categories: Int[np.ndarray, "image group"],
    posterior: Posterior,
    distortion: Float[np.ndarray, " image"],
    held_out: Bool[np.ndarray, " image"],
    *,
    bins: int = 20,
) -> Score:
    """Distortion and ELBO in nats per image, and MIG from 0 to 1, over either part of the images.

    A factor that does not vary within a part has no share in its MIG; where none does, it is NaN.
    """
    spent = rates(posterior)
    values = {}
    for part, rows in (("seen", ~held_out), ("held_out", held_out)):
        lost = float(distortion[rows].mean(dtype=np.float64))
        varies = bool((factors[rows].min(0) < factors[rows].max(0)).any())
        gap = mig(codes[rows], factors[rows], categories[rows], bins=bins)
        values[f"distortion_{part}"] = lost
        values[f"elbo_{part}"] = -lost - float(spent[rows].mean())
        values[f"mig_{part}"] = gap.values["mig"] if varies else math.nan
    return Score(values)


def _values(part: str, words: str) -> tuple[Value, ...]:
    ends = -math.inf, math.inf
    return (
        Value(f"distortion_{part}", f"distortion, {words}", *ends, better="lower", unit="nats"),
        Value(f"elbo_{part}", f"ELBO, {words}", *ends, unit="nats"),
        Value(f"mig_{part}", f"MIG, {words}", 0.0, 1.0),
    )


metric = Metric(
    seen_and_held_out,
    label="Held-out combinations",
    variant="distortion, ELBO and MIG (20 bins) of the images that training may draw, and of those "
    "that it never does; MIG is over the factors that vary within the part, which may be others in "
    "the other part, and few images raise or lower it by chance",
    reference="Kingma & Welling 2014, arXiv:1312.6114; Chen et al. 2018, arXiv:1802.04942",
    values=tuple(value for part in PARTS.items() for value in _values(*part)),
    formula=r"\mathrm{ELBO}_S = \frac{1}{|S|} \sum_{x \in S} \left(\mathrm{E}[\log p(x \mid z)] - "
    r"\mathrm{KL}(q(z \mid x) \,\|\, p(z))\right), \quad S \in \{\mathrm{seen}, "
    r"\mathrm{held\;out}\}",
    blind="It does not see what makes the difference: other factors may vary in the one part than "
    "in the other, and of few images MIG is off by chance.",
)
