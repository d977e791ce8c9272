"""Held-out R2 against scikit-learn's regressors and scores on the same rows."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_info, threadpool_limits

from disentbench.metrics._splits import train_test
from disentbench.metrics.r2 import by_trees, explained, one_thread, r2


def score(codes, factors, seed=0):
    none = np.zeros((len(codes), 0), int)
    return r2(codes, factors, none, rng=np.random.default_rng(seed))


def table(rows=450, latents=4):
    rng = np.random.default_rng(1)
    factors = rng.integers(0, (3, 5, 8), (rows, 3))
    codes = factors @ rng.standard_normal((3, latents)) + rng.standard_normal((rows, latents))
    return 1e3 + codes, factors


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("linear", LinearRegression()),
        ("trees", HistGradientBoostingRegressor(early_stopping=False)),
    ],
)
def test_it_is_that_of_scikit_learn(name, model):
    codes, factors = table()
    train, test = train_test(len(codes), np.random.default_rng(0))
    found = score(codes, factors)
    with one_thread():
        for k, v in enumerate(factors.T):
            predicted = model.fit(codes[train], v[train]).predict(codes[test])
            assert found.detail[name][k] == pytest.approx(r2_score(v[test], predicted), abs=1e-6)
    assert found.values[f"r2_{name}"] == pytest.approx(found.detail[name].mean())


def test_a_linear_mixture_is_undone_and_a_square_is_left_to_the_trees():
    factors = np.tile(np.indices((5, 7)).reshape(2, -1).T, (20, 1))
    mixed = score(factors @ [[2.0, 1.0], [-1.0, 3.0]], factors).values
    assert mixed["r2_linear"] == pytest.approx(1)
    where = factors - factors.mean(0)
    folded = score(where[:, :1], np.int64(abs(where[:, :1]))).values
    assert folded["r2_trees"] > 0.95
    assert folded["r2_linear"] < 0.05


def test_a_copy_of_every_latent_changes_nothing_of_the_line():
    codes, factors = table()
    twice = score(np.hstack([codes, codes, codes[:, :1] * 0]), factors).values["r2_linear"]
    assert twice == pytest.approx(score(codes, factors).values["r2_linear"])


def test_it_is_below_0_where_many_latents_of_noise_are_fitted_on_few_rows():
    rng = np.random.default_rng(0)
    found = score(rng.standard_normal((60, 35)), rng.integers(0, 4, (60, 2))).values
    assert found["r2_linear"] < -0.2


def test_nothing_to_explain_is_0():
    assert explained(np.array([2.0, 2.0]), np.array([1.0, 5.0])) == 0
    codes, factors = table()
    assert score(codes, factors * 0).values == {"r2_linear": 0, "r2_trees": 0}


def test_trees_grow_in_one_thread_however_many_there_are(monkeypatch):
    """So no number of theirs can hang on how many; two that wait for each other cost seconds."""
    seen = []

    class Watched(HistGradientBoostingRegressor):
        def fit(self, *rows):
            pools = threadpool_info()
            seen.extend(pool["num_threads"] for pool in pools if pool["user_api"] == "openmp")
            return super().fit(*rows)

    monkeypatch.setattr("disentbench.metrics.r2.HistGradientBoostingRegressor", Watched)
    codes, factors = table()
    with threadpool_limits(2, user_api="openmp"):
        by_trees(codes[:300], factors[:300, 2].astype(float), codes[300:], rounds=2)
    assert set(seen) == {1}
