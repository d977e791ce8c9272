"""Effect sizes, the seeds that a lead needs, and the chance of improvement, by simulation."""

import numpy as np
import pytest
from scipy import stats

from disentbench.scoring import statistics


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("delta", [0.0, 1.5])
def test_hedges_g_has_no_bias_and_its_interval_covers(delta):
    a, b = rng().normal(delta, size=(3000, 5)), np.random.default_rng(1).normal(size=(3000, 7))
    found = np.array([statistics.hedges_g(x, y) for x, y in zip(a, b, strict=True)])
    assert found[:, 0].mean() == pytest.approx(delta, abs=0.05)
    covered = (found[:, 1] <= delta) & (delta <= found[:, 2])
    assert covered.mean() == pytest.approx(0.95, abs=0.012)


def test_hedges_g_by_hand_and_where_there_is_none():
    a, b = np.array([3.0, 4, 5]), np.array([1.0, 2, 3])
    # d = 2 with four degrees of freedom; J = Γ(2) / (√2 Γ(3/2)) = √(2 / π)
    assert statistics.hedges_g(a, b).mean == pytest.approx(2 * np.sqrt(2 / np.pi))
    for x, y in ((a[:1], b[:1]), (a[:0], b), (np.ones(3), np.ones(3))):
        assert np.isnan(statistics.hedges_g(x, y)).all()


def test_seeds_needed_are_those_of_published_tables():
    """Cohen 1988, table 2.4.1: two-sided .05, power .80."""
    for d, n in {0.5: 64, 0.8: 26, 1.0: 17, 1.4: 10}.items():
        assert statistics.seeds_needed(d, 1, 1) == n
        assert statistics.seeds_needed(-3 * d, 3, 3) == n


@pytest.mark.parametrize(("gap", "sd", "other"), [(1, 1, 1), (0.1, 0.05, 0.1), (2, 2, 0.2)])
def test_power_is_80_per_cent_at_the_seeds_needed_and_less_with_one_fewer(gap, sd, other):
    n = statistics.seeds_needed(gap, sd, other)
    power = [simulated(size, gap, sd, other) for size in (n - 1, n)]
    assert power[0] < 0.805 <= power[1] + 0.02
    assert power[1] == pytest.approx(statistics.welch_power(n, gap, sd, other), abs=0.01)
    assert statistics.welch_power(n - 1, gap, sd, other) < 0.8


def simulated(n, gap, sd, other):
    a = rng().normal(gap, sd, (20_000, n))
    b = np.random.default_rng(1).normal(0, other, (20_000, n))
    return (stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < 0.05).mean()


def test_seeds_needed_at_the_edges():
    assert statistics.seeds_needed(0, 1, 1) is None
    assert statistics.seeds_needed(np.nan, 1, 1) is None
    assert statistics.seeds_needed(1, 0, 0) == 2
    assert statistics.seeds_needed(1e3, 1, 1) == 2
    assert statistics.seeds_needed(1e-9, 1, 1) is None


@pytest.mark.parametrize("spreads", [(1, 1), (4, 1)])
@pytest.mark.parametrize(
    ("sizes", "truth", "studies"),
    [((5, 5), 0.5, 800), ((5, 10), 0.7, 800), ((10, 10), 0.9, 800), ((50, 50), 0.98, 600)],
)
def test_improvement_is_covered_at_equal_and_unequal_spreads(spreads, sizes, truth, studies):
    gap = stats.norm.ppf(truth) * np.hypot(*spreads)
    a = rng().normal(gap, spreads[0], (studies, sizes[0]))
    b = np.random.default_rng(1).normal(0, spreads[1], (studies, sizes[1]))
    found = [statistics.improvement_interval(x, y) for x, y in zip(a, b, strict=True)]
    covered = np.mean([low <= truth <= high for _, low, high in found])
    assert 0.93 <= covered <= (0.995 if min(sizes) == 5 else 0.985)


def test_improvement_and_its_mirror():
    a, b = rng().normal(0.5, size=6), np.random.default_rng(1).normal(size=9)
    p, low, high = statistics.improvement_interval(a, b)
    assert p == statistics.probability_of_improvement(a, b)
    assert statistics.improvement_interval(b, a) == pytest.approx((1 - p, 1 - high, 1 - low))
    assert 0 <= low < p < high <= 1


def test_where_all_pairs_are_won_the_interval_ends_at_one():
    lows = []
    for n in (3, 5, 10, 50):
        p, low, high = statistics.improvement_interval(np.arange(n) + 100.0, np.arange(n) + 0.0)
        assert (p, high) == (1, 1)
        lows.append(low)
        assert statistics.improvement_interval(np.arange(n) + 0.0, np.arange(n) + 100.0).low == 0
    assert lows == sorted(lows)
    assert lows[1] < 0.8
    assert lows[-1] > 0.9


def test_one_run_has_no_interval_of_improvement():
    p, *ends = statistics.improvement_interval(np.ones(1), np.zeros(4))
    assert p == 1
    assert np.isnan(ends).all()
    assert np.isnan(statistics.improvement_interval(np.ones(0), np.zeros(4))).all()
    assert statistics.improvement_interval(np.ones(4), np.ones(4)).mean == 0.5
