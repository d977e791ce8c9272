"""The FactorVAE score: is there a latent that stands still when a factor does?

64 images share the value of one factor; the vote is the latent whose variance among them is the
smallest part of its variance over all images. The score is the accuracy of a majority vote from
that latent to the factor. Kim & Mnih 2018 (arXiv:1802.05983), section 4.
"""

import numpy as np
from jaxtyping import Float, Int

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._splits import RowsByClass, varying


def factor_vae_score(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    variance: Float[np.ndarray, " variable"],
    *,
    batch: int = 64,
    train: int = 10_000,
    test: int = 5_000,
    smallest: float = 0.05,
    rng: np.random.Generator,
) -> Score:
    """The accuracy of a majority vote.

    1 / K: no better than guessing; 1: every factor has a latent of its own.
    Latents whose posterior mean has a standard deviation below `smallest` are pruned; 0 without any
    left. Factors of one class take no part; 1 with one factor left, 0 with none. The variance of a
    discrete group is that of its 0-1 columns together: how probable two images differ in class.
    Detail: `votes` [latent, factor].
    """
    codes = codes.astype(np.float64)
    overall = _variances(codes[None], categories[None])[0]
    n = len(codes)
    active = np.flatnonzero((np.sqrt(variance * n / (n - 1)) >= smallest) & (overall > 0))
    votes, tested = (np.zeros((len(overall), factors.shape[1]), np.int64) for _ in range(2))
    if len(active) == 0 or len(varying(factors)) == 0:
        return Score({"factor_vae_score": 0.0}, {"votes": votes})
    fixed = rng.choice(varying(factors), train + test)
    z, groups, unit = _normalised(codes, categories, overall, active)
    stillest = np.empty(len(fixed), np.int64)
    for k in varying(factors):
        rows = _batches(factors[:, k], int((fixed == k).sum()), batch, rng)
        within = _variances(z[rows], groups[rows]) / unit
        stillest[fixed == k] = active[within.argmin(1)]
    np.add.at(votes, (stillest[:train], fixed[:train]), 1)
    np.add.at(tested, (stillest[train:], fixed[train:]), 1)
    right = tested[np.arange(len(votes)), votes.argmax(1)].sum()
    return Score({"factor_vae_score": float(right / test)}, {"votes": votes})


def _normalised(
    codes: Float[np.ndarray, "sample latent"],
    categories: Int[np.ndarray, "sample group"],
    overall: Float[np.ndarray, " variable"],
    active: Int[np.ndarray, " some"],
) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " some"]]:
    """The active latents over their spread, the active groups, and the unit of each variance."""
    latents, groups = active[active < codes.shape[1]], active[active >= codes.shape[1]]
    unit = np.concatenate([np.ones(len(latents)), overall[groups]])
    return (
        codes[:, latents] / np.sqrt(overall[latents]),
        categories[:, groups - codes.shape[1]],
        unit,
    )


def _batches(
    classes: Int[np.ndarray, " sample"], count: int, batch: int, rng: np.random.Generator
) -> Int[np.ndarray, "batch row"]:
    """Rows of `batch` images that share a class, `count` times."""
    value = classes[rng.integers(len(classes), size=count)]
    return RowsByClass(classes).draw(np.repeat(value[:, None], batch, axis=1), rng)


def _variances(
    codes: Float[np.ndarray, "batch row latent"], categories: Int[np.ndarray, "batch row group"]
) -> Float[np.ndarray, "batch variable"]:
    """The variance within every batch [batch, latent], then of each discrete group."""
    n = codes.shape[1]
    same = sum((categories == c).sum(1) ** 2 for c in np.unique(categories))
    differ = (n**2 - np.broadcast_to(same, (len(codes), categories.shape[2]))) / (n * (n - 1))
    return np.hstack([codes.var(1, ddof=1), differ])


metric = Metric(
    factor_vae_score,
    label="FactorVAE score",
    variant="64 images a vote, standard deviations below 0.05 pruned; 10,000 / 5,000 votes",
    reference="Kim & Mnih 2018, arXiv:1802.05983; Locatello et al. 2019, arXiv:1811.12359",
    values=(Value("factor_vae_score", "FactorVAE score", 0.0, 1.0),),
    formula=r"P(m(j) = k), \quad j = \mathrm{arg\,min}_j \frac{\mathrm{Var}(z_j \mid "
    r"v_k)}{\mathrm{Var}(z_j)}, \quad m(j) = \mathrm{arg\,max}_k n_{jk}",
    blind="It does not see by how much the stillest latent wins, nor whether a factor is in "
    "several latents: the majority vote is right either way, and at 1 tells codes apart no "
    "longer.",
)
