"""Shares of variance, transfer of choices, rank correlation and choices without factors."""

import itertools

import numpy as np
import pytest
from scipy import stats

from disentbench.scoring import statistics


def rng():
    return np.random.default_rng(0)


def layout(objectives=3, strengths=4, seeds=5):
    """Codes of objective, setting (alike in every objective) and seed of each run."""
    grid = np.indices((objectives, strengths, seeds)).reshape(3, -1)
    return grid[0], grid[1], grid[2]


def test_shares_of_a_known_layout_are_exact():
    objective, setting, seed = layout()
    noise = rng().normal(size=(3, 4, 5))
    noise -= noise.mean(2, keepdims=True)
    noise -= noise.mean((0, 1))  # orthogonal to settings and seeds
    parts = [
        np.array([-1.0, 0, 1])[objective],
        np.array([-3.0, 1, 1, 1])[setting] * np.array([1, 2, -1])[objective],
        np.array([-2.0, -1, 0, 1, 2])[seed] / 3,
        noise.ravel(),
    ]
    squares = np.array([(part**2).sum() for part in parts])
    found = statistics.variance_shares(sum(parts) + 7, objective, setting, seed)
    assert found[1:5] == pytest.approx(squares / squares.sum())
    assert found.settings == pytest.approx(squares[:2].sum() / squares.sum())
    assert found[5:8] == pytest.approx((2 / 59, 11 / 59, 4 / 59))


def test_pure_noise_explains_its_floor_on_average_and_nothing_when_adjusted():
    codes = layout(4, 3, 3)
    found = np.array(
        [statistics.variance_shares(values, *codes) for values in rng().normal(size=(3000, 36))]
    )
    mean = statistics.Shares(*found.mean(0))
    assert mean.objective == pytest.approx(mean.objective_floor, abs=0.005)
    assert mean.settings == pytest.approx(mean.settings_floor, abs=0.005)
    assert mean.seed == pytest.approx(mean.seed_floor, abs=0.005)
    assert mean.objective_adjusted == pytest.approx(0, abs=0.005)
    assert mean.settings_adjusted == pytest.approx(0, abs=0.01)


def test_unbalanced_shares_are_those_of_least_squares_on_dummies():
    codes = [code[rng().permutation(60)[:41]] for code in layout()]
    values = rng().normal(size=41) + codes[0] + codes[2] * 0.3
    values_with_gaps = np.append(values, [np.nan, np.inf])
    padded = [np.append(code, [9, 9]) for code in codes]
    found = statistics.variance_shares(values_with_gaps, *padded)
    objective = dummies(codes[0])
    settings = dummies(codes[0] * 10 + codes[1])
    left = [residual(values, X) for X in (np.ones((41, 1)), objective, settings)]
    left.append(residual(values, np.hstack([settings, dummies(codes[2])])))
    expected = [left[0] - left[1], left[1] - left[2], left[2] - left[3], left[3]]
    assert found[1:5] == pytest.approx(np.array(expected) / left[0])
    k = settings.shape[1]
    assert found.settings_adjusted == pytest.approx(1 - left[2] / left[0] * 40 / (41 - k))


def dummies(codes):
    return (codes[:, None] == np.unique(codes)).astype(float)


def residual(values, X):
    return ((values - X @ np.linalg.lstsq(X, values, rcond=None)[0]) ** 2).sum()


def test_shares_at_the_edges():
    codes = layout(2, 2, 1)
    one_seed = statistics.variance_shares(np.array([1.0, 2, 5, 7]), *codes)
    assert one_seed.settings == pytest.approx(1)
    assert (one_seed.seed, one_seed.rest) == pytest.approx((0, 0))
    assert np.isnan(one_seed.settings_adjusted)
    for values in (np.ones(4), np.full(4, np.nan)):
        assert np.isnan(statistics.variance_shares(values, *codes)[1:]).all()


def test_the_best_of_k_settings_beats_a_random_one_unless_that_is_itself():
    scores = np.broadcast_to(np.arange(6.0)[:, None], (3, 2, 6, 4))
    assert statistics.transfer_shares(scores) == pytest.approx([1 - 1 / 12] * 4)


def test_noise_transfers_nothing_and_reversed_metrics_do_harm():
    noise = rng().normal(size=(4, 3, 12, 30))
    assert statistics.transfer_shares(noise) == pytest.approx([0.5] * 4, abs=0.02)
    setting = np.arange(5.0)[:, None] + np.zeros(3)
    found = statistics.transfer_shares(np.stack([setting, -setting])[:, None])
    assert found.same == pytest.approx(0.9)
    assert found.other_metric == pytest.approx(0.1)
    assert np.isnan([found.other_data, found.both_other]).all()


def test_transfer_is_what_counting_every_case_gives():
    scores = rng().normal(size=(2, 2, 4, 3)).round(1)
    scores[0, 1, 2, 1] = np.nan
    kinds = {(m, t): [] for m in (True, False) for t in (True, False)}
    for m, t, other, there in itertools.product(range(2), repeat=4):
        cases = [
            case
            for s, elsewhere in itertools.permutations(range(3), 2)
            for case in beaten(scores[m, t, :, s], scores[other, there, :, elsewhere])
        ]
        won, weights = zip(*cases, strict=True)
        kinds[m == other, t == there].append(np.average(won, weights=weights))
    expected = [np.mean(kinds[m, t]) for m, t in itertools.product((True, False), repeat=2)]
    assert statistics.transfer_shares(scores) == pytest.approx(expected)


def beaten(picking, reading):
    """Whether the picked setting beats a random one, for each of those that tie as the best."""
    ties = np.flatnonzero(picking == np.nanmax(picking))
    rivals = reading[np.isfinite(reading)]
    return [
        (np.mean((reading[k] > rivals) + 0.5 * (reading[k] == rivals)), 1 / len(ties))
        for k in ties
        if np.isfinite(reading[k])
    ]


def test_data_that_no_metric_can_read_tells_nothing():
    scores = rng().normal(size=(3, 2, 4, 5))
    scores[:, 1] = np.nan
    found = statistics.transfer_shares(scores)
    assert found == pytest.approx(statistics.transfer_shares(scores[:, :1]), nan_ok=True)
    assert np.isnan(statistics.transfer_shares(scores * np.nan)).all()
    assert np.isnan(statistics.transfer_shares(scores[..., :1])).all()  # one seed


def test_one_source_is_its_rows_of_the_chances():
    scores = rng().normal(size=(3, 2, 5, 4))
    chances = statistics.transfer_chances(scores)
    found = statistics.transfer_shares(scores, source=1)
    assert found.same == pytest.approx(np.mean([chances[m, 1, m, 1] for m in range(3)]))
    assert found.other_data == pytest.approx(np.mean([chances[m, 1, m, 0] for m in range(3)]))


def test_rank_correlation_is_scipys_over_the_runs_that_have_both():
    scores = rng().normal(size=(12, 3))
    scores[:, 1] = np.round(scores[:, 0] + scores[:, 1])
    scores[:3, 2] = np.nan
    scores[3, 2] = np.inf
    found, runs = statistics.rank_correlation(scores)
    assert runs.tolist() == [[12, 12, 8], [12, 12, 8], [8, 8, 8]]
    assert found[0, 1] == pytest.approx(stats.spearmanr(scores[:, 0], scores[:, 1])[0])
    assert found[2, 1] == pytest.approx(stats.spearmanr(scores[4:, 1], scores[4:, 2])[0])
    assert np.diag(found) == pytest.approx([1, 1, 1])


def test_rank_correlation_sees_order_alone_and_is_nan_where_there_is_none():
    x = np.arange(6.0)
    few = np.where(x < 2, x, np.nan)
    table = np.stack([x, np.exp(x), -(x**3), np.ones(6), few], axis=1)
    found, runs = statistics.rank_correlation(table)
    assert found[0, 1:3] == pytest.approx([1, -1])
    assert np.isnan(found[:, 3:]).all()
    assert runs[0, 4] == 2


def test_a_choice_by_the_score_itself_costs_nothing_and_by_its_opposite_most():
    scores = np.arange(4.0)[:, None] + np.zeros(5)
    itself = statistics.cost_of_choosing(scores, 10 * scores)
    assert itself == (3, 0, 1.5, 5)
    assert statistics.cost_of_choosing(scores, -scores).cost == 3
    assert statistics.cost_of_choosing(scores, np.ones((4, 5))).cost == 1.5  # all tie


def test_neither_choice_profits_from_the_noise_that_it_is_read_by():
    """Of settings that are equal every choice is as good as any, whatever chose it."""
    noise = rng().normal(size=(1500, 6, 4))
    by_itself = [statistics.cost_of_choosing(scores, scores) for scores in noise]
    assert np.mean([cost.best for cost in by_itself]) == pytest.approx(0, abs=0.06)
    by_other = [statistics.cost_of_choosing(a, b) for a, b in itertools.pairwise(noise)]
    assert np.mean([cost.cost for cost in by_other]) == pytest.approx(0, abs=0.06)
    assert np.mean([cost.random for cost in by_other]) == pytest.approx(0, abs=0.06)


def test_choices_at_the_edges():
    scores = np.array([[1.0, 1, np.nan], [2, 2, 2], [0, 0, 0]])
    by = np.array([[5.0, 5, 5], [1, 1, 1], [np.nan] * 3])
    assert statistics.cost_of_choosing(scores, by)[1:] == (1, 1, 2)  # no score is there to lose
    assert statistics.cost_of_choosing(scores[:, :1], by[:, :1]).seeds == 0
    assert statistics.cost_of_choosing(scores, by * np.nan).seeds == 0
