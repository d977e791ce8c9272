"""The mean correlation coefficient against scipy's correlations and every matching there is."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from disentbench.metrics.mcc import mcc
from disentbench.metrics.sap_r2 import correlation_ratio
from disentbench.posterior.from_arrays import represent

CORRELATION = {"pearson": pearsonr, "spearman": spearmanr}


def values(codes, factors, seed=0):
    none = np.zeros((len(codes), 0), int)
    return mcc(codes, factors, none, rng=np.random.default_rng(seed)).values


def by_hand(codes, factors, kind):
    """Absolute correlations [latent, factor], one at a time."""
    every = [[CORRELATION[kind](z, v).statistic for v in factors.T] for z in codes.T]
    return abs(np.array(every))


def matchings(latents, factors):
    """Every one-to-one matching, as pairs of places [latent], [factor]."""
    if latents >= factors:
        return [
            (np.array(chosen), np.arange(factors))
            for chosen in permutations(range(latents), factors)
        ]
    return [
        (np.arange(latents), np.array(chosen)) for chosen in permutations(range(factors), latents)
    ]


def table(latents, rows=90):
    rng = np.random.default_rng(latents)
    factors = rng.integers(0, (3, 4, 5), (rows, 3))
    codes = factors @ rng.standard_normal((3, latents)) + rng.standard_normal((rows, latents))
    return codes**3, factors


@pytest.mark.parametrize("kind", CORRELATION)
@pytest.mark.parametrize("latents", [1, 2, 3, 5])
def test_it_is_the_best_of_all_matchings(kind, latents):
    codes, factors = table(latents)
    correlations = by_hand(codes, factors, kind)
    best = max(correlations[pairs].sum() for pairs in matchings(latents, 3)) / 3
    assert values(codes, factors)[f"mcc_{kind}_all_rows"] == pytest.approx(best)


@pytest.mark.parametrize("kind", CORRELATION)
@pytest.mark.parametrize("latents", [2, 5])
def test_the_matching_of_one_half_is_scored_on_the_other(kind, latents):
    codes, factors = table(latents)
    halves = np.array_split(np.random.default_rng(4).permutation(90), 2)
    one, other = (by_hand(codes[rows], factors[rows], kind) for rows in halves)
    crossed = []
    for found, scored in ((one, other), (other, one)):
        best = max(matchings(latents, 3), key=lambda pairs: found[pairs].sum())
        crossed.append(scored[best].sum() / 3)
    assert values(codes, factors, seed=4)[f"mcc_{kind}"] == pytest.approx(np.mean(crossed))


def test_unmatched_factors_and_constant_latents_count_as_0():
    factors = np.tile(np.indices((3, 4, 5)).reshape(3, -1).T, (4, 1))
    one = values(factors[:, :1].astype(float), factors)
    dead = values(factors * np.array([1.0, 0, 0]), factors)
    assert one == pytest.approx(dict.fromkeys(one, 1 / 3))
    assert dead == pytest.approx(one)


def test_a_monotone_code_is_one_by_ranks_alone_and_an_angle_by_nothing():
    factors = np.tile(np.arange(9), 20)[:, None]
    bent = values(np.exp(factors.astype(float)), factors)
    assert bent["mcc_spearman"] == pytest.approx(1)
    assert bent["mcc_pearson"] < 0.8
    there_and_back = values((factors - 4.0) ** 2, factors)
    assert there_and_back["mcc_pearson_all_rows"] == pytest.approx(0, abs=1e-9)
    assert there_and_back["mcc_spearman_all_rows"] == pytest.approx(0, abs=1e-9)


def test_the_scale_of_a_latent_is_no_matter():
    codes, factors = table(3)
    small = values(codes * [1e-9, 1, 1e9], factors)
    assert small == pytest.approx(values(codes, factors))


def test_a_group_is_worth_its_correlation_ratio_on_all_rows():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, (3, 6), (300, 2))
    classes = np.where(rng.random(300) < 0.7, factors[:, 1] * 5 % 6, rng.integers(0, 6, 300))
    found = mcc(rng.standard_normal((300, 1)), factors, classes[:, None], rng=rng)
    ratio = np.sqrt(correlation_ratio(classes, factors.astype(float)))
    assert found.detail["pearson"][1] == pytest.approx(ratio)


def test_a_group_of_many_classes_is_no_better_than_chance_on_rows_that_are_not_its_own():
    """30 classes over 90 rows fit the factors by chance; in the other half they do not."""
    rng = np.random.default_rng(0)
    factors, dead = rng.integers(0, 5, (90, 2)), np.zeros((90, 1))
    groups = rng.integers(0, 30, (90, 2))
    found = mcc(dead, factors, groups, rng=rng).values
    assert found["mcc_pearson_all_rows"] > 0.5
    assert found["mcc_pearson"] < 0.25


def test_noise_scores_what_two_numbers_correlate_by_chance_whatever_the_number_of_latents():
    """E abs(r) of m independent rows is sqrt(2 / (pi m)) or so; here m is half the rows."""
    rng = np.random.default_rng(0)
    expected = np.sqrt(2 / (np.pi * 250))
    crossed, all_rows = {}, {}
    for latents in (5, 60):
        found = [
            values(rng.standard_normal((500, latents)), rng.integers(0, 8, (500, 5)))
            for _ in range(12)
        ]
        crossed[latents] = np.mean([one["mcc_pearson"] for one in found])
        all_rows[latents] = np.mean([one["mcc_pearson_all_rows"] for one in found])
    assert crossed == pytest.approx(dict.fromkeys(crossed, expected), rel=0.25)
    assert all_rows[60] > 1.5 * all_rows[5]
    assert all_rows[60] > 2 * expected


def test_two_rows_and_one_class_have_a_score():
    run = represent([[0.0], [1.0]], [[0], [1]])
    assert values(run.codes, run.factors)["mcc_pearson_all_rows"] == pytest.approx(1)
    assert values(run.codes, run.factors)["mcc_pearson"] == 0  # a half of one row has no spread
    assert set(values(run.codes, run.factors * 0).values()) == {0}
