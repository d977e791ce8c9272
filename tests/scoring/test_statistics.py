"""Statistics over seeds against what mathematics and scipy say."""

import numpy as np
import pytest
from scipy import integrate, stats

from disentbench.scoring import statistics

A, B = np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.9])


def rng():
    return np.random.default_rng(0)


def test_interval_of_three_runs_is_students():
    mean, low, high = statistics.interval(A)
    t = 4.302652729911275  # the 97.5 % quantile with two degrees of freedom
    assert mean == pytest.approx(0.2)
    assert high - mean == pytest.approx(t * 0.1 / np.sqrt(3))
    assert mean - low == pytest.approx(high - mean)


@pytest.mark.parametrize("n", [2, 3, 5, 50])
def test_interval_covers_as_often_as_it_says(n):
    samples = rng().normal(size=(20_000, n))
    half = statistics.half_width(samples.std(1, ddof=1), n)
    covered = (np.abs(samples.mean(1)) <= half).mean()
    assert covered == pytest.approx(0.95, abs=0.006)


def test_one_run_has_no_interval_and_none_has_no_mean():
    assert statistics.interval(np.array([0.4]))[0] == pytest.approx(0.4)
    assert np.isnan(statistics.interval(np.array([0.4]))[1:]).all()
    assert np.isnan(statistics.interval(np.array([]))).all()
    assert np.isnan(statistics.half_width(0.0, 1))


def test_runs_that_diverged_do_not_count():
    failed = np.append(A, np.nan)
    assert statistics.interval(failed) == statistics.interval(A)
    assert statistics.difference(failed, B) == statistics.difference(A, B)
    assert statistics.probability_of_improvement(failed, B) == 0


def test_difference_is_welchs():
    expected = stats.ttest_ind(B, A, equal_var=False).confidence_interval()
    assert statistics.difference(B, A) == pytest.approx((B.mean() - A.mean(), *expected))


def test_difference_of_equal_constants_is_exact():
    assert statistics.difference(np.ones(2), np.ones(3)) == (0, 0, 0)


def test_half_widths_are_elementwise_and_welchs():
    sd, n = np.array([A.std(ddof=1), 0.0, 1.0, np.nan]), np.array([3, 3, 1, 0])
    half = statistics.welch_half_width(sd, n, B.std(ddof=1), 3)
    gap = statistics.difference(A, B)
    alone = statistics.difference(np.ones(3), B)
    assert half[:2] == pytest.approx([gap.high - gap.mean, alone.high - alone.mean])
    assert np.isnan(half[2:]).all()


@pytest.mark.parametrize(("k", "expected"), [(2, 1 / np.sqrt(np.pi)), (3, 1.5 / np.sqrt(np.pi))])
def test_the_best_of_equals_is_too_good_by_the_expected_maximum_of_normals(k, expected):
    found = statistics.best_of_equals(np.full(k, 2.0), np.full(k, 4), np.arange(k), rng=rng())
    assert found.excess == pytest.approx(expected, abs=0.03)  # a mean of 4 runs of sd 2 has sd 1
    gap = {2: 2, 3: 1.5}[k] / np.sqrt(np.pi)  # of the first two order statistics
    assert found.lead == pytest.approx(gap, abs=0.03)


@pytest.mark.parametrize("k", [2, 7])
def test_the_best_of_equals_beats_one_other_as_often_as_normals_do(k):
    limit = stats.norm.ppf(0.975) * np.sqrt(2)  # of a difference of two standard normals

    def density(x):  # one of k is the best, at x, and another one, named, is so far below it
        below = stats.norm.cdf(x) ** (k - 2) * stats.norm.cdf(x - limit)
        return k * stats.norm.pdf(x) * below

    expected = integrate.quad(density, -10, 10)[0]
    found = statistics.best_of_equals(np.ones(k), np.full(k, 1000), np.arange(k), rng=rng())
    assert found.clear == pytest.approx(expected, abs=0.01)
    assert found.unchosen == pytest.approx(0.05, abs=0.01)
    if k == 2:
        assert expected == pytest.approx(0.05)
        assert found.ahead == found.clear  # there is but one other
    else:
        # The range of seven normals beyond the limit: clear of at least one, the worst.
        assert found.ahead == pytest.approx(
            1 - stats.studentized_range.cdf(limit, k, 1e6), abs=0.01
        )


def test_settings_of_one_method_have_no_lead_over_another():
    found = statistics.best_of_equals(np.ones(3), np.array([3, 3, 2]), np.zeros(3, int), rng=rng())
    assert np.isnan([found.lead, found.ahead]).all()
    assert found.excess > 0
    alone = statistics.best_of_equals(np.ones(1), np.array([3]), np.zeros(1, int), rng=rng())
    assert alone.excess == pytest.approx(0, abs=0.02)


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


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 2), (3, 2), (3, 3), (5, 4), (7, 7)])
def test_no_p_is_below_that_of_samples_that_lie_apart(n, m):
    x, y = np.arange(n, dtype=float), 100 + np.arange(m, dtype=float) ** 2
    assert statistics.permutation_test(x, y, rng=rng()) == pytest.approx(statistics.lowest_p(n, m))


def test_lowest_p_is_one_of_all_ways_or_of_those_that_are_tried():
    assert statistics.lowest_p(3, 3) == pytest.approx(2 / 20)
    assert statistics.lowest_p(4, 3) == pytest.approx(1 / 35)
    assert statistics.lowest_p(50, 50) == pytest.approx(1 / 10_000)
    assert np.isnan(statistics.lowest_p(0, 3))


def test_permutation_agrees_with_scipy_and_random_with_exact():
    x, y = rng().normal(size=(2, 6))
    y += 0.8

    def gap(a, b, axis=-1):
        return a.mean(axis) - b.mean(axis)

    exact = statistics.permutation_test(x, y, rng=rng())
    expected = stats.permutation_test((x, y), gap, vectorized=True, n_resamples=np.inf)
    assert exact == pytest.approx(expected.pvalue)
    assert statistics.permutation_test(x, y, rng=rng(), most=0) == pytest.approx(exact, abs=0.02)


def test_holm():
    np.testing.assert_allclose(statistics.holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(statistics.holm(np.array([0.5, np.nan, 0.9])), [1, np.nan, 1])


def test_mean_ranks_share_ties_and_put_missing_scores_last():
    scores = np.array([[0.9, 0.1], [0.5, 0.1], [np.nan, 0.7]])
    np.testing.assert_allclose(statistics.mean_ranks(scores), [1.75, 2.25, 2.0])
    lower = statistics.mean_ranks(scores, higher_is_better=False)
    np.testing.assert_allclose(lower, [1.75, 1.25, 3.0])
