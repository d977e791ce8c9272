"""Intervals of the mean, the median and the interquartile mean, also over several data sets."""

import numpy as np
import pytest
from scipy import stats

from disentbench.scoring import statistics
from disentbench.scoring.statistics import bootstrap

STATISTICS = ("mean", "median", "iqm")
POPULATIONS = {  # draws of a number of runs, and the three statistics of the population
    "normal": (lambda rng, size: rng.normal(size=size), (0, 0, 0)),
    # E[x; a < x < b] of an exponential is (a + 1) e^-a - (b + 1) e^-b, with e^-a = 3/4, e^-b = 1/4.
    "exponential": (
        lambda rng, size: rng.exponential(size=size),
        (1, np.log(2), 2 * (0.75 * (1 + np.log(4 / 3)) - 0.25 * (1 + np.log(4)))),
    ),
}


def rng():
    return np.random.default_rng(0)


def covered(tasks, statistic, truth, draws=199):
    _, low, high = bootstrap.bounds(tasks, statistic, rng=rng(), draws=draws)
    return ((low <= truth) & (truth <= high)).mean()


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n", [5, 10, 50])
def test_one_data_set_is_covered_95_times_of_100(statistic, n):
    samples = rng().normal(size=(20_000, n))
    assert 0.93 <= covered([samples], statistic, 0) <= 0.97


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(("n", "studies"), [(5, 4000), (10, 2000), (50, 600)])
def test_three_data_sets_are_covered_95_times_of_100(statistic, n, studies):
    tasks = list(rng().normal(size=(3, studies, n)))
    assert 0.93 <= covered(tasks, statistic, 0) <= 0.97


@pytest.mark.parametrize("statistic", STATISTICS)
def test_data_sets_that_lie_apart_are_covered_too(statistic):
    """Symmetric about the middle one, whose mean is all three statistics."""
    tasks = [rng().normal(size=(3, 2000, 10))[i] + 2 * i for i in range(3)]
    assert 0.93 <= covered(tasks, statistic, 2) <= 0.97


@pytest.mark.parametrize(("statistic", "place"), [("mean", 0), ("median", 1), ("iqm", 2)])
def test_skewed_scores_are_covered_as_the_docstring_says(statistic, place):
    draw, truths = POPULATIONS["exponential"]
    alone = covered([draw(rng(), (10_000, 10))], statistic, truths[place])
    assert alone == pytest.approx({"mean": 0.90, "median": 0.95, "iqm": 0.93}[statistic], abs=0.01)
    three = covered(list(draw(rng(), (3, 2000, 10))), statistic, truths[place])
    assert 0.93 <= three <= 0.97


def test_a_percentile_bootstrap_would_cover_too_little():
    """Why there is more than one method here."""
    samples = rng().normal(size=(2000, 5))
    chosen = rng().integers(0, 5, (2000, 200, 5))
    means = np.take_along_axis(samples[:, None], chosen, 2).mean(2)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    assert ((low <= 0) & (high >= 0)).mean() < 0.88


def test_statistics_are_those_of_all_runs_pooled():
    tasks = [np.arange(4.0), np.array([10.0, 11, 12, 13, np.nan]), np.array([5.0, np.inf, 6, 7])]
    pooled = np.array([*range(4), 10, 11, 12, 13, 5, 6, 7], float)
    expected = pooled.mean(), np.median(pooled), stats.trim_mean(pooled, 0.25)
    found = [statistics.aggregate(tasks, s, rng=rng()).mean for s in STATISTICS]
    assert found == pytest.approx(expected)


def test_a_matrix_is_runs_by_tasks():
    matrix = rng().normal(size=(6, 2))
    of_list = statistics.aggregate([matrix[:, 0], matrix[:, 1]], "iqm", rng=rng())
    assert statistics.aggregate(matrix, "iqm", rng=rng()) == of_list


def test_the_mean_of_one_data_set_is_students():
    runs = rng().normal(size=7)
    assert statistics.aggregate([runs], "mean", rng=rng()) == pytest.approx(
        statistics.interval(runs)
    )


def test_the_interquartile_mean_of_eight_is_yuens():
    """The middle four, the variance of 2 2 2 3 4 5 5 5 and t with three degrees of freedom."""
    runs = np.array([0.0, 1, 2, 3, 4, 5, 6, 9])
    error = np.sqrt(8 * np.var([2, 2, 2, 3, 4, 5, 5, 5]) / (4 * 3))
    half = stats.t.ppf(0.975, 3) * error
    found = statistics.aggregate([runs], "iqm", rng=rng())
    assert found == pytest.approx((3.5, 3.5 - half, 3.5 + half))


def test_the_median_of_few_has_the_range_and_of_fewer_no_interval():
    assert statistics.aggregate([np.arange(5.0)], "median", rng=rng()) == (2, 0, 4)
    four = statistics.aggregate([np.arange(4.0)], "median", rng=rng())
    assert four.mean == 1.5
    assert np.isnan(four[1:]).all()


@pytest.mark.parametrize("statistic", STATISTICS)
def test_edges(statistic):
    equal = statistics.aggregate([np.full(5, 0.3), np.full(5, 0.3)], statistic, rng=rng())
    assert equal == pytest.approx((0.3, 0.3, 0.3))
    assert np.isnan(statistics.aggregate([], statistic, rng=rng())).all()
    one = statistics.aggregate([np.array([0.4])], statistic, rng=rng())
    assert one.mean == 0.4
    assert np.isnan(one[1:]).all()
    lonely = [np.append(np.zeros(5), 1), np.zeros(6)]  # most draws are of equal runs
    assert np.isfinite(statistics.aggregate(lonely, statistic, rng=rng())).all()
    few = [rng().normal(size=3), rng().normal(size=4)]
    assert np.isfinite(statistics.aggregate(few, statistic, rng=rng())).all()
    drawn = [statistics.aggregate(list(rng().normal(size=(2, 6))), statistic, rng=rng())] * 2
    assert drawn[0] == drawn[1]
