"""DCI's boosted trees beside those that define them, scikit-learn's, on small and uneven tables."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from disentbench.metrics._boosting import boost
from disentbench.metrics._splits import train_test
from disentbench.metrics.dci import concentration


def table(shares, images, correlation=0.0, seed=0):
    """Factors whose classes have these shares, and 5 latents that know them through noise."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.choice(len(p), images, p=p) for p in shares], axis=1)
    z = (factors - factors.mean(0)) / factors.std(0)
    mixed = z @ (np.eye(len(shares), 5) + 0.3 * rng.standard_normal((len(shares), 5)))
    codes = mixed + rng.standard_normal((images, 5))
    codes += correlation * np.roll(codes, 1, axis=1)
    return np.float32(codes), factors


def measured(codes, factors, fit):
    """D, C and I by what `fit` says of some rows: shares of importance and predicted classes."""
    train, test = train_test(len(codes), np.random.default_rng(0))
    trees = [fit(codes[train], v[train], codes[test]) for v in factors.T]
    accuracy = [np.mean(p == v[test]) for (_, p), v in zip(trees, factors.T, strict=True)]
    R = np.stack([importance for importance, _ in trees], axis=1)
    return concentration(R), concentration(R.T), np.mean(accuracy)


def ours(seed):
    rng = np.random.default_rng(seed)
    return lambda x, y, test: boost(x, y, test, rng=rng)


def peers(seed):
    def fit(x, y, test):
        trees = GradientBoostingClassifier(random_state=seed).fit(x, y)
        return trees.feature_importances_, trees.predict(test)

    return fit


# Thresholds at 127 quantiles give D and C of the first as .21 and .18 in place of .40 and .31.
TABLES = {
    "rare classes": lambda: table([[0.96, 0.02, 0.02], [0.5, 0.3, 0.2]], 900),
    "unbalanced classes": lambda: table([[0.85, 0.1, 0.05], [0.7, 0.2, 0.1]], 600),
    "correlated latents": lambda: table([[0.6, 0.3, 0.1], [0.8, 0.2]], 500, correlation=1.0),
    "few rows": lambda: table([[0.6, 0.4], [0.4, 0.3, 0.3]], 150),
}


@pytest.mark.parametrize("name", TABLES)
def test_dci_is_that_of_scikit_learns_trees_on_small_tables(name):
    codes, factors = TABLES[name]()
    expected = np.mean([measured(codes, factors, peers(seed)) for seed in range(2)], axis=0)
    found = np.mean([measured(codes, factors, ours(seed)) for seed in range(3)], axis=0)
    assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("values", [3, 50, 10**9])
def test_boosted_trees_are_those_of_scikit_learn(classes, values):
    """For features of few values, of some that repeat and of none, and for one-hot columns."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, values, (900, 3)) / values
    x = np.float32(np.hstack([x, np.eye(3)[rng.integers(0, 3, 900)]]))
    signal = x[:, 0] + 0.5 * x[:, 1] + 0.3 * x[:, 3] + 0.3 * rng.standard_normal(900)
    y = np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))
    trees = boost(x[:600], y[:600], x[600:], rounds=20, rng=rng)
    peer = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(x[:600], y[:600])
    assert trees.importance == pytest.approx(peer.feature_importances_, abs=0.005)
    assert np.mean(trees.predicted == peer.predict(x[600:])) > 0.98


def test_ties_between_features_fall_at_random():
    """Two copies of a feature share its importance, whichever comes first."""
    rng = np.random.default_rng(0)
    x = np.float32(rng.standard_normal((300, 1)))
    y = (x[:, 0] + 0.5 * rng.standard_normal(300) > 0).astype(int)
    shares = boost(np.hstack([x, x]), y, x[:1].repeat(2, 1), rng=rng).importance
    assert shares == pytest.approx([0.5, 0.5], abs=0.15)


def test_only_the_order_of_values_matters():
    codes, factors = TABLES["few rows"]()
    found = [
        boost(z, factors[:, 1], z, rounds=10, rng=np.random.default_rng(0)).importance
        for z in (codes, np.float32(1e-6) * codes, np.exp(codes))
    ]
    assert found[1] == pytest.approx(found[0], abs=1e-9)
    assert found[2] == pytest.approx(found[0], abs=1e-9)


def test_rows_of_one_class_leave_nothing_to_predict():
    trees = boost(np.eye(4), np.full(4, 3), np.eye(4), rng=np.random.default_rng(0))
    assert trees.importance.tolist() == [0, 0, 0, 0]
    assert trees.predicted.tolist() == [3, 3, 3, 3]
