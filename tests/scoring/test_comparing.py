"""Two samples compared: permutation tests, improvement and Holm's correction."""

import numpy as np
import pytest
from scipy import stats

from disentbench.scoring import statistics
from disentbench.scoring.statistics import comparing

A, B = np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.9])


def rng():
    return np.random.default_rng(0)


def test_probability_of_improvement_counts_pairs_and_halves_ties():
    assert statistics.probability_of_improvement(B, A) == 1
    assert statistics.probability_of_improvement(A, A) == 0.5
    assert (
        statistics.probability_of_improvement(np.array([1.0, 3]), np.array([2.0, 3]))
        == (0 + 0 + 1 + 0.5) / 4
    )


def test_permutation_of_three_against_three_cannot_go_below_a_tenth():
    assert statistics.permutation_test(A, B, rng=rng()) == pytest.approx(0.1)
    assert statistics.permutation_test(A, A, rng=rng()) == 1


@pytest.mark.parametrize(("n", "m"), [(3, 2), (3, 3), (5, 4), (7, 7)])
def test_no_p_is_below_that_of_samples_that_lie_apart(n, m):
    x, y = np.arange(n) / 1e3, 100 + np.arange(m) ** 2 / 1e3
    p = statistics.permutation_test(x, y, rng=rng())
    assert p == pytest.approx(max(statistics.lowest_p(n, m), 1e-4))


def test_lowest_p_is_one_of_all_ways_or_of_those_that_are_tried():
    assert statistics.lowest_p(3, 3) == pytest.approx(2 / 20)
    assert statistics.lowest_p(4, 3) == pytest.approx(1 / 35)
    assert statistics.lowest_p(50, 50) == pytest.approx(1 / 10_000)
    assert np.isnan(statistics.lowest_p(0, 3))
    assert np.isnan(statistics.lowest_p(1, 3))


def test_lowest_p_of_several_settings_counts_what_changes_nothing():
    # 6! / (2! 2! 2!) ways to share six runs out, of which the two settings may change places.
    assert statistics.lowest_p([2, 2], [2]) == pytest.approx(2 / 90)
    assert statistics.lowest_p([3] * 10, [3]) == pytest.approx(1 / 10_000)


def welch(x, y, axis=-1):
    return np.abs(stats.ttest_ind(x, y, equal_var=False, axis=axis).statistic)


def test_permutation_agrees_with_scipy_and_random_with_exact():
    x, y = np.random.default_rng(11).exponential(size=(2, 6))
    y += 0.8
    expected = stats.permutation_test(
        (x, y), welch, vectorized=True, n_resamples=np.inf, alternative="greater"
    ).pvalue
    assert expected > stats.ttest_ind(x, y, equal_var=False).pvalue + 0.05
    exact = statistics.permutation_test(x, y, rng=rng())
    assert exact == pytest.approx(expected)
    assert statistics.permutation_test(x, y, rng=rng(), most=0) == pytest.approx(exact, abs=0.02)


def test_settings_of_a_side_are_an_array_or_a_list_and_lost_runs_do_not_count():
    a, b = rng().normal(size=(3, 5)), rng().normal(size=5)
    p = statistics.permutation_test(a, b, rng=rng())
    assert statistics.permutation_test(list(a), [b], rng=rng()) == p
    lost = [np.append(runs, np.nan) for runs in a]
    assert statistics.permutation_test(lost, b, rng=rng()) == p


def test_a_setting_with_one_run_has_no_test():
    assert np.isnan(statistics.permutation_test(A, B[:1], rng=rng()))
    assert np.isnan(statistics.permutation_test(np.array([]), B, rng=rng()))


def test_runs_that_do_not_vary_are_told_apart_by_counting_alone():
    ones = np.ones(3)
    assert statistics.permutation_test(ones, 2 * ones, rng=rng()) == pytest.approx(0.1)
    assert statistics.permutation_test(ones / 3, ones / 3, rng=rng()) == 1
    assert statistics.permutation_test([ones, ones], ones, rng=rng()) == 1


# At these the plain permutation test of the means rejects up to 22 %, the studentised one alone up
# to 20 %.
EQUAL = {
    "sd 5 against 1, 5 each": ([5], [5], [5], [1]),
    "sd 5 against 1, 20 each": ([20], [20], [5], [1]),
    "10 of sd 5 against 5": ([10], [5], [5], [1]),
    "5 of sd 5 against 10": ([5], [10], [5], [1]),
    "the best of 10 against one": ([5] * 10, [5], [1], [1]),
    "the best of 6 of mixed spreads": ([5] * 6, [5], [5, 1], [1]),
    "the best of 10 that spread more": ([10] * 10, [10], [5], [1]),
}


@pytest.mark.parametrize("case", EQUAL)
def test_equal_means_are_told_apart_in_at_most_six_per_cent(case, monkeypatch):
    n, other_n, sd, other_sd = EQUAL[case]
    monkeypatch.setattr(comparing, "RANDOM_WAYS", 199)
    monkeypatch.setattr(comparing, "LEAST_WAYS", 199)
    monkeypatch.setattr(comparing, "STUDIES", 199)
    draw, small, repeats = np.random.default_rng(4), 0, 400
    for _ in range(repeats):
        sides = [
            [s * draw.normal(size=k) for k, s in zip(of, np.resize(spread, len(of)), strict=True)]
            for of, spread in ((n, sd), (other_n, other_sd))
        ]
        small += statistics.permutation_test(*sides, rng=draw, most=0) <= 0.05
    noise = 2 * np.sqrt(0.06 * 0.94 / repeats)  # two standard errors
    assert small / repeats <= 0.06 + noise


def test_a_true_lead_is_found():
    draw = np.random.default_rng(5)
    p = [
        statistics.permutation_test(draw.normal(3, size=10), draw.normal(size=10), rng=draw)
        for _ in range(20)
    ]
    assert max(p) < 0.01


def test_holm():
    np.testing.assert_allclose(statistics.holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(statistics.holm(np.array([0.5, np.nan, 0.9])), [1, np.nan, 1])
