"""The choice of the best setting: what it does to equal settings, and what corrects for it."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from disentbench.scoring import statistics

STUDIES = 299
REPEATS = 400
NOISE = 2 * np.sqrt(0.06 * 0.94 / REPEATS)  # two standard errors of a share of so many studies


def rng():
    return np.random.default_rng(0)


def equal_studies(sd, n, methods, pairs=((0, 1),), **options):
    """The same with numbers for arrays; `methods` are the settings of each."""
    methods = np.repeat(np.arange(len(methods)), methods)
    sd, n = np.resize(np.array(sd, float), len(methods)), np.resize(n, len(methods))
    pairs = np.array(pairs, int).reshape(-1, 2)
    return statistics.equal_studies(sd, n, methods, pairs, rng=rng(), **options)


def study(draw, mean, sd, n, methods):
    """The sd of every setting in a study, and the best of each method: its mean, sd and runs."""
    runs = [m + s * draw.normal(size=k) for m, s, k in zip(mean, sd, n, strict=True)]
    means, sds = np.array([r.mean() for r in runs]), np.array([r.std(ddof=1) for r in runs])
    members = [np.flatnonzero(methods == method) for method in np.unique(methods)]
    return means, sds, [of[means[of].argmax()] for of in members]


def false_alarms(ks, n, sd, *, repeats=REPEATS, seed=1):
    """How often any interval misses the true difference, 0, and how often any p is <= 0.05."""
    methods = np.repeat(np.arange(len(ks)), ks)
    sd, n = np.resize(np.array(sd, float), len(methods)), np.resize(n, len(methods))
    pairs, draw = np.array(list(combinations(range(len(ks)), 2))), np.random.default_rng(seed)
    missed, small = 0, 0
    for _ in range(repeats):
        means, sds, best = study(draw, np.zeros(len(n)), sd, n, methods)
        equals = statistics.equal_studies(sds, n, methods, pairs, rng=draw, studies=STUDIES)
        compared = [(best[a], best[b]) for a, b in pairs]
        p = [
            statistics.welch_p(means[a] - means[b], sds[a], n[a], sds[b], n[b]) for a, b in compared
        ]
        half = [
            statistics.welch_half_width(sds[a], n[a], sds[b], n[b], equals.level)
            for a, b in compared
        ]
        missed += any(
            abs(means[a] - means[b]) > h for (a, b), h in zip(compared, half, strict=True)
        )
        small += equals.corrected(float(min(p))) <= 0.05
    assert missed == small  # one rule: an interval excludes 0 where the corrected p is small
    return small / repeats


# Uncorrected, Welch's p is at most 0.05 in 6 to 18 % of these.
EQUAL = {
    "6 settings against 1, 3 seeds": ([6, 1], 3, 1),
    "10 against 1, 5 seeds": ([10, 1], 5, 1),
    "10 against 1, 10 seeds": ([10, 1], 10, 1),
    "ten that spread more than the one, 3 seeds": ([10, 1], 3, [5] * 10 + [1]),
    "ten that spread more than the one, 5 seeds": ([10, 1], 5, [5] * 10 + [1]),
    "one that spreads more than the ten": ([10, 1], 5, [1] * 10 + [5]),
    "three objectives, mixed spreads": ([3, 3, 3], 3, [5, 1]),
    "three without a choice, two spreads": ([1, 1, 1], 5, [5, 1, 1]),
    "lost runs": ([8, 1], [10, 5, 3], [5] * 8 + [1]),
}


@pytest.mark.parametrize("case", EQUAL)
def test_equal_settings_are_called_apart_in_at_most_six_per_cent(case):
    assert false_alarms(*EQUAL[case]) <= 0.06 + NOISE


def test_the_intervals_hold_the_true_difference_of_the_chosen():
    """Settings that differ: the truth is the difference of those that were chosen."""
    draw, n, methods = np.random.default_rng(2), np.full(8, 5), np.repeat([0, 1], [7, 1])
    mean, sd, held = np.append(np.linspace(0, 1, 7), 0.5), np.resize([2.0, 1.0], 8), []
    for _ in range(500):
        means, sds, (a, b) = study(draw, mean, sd, n, methods)
        pairs = np.array([[0, 1]])
        level = statistics.equal_studies(sds, n, methods, pairs, rng=draw, studies=STUDIES).level
        half = statistics.welch_half_width(sds[a], n[a], sds[b], n[b], level)
        held.append(abs(means[a] - means[b] - mean[a] + mean[b]) <= half)
    assert np.mean(held) >= 0.94


def test_without_a_choice_it_is_welchs_test():
    equals = equal_studies(1, 50, [1, 1])
    for p in (0.004, 0.04, 0.2, 0.7):
        assert equals.corrected(p) == pytest.approx(p, abs=0.012)
        assert equals.corrected(p) >= p
    assert equals.level == pytest.approx(0.95, abs=0.005)


def test_the_choice_of_k_against_one_is_that_of_the_largest_of_k_normals():
    """With many runs: P(max of k - one of them > x), two normals of one sd."""
    k, p = 7, 0.01
    limit = stats.norm.isf(p / 2) * np.sqrt(2)
    x = np.linspace(-8, 8, 4001)
    above = 1 - stats.norm.cdf(x + limit) ** k  # the best is so far above the one at x
    below = stats.norm.cdf(x - limit) ** k
    expected = np.trapezoid((above + below) * stats.norm.pdf(x), x)
    assert equal_studies(1, 1000, [k, 1]).corrected(p) == pytest.approx(expected, abs=0.008)


def test_all_pairs_of_many_are_tukeys_studentised_range():
    k, p = 5, 0.004
    limit = stats.norm.isf(p / 2) * np.sqrt(2)
    equals = equal_studies(1, 1000, [1] * k, list(combinations(range(k), 2)))
    expected = stats.studentized_range.sf(limit, k, 1e6)
    assert equals.corrected(p) == pytest.approx(expected, abs=0.008)
    plain = stats.studentized_range.sf(stats.norm.isf(0.025) * np.sqrt(2), k, 1e6)
    assert equals.plain == pytest.approx(plain, abs=0.02)


@pytest.mark.parametrize(("k", "expected"), [(2, 1 / np.sqrt(np.pi)), (3, 1.5 / np.sqrt(np.pi))])
def test_the_best_of_equals_is_too_good_by_the_expected_maximum_of_normals(k, expected):
    equals = equal_studies(2, 4, [1] * k)
    assert equals.excess == pytest.approx(expected, abs=0.03)  # a mean of 4 runs of sd 2 has sd 1


def test_p_is_never_nought_nor_below_itself_and_nan_stays():
    equals = equal_studies(1, 5, [3, 1], studies=99)
    assert equals.corrected(0.0) == 0.01
    assert equals.corrected(0.9) >= 0.9
    assert np.isnan(equals.corrected(np.nan))


def test_settings_that_do_not_vary_are_never_apart_by_chance():
    equals = equal_studies(0, 3, [2, 1], studies=99)
    assert equals.corrected(1.0) == 1
    assert equals.level == 0.95


def test_the_same_numbers_give_the_same_p():
    first, second = (equal_studies([1, 2], 5, [4, 3], studies=99) for _ in range(2))
    np.testing.assert_array_equal(first.smallest, second.smallest)


@pytest.mark.parametrize(("rows", "n", "sd"), [(5, 5, [1]), (12, 3, [1]), (12, 3, [5, 1])])
def test_the_best_row_is_among_those_that_may_be_best(rows, n, sd):
    """The hardest case: all are equal, and the best is any row named beforehand."""
    draw, left_out = np.random.default_rng(3), np.zeros(rows)
    sd, runs = np.resize(np.array(sd, float), rows), np.full(rows, n)
    for _ in range(300):
        means, sds, _ = study(draw, np.zeros(rows), sd, runs, np.arange(rows))
        left_out += ~statistics.maybe_best(means, sds, runs, rng=draw, studies=299)
    assert left_out.sum() / rows / 300 <= 0.06
    assert left_out.max() / 300 <= 0.09  # of so few studies


def test_a_row_far_below_is_not_the_best():
    mean, sd, n = np.array([0.5, 0.49, 0.1]), np.full(3, 0.05), np.full(3, 5)
    assert list(statistics.maybe_best(mean, sd, n, rng=rng())) == [True, True, False]


def test_cross_fitting_reads_each_seed_by_the_choice_of_the_others():
    scores = np.array([[0.0, 5.0, 1.0], [2.0, 2.0, 2.0]])
    # Without seed 0 the first is better (3 against 2) and scores 0; without 1 and 2 (means 0.5
    # and 2.5 against 2): the second, 2, and the first, 1.
    fitted = statistics.cross_fitted(scores, 1)
    assert fitted.score == pytest.approx((0 + 2 + 1) / 3)
    assert list(fitted.settings) == [0, 1, 0]
    lower = statistics.cross_fitted(-scores, -1)
    assert lower.score == pytest.approx(-fitted.score)
    assert list(lower.settings) == [0, 1, 0]


def test_cross_fitting_may_choose_by_another_value_and_skips_lost_runs():
    scores = np.array([[0.1, np.nan, 0.3], [0.9, 0.9, 0.9]])
    by = np.array([[9.0, 9.0, 9.0], [1.0, 1.0, 1.0]])
    fitted = statistics.cross_fitted(scores, 1, by)
    assert fitted.score == pytest.approx(0.2)
    assert list(fitted.settings) == [0, 0]
    one = statistics.cross_fitted(np.array([[0.4], [0.6]]), 1)
    assert np.isnan(one.score)
    assert not len(one.settings)


def test_cross_fitting_has_no_bias_where_the_choice_has():
    scores = rng().normal(size=(4_000, 6, 5))
    fitted = [statistics.cross_fitted(s, 1).score for s in scores]
    assert np.mean(fitted) == pytest.approx(0, abs=0.03)
    assert scores.mean(2).max(1).mean() > 0.5  # the best of six means of five
