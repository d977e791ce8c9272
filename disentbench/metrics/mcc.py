"""Mean correlation coefficient: has each factor a latent that goes with it, one to one?

MCC = sum_k abs(corr(z_m(k), v_k)) / K, m the matching of latents to factors with the largest sum,
by Pearson's or by Spearman's correlation. Hyvarinen & Morioka 2016 (arXiv:1605.06336).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from disentbench.metrics import Metric, Score, Value
from disentbench.metrics._splits import varying
from disentbench.metrics.explicitness import standardised
from disentbench.metrics.sap_r2 import squared_correlation

# Pearson's correlation of ranks is Spearman's.
FORMS = {"pearson": np.asarray, "spearman": partial(rankdata, axis=0)}


class Part(NamedTuple):
    """Some rows, as a correlation takes them: standardised latents, discrete groups and factors.

    `form` makes numbers what is correlated, themselves or their ranks: `goals` of class numbers.
    """

    codes: Float[np.ndarray, "row latent"]
    categories: Int[np.ndarray, "row group"]
    numbers: Float[np.ndarray, "row factor"]
    goals: Float[np.ndarray, "row factor"]
    form: Callable[[np.ndarray], np.ndarray]


def mcc(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    categories: Int[np.ndarray, "sample group"],
    *,
    rng: np.random.Generator,
) -> Score:
    """The mean correlation coefficient.

    1: each factor is a straight line (Spearman: a monotone function) of a latent of its own.
    The matching is found on one half of the rows and scored on the other, both ways, so that noise
    scores the same however many latents there are. `_all_rows` is as published tables have it,
    found and scored on the same rows: there noise scores the higher, the more latents. With fewer
    latents than factors the unmatched factors count as 0, and so does a constant latent. Factors
    are taken by class number, which means little for a factor such as shape; those of one class
    take no part, and one that has a single class in a half counts as 0 there. For each factor a
    discrete group stands for the factor's mean in each of its classes, in the rows where the
    matching is found.
    Detail: `pearson` and `spearman` [latent, factor] of all rows, 0 for a factor of one class.
    """
    kept, every_row = varying(factors), np.arange(len(codes))
    halves = np.array_split(rng.permutation(every_row), 2)
    values, detail = {}, {}
    for name, form in FORMS.items():
        one, other, every = (
            _part(codes[rows], categories[rows], factors[rows][:, kept], form)
            for rows in (*halves, every_row)
        )
        crossed = (_matched(one, other) + _matched(other, one)) / 2
        values |= {f"mcc_{name}": crossed, f"mcc_{name}_all_rows": _matched(every, every)}
        detail[name] = np.zeros((codes.shape[1] + categories.shape[1], factors.shape[1]))
        detail[name][:, kept] = _correlations(every, every)
    return Score({value.name: values[value.name] for value in metric.values}, detail)


def _part(
    codes: Float[np.ndarray, "row latent"],
    categories: Int[np.ndarray, "row group"],
    classes: Int[np.ndarray, "row factor"],
    form: Callable[[np.ndarray], np.ndarray],
) -> Part:
    z, numbers = standardised(form(codes), np.arange(len(codes))), classes.astype(np.float64)
    return Part(z, categories, numbers, form(numbers), form)


def _matched(found: Part, scored: Part) -> float:
    """The matching of one part, scored on another; 0 without factors."""
    factors = found.numbers.shape[1]
    pairs = linear_sum_assignment(_correlations(found, found), maximize=True)
    return float(_correlations(found, scored)[pairs].sum() / factors) if factors else 0.0


def _correlations(found: Part, scored: Part) -> Float[np.ndarray, "variable factor"]:
    """Absolute correlations in the scored part; a group's means are those of the other."""
    means = [_means(found, scored, group) for group in range(scored.categories.shape[1])]
    of_groups = [squared_correlation(scored.form(m), scored.goals).diagonal() for m in means]
    return np.sqrt(np.vstack([squared_correlation(scored.codes, scored.goals), *of_groups]))


def _means(found: Part, scored: Part, group: int) -> Float[np.ndarray, "row factor"]:
    """What the factors are on average in the class of each row; in a new class, in all."""
    classes, numbers = found.categories[:, group], found.numbers
    count = np.bincount(classes, minlength=scored.categories[:, group].max() + 1)
    sums = np.zeros((len(count), numbers.shape[1]))
    np.add.at(sums, classes, numbers)
    sums[count == 0] = numbers.mean(0)
    return (sums / np.maximum(count, 1)[:, None])[scored.categories[:, group]]


metric = Metric(
    mcc,
    label="MCC",
    variant="absolute correlation of the posterior mean with the factor's class number, largest "
    "sum over a matching; matched on one half of the rows (A) and scored on the other (B), both "
    "ways; all_rows: matched and scored on all rows, as in published tables",
    reference="Hyvarinen & Morioka 2016, arXiv:1605.06336; Khemakhem et al. 2020, arXiv:2002.11537",
    values=(
        Value("mcc_pearson", "MCC", 0.0, 1.0),
        Value("mcc_spearman", "MCC (Spearman)", 0.0, 1.0),
        Value("mcc_pearson_all_rows", "MCC, all rows", 0.0, 1.0),
        Value("mcc_spearman_all_rows", "MCC (Spearman), all rows", 0.0, 1.0),
    ),
    formula=r"\mathrm{MCC} = \frac{1}{K} \sum_{k=1}^{K} \left| \mathrm{corr}_B(z_{m(k)}, v_k) "
    r"\right|, \quad m = \mathrm{arg\,max}_m \sum_{k=1}^{K} \left| \mathrm{corr}_A(z_{m(k)}, v_k) "
    r"\right|",
    blind="It does not see what the latents beyond the K matched ones hold, be it copies of a "
    "factor, nor a dependence that both rises and falls, such as that on an angle.",
)
