"""Statistics over seeds against what mathematics and scipy say."""

import numpy as np
import pytest
from scipy import stats

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


def test_welchs_p_is_scipys_and_agrees_with_the_interval():
    gap = B.mean() - A.mean()
    p = statistics.welch_p(gap, A.std(ddof=1), 3, B.std(ddof=1), 3)
    assert p == pytest.approx(stats.ttest_ind(A, B, equal_var=False).pvalue)
    half = statistics.welch_half_width(A.std(ddof=1), 3, B.std(ddof=1), 3, 1 - float(p))
    assert half == pytest.approx(gap)


def test_welchs_p_of_samples_that_do_not_vary():
    p = statistics.welch_p(np.array([0.0, 0.1, 0.1]), 0.0, np.array([3, 3, 1]), 0.0, 3)
    np.testing.assert_array_equal(p, [1, 0, np.nan])


def test_mean_ranks_share_ties_and_put_missing_scores_last():
    scores = np.array([[0.9, 0.1], [0.5, 0.1], [np.nan, 0.7]])
    np.testing.assert_allclose(statistics.mean_ranks(scores), [1.75, 2.25, 2.0])
    lower = statistics.mean_ranks(scores, higher_is_better=False)
    np.testing.assert_allclose(lower, [1.75, 1.25, 3.0])
