"""InfoM, InfoC, InfoE: modularity, compactness and explicitness by information.

On I(z_j; v_k) / H(v_k) by nearest neighbours, for active latents: InfoM is the mean over latents of
largest / sum over factors, InfoC the mean over factors of largest / sum over latents, each rescaled
so that 0 is uniform. InfoE is 1 - log loss / log loss without latents of a linear classifier.
Hsu et al. 2023 (arXiv:2305.18378), section 4. Which latents are active their code decides in two
ways (infomec.py and mutual_information.py of github.com/kylehkhsu/latent_quantization), and that of
Hsu et al. 2024 (arXiv:2404.10282) in a third (infomec.py of github.com/kylehkhsu/tripod).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma
from scipy.stats import iqr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._columns import columns
from disentbench.metrics._information import entropies, mutual_information, per_factor
from disentbench.metrics._splits import varying
from disentbench.metrics.explicitness import standardised
from disentbench.posterior.representation import ACTIVE

ROUNDING = 1e-12  # nats: what is left of a sum of digammas that is 0
# How a value's name ends, what of a latent is wide enough, and which part of the widest will do.
RULES = {"": (np.ptp, 1 / 20), "_eighth": (np.ptp, 1 / 8), "_iqr": (iqr, 1 / 10)}


def info(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    mean: Float[np.ndarray, "sample latent"],
    variance: Float[np.ndarray, " variable"],
    *,
    neighbours: int = 10,
    rows: int = 10_000,
    rng: np.random.Generator,
) -> Score:
    """InfoM, InfoC and InfoE.

    0: as spread out as can be, or nothing known; 1: one factor a latent, one latent a factor.
    InfoM and InfoC see active latents, whose posterior mean spans at least a twentieth of the
    widest range; `_eighth`: an eighth of it; `_iqr`: an interquartile range of at least a tenth of
    the widest. Both are ratios of what little the estimate leaves of nothing, too: noise scores far
    above 0, and each draw of it another number. Factors of one class take no part. One column to
    spread over counts as 1. At most `rows` rows. A discrete group is one latent: it is active if
    its class probabilities have a variance above 0.01, and has the mutual information of its
    classes, for InfoE a 0-1 column each.
    Detail: `mutual_information` [latent, factor] over H(v), 0 for latents inactive by every rule;
    `explicitness` [factor].
    """
    if len(codes) > rows:
        chosen = rng.choice(len(codes), rows, replace=False)
        codes, factors, categories, mean = (a[chosen] for a in (codes, factors, categories, mean))
    kept = varying(factors)
    active = {ending: _active(mean, variance, *rule) for ending, rule in RULES.items()}
    z = standardised(columns(codes, categories).values, np.arange(len(codes)))
    latents = z[:, : codes.shape[1]]
    any_active = np.unique(np.concatenate(list(active.values())))
    known = _known(latents, categories, factors, any_active, neighbours=neighbours, rng=rng)
    explicit = np.zeros(factors.shape[1])
    explicit[kept] = [_explained(z, factors[:, k]) for k in kept]
    values = {"info_e": float(explicit[kept].mean()) if len(kept) else 0.0}
    for ending, used in active.items():
        matrix = known[np.ix_(used, kept)]
        values[f"info_m{ending}"] = _concentration(matrix)
        values[f"info_c{ending}"] = _concentration(matrix.T)
    return Score(
        {value.name: values[value.name] for value in metric.values},
        {"mutual_information": known, "explicitness": explicit},
    )


def _active(
    mean: Float[np.ndarray, "sample latent"],
    variance: Float[np.ndarray, " variable"],
    width: Callable[..., Float[np.ndarray, " latent"]],
    part: float,
) -> Int[np.ndarray, " some"]:
    """Latents whose mean has enough of the largest width, discrete groups that vary enough."""
    widths = width(mean, axis=0)
    latents = (widths >= part * widths.max(initial=0)) & (widths > 0)
    return np.flatnonzero(np.concatenate([latents, variance[len(widths) :] > ACTIVE]))


def _known(
    z: Float[np.ndarray, "sample latent"],
    categories: Int[np.ndarray, "sample group"],
    factors: Int[np.ndarray, "sample factor"],
    active: Int[np.ndarray, " some"],
    *,
    neighbours: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "variable factor"]:
    """I / H(v) of active latents by neighbours, of active groups by their classes; 0 of others."""
    known = np.zeros((z.shape[1] + categories.shape[1], factors.shape[1]))
    latents, groups = active[active < z.shape[1]], active[active >= z.shape[1]]
    # Equal codes are neighbours in no order.
    blurred = z[:, latents] + 1e-8 * rng.standard_normal((len(z), len(latents)))
    for j, latent in enumerate(latents):
        for k in varying(factors):
            known[latent, k] = neighbour_information(blurred[:, j], factors[:, k], neighbours)
    known[groups] = mutual_information(categories, factors)[groups - z.shape[1]]
    return np.stack([per_factor(row, entropies(factors)) for row in known])


def neighbour_information(
    z: Float[np.ndarray, " sample"], classes: Int[np.ndarray, " sample"], neighbours: int
) -> float:
    """I(z; v) in nats from distances to the k-th neighbour of the same class.

    Ross 2014 (PLOS ONE 9, e87357), eq. 4; one latent at a time, so that sorting finds neighbours.
    A class that a single row has takes no part.
    """
    counts = np.bincount(classes)
    rows = np.flatnonzero(counts[classes] > 1)
    radius, k = np.zeros(len(classes)), np.minimum(neighbours, counts - 1)[classes]
    for c in np.flatnonzero(counts > 1):
        members = np.flatnonzero(classes == c)
        radius[members] = neighbour_distance(z[members], min(neighbours, len(members) - 1))
    # The neighbour itself is outside; z + radius rounds to either side of it.
    radius = np.maximum(radius - 1e-15 * (1 + abs(z)), 0)
    ordered = np.sort(z[rows])
    inside = np.searchsorted(ordered, z[rows] + radius[rows], "right")
    inside -= np.searchsorted(ordered, z[rows] - radius[rows], "left")
    terms = digamma(k[rows]) - digamma(counts[classes[rows]]) - digamma(inside)
    information = float(digamma(len(rows)) + terms.mean()) if len(rows) else 0.0
    return information if information > ROUNDING else 0.0


def neighbour_distance(z: Float[np.ndarray, " sample"], k: int) -> Float[np.ndarray, " sample"]:
    """Distance of every number to its k-th nearest other number."""
    order = np.argsort(z)
    padded = np.pad(z[order], k, constant_values=np.nan)
    padded[:k], padded[len(z) + k :] = -np.inf, np.inf
    n, distance = len(z), np.full(len(z), np.inf)
    for below in range(k + 1):
        left, right = padded[k - below :][:n], padded[2 * k - below :][:n]
        distance = np.minimum(distance, np.maximum(padded[k:][:n] - left, right - padded[k:][:n]))
    result = np.empty(n)
    result[order] = distance
    return result


def _concentration(matrix: Float[np.ndarray, "row column"]) -> float:
    """The mean over rows of largest / sum, so that 0 is uniform and 1 a single entry."""
    rows = matrix[matrix.sum(1) > 0]
    if len(rows) == 0:
        return 0.0
    n = matrix.shape[1]
    ratio = (rows.max(1) / rows.sum(1)).mean() if n > 1 else 1.0
    return float((ratio - 1 / n) / (1 - 1 / n)) if n > 1 else 1.0


def _explained(z: Float[np.ndarray, "sample column"], classes: Int[np.ndarray, " sample"]) -> float:
    """1 - log loss / log loss of the classes' frequencies, fitted and scored on all rows."""
    null = entropies(classes[:, None])[0]
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(z, classes)
    return float(1 - log_loss(classes, model.predict_proba(z)) / null)


metric = Metric(
    info,
    label="InfoM, InfoE, InfoC",
    variant="10 nearest neighbours; unpenalised logistic regression of all rows alike (the code of "
    "Hsu et al. weighs classes alike, the same on a grid); at most 10,000 rows; active latents: "
    "range of at least 1/20 of the widest, as in Hsu et al.'s infomec.py (eighth: 1/8, as in their "
    "mutual_information.py; iqr: interquartile range, 1/10, as in the code of Tripod)",
    reference="Hsu et al. 2023, arXiv:2305.18378; Hsu et al. 2024, arXiv:2404.10282",
    values=(
        Value("info_m", "InfoM", 0.0, 1.0),
        Value("info_e", "InfoE", 0.0, 1.0),
        Value("info_c", "InfoC", 0.0, 1.0),
        Value("info_m_eighth", "InfoM (range/8)", 0.0, 1.0),
        Value("info_c_eighth", "InfoC (range/8)", 0.0, 1.0),
        Value("info_m_iqr", "InfoM (IQR/10)", 0.0, 1.0),
        Value("info_c_iqr", "InfoC (IQR/10)", 0.0, 1.0),
    ),
    formula=r"\mathrm{InfoM} = \frac{K \bar{r} - 1}{K - 1}, \quad \bar{r} = \frac{1}{A} \sum_j "
    r"\frac{\max_k R_{jk}}{\sum_k R_{jk}}, \quad R_{jk} = \frac{I(z_j; v_k)}{H(v_k)}",
    blind="InfoM and InfoC do not see how much is known: they are ratios, which noise has, too, "
    "and a trace of information weighs as much as all of it; InfoE sees only what a linear "
    "classifier can use.",
)
