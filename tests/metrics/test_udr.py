"""UDR where the resemblance of two runs is known."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso
from sklearn.preprocessing import StandardScaler

from disentbench.metrics.udr import by_lasso, informative, relative_strength, udr
from disentbench.posterior import Posterior

EQUAL = {"udr_spearman": 1.0, "udr_lasso": 1.0, "udr_lasso_published": 0.9}
NOTHING = dict.fromkeys(EQUAL, 0.0)


def run(mean, logvar=-4.0):
    mean = np.asarray(mean, np.float32)
    return Posterior(mean, np.broadcast_to(np.float32(logvar), mean.shape), {})


def codes(seed=0, images=4000, latents=4):
    """Independent latents: their sample correlations vanish."""
    z = np.random.default_rng(seed).standard_normal((images, latents))
    return np.linalg.qr(z - z.mean(0))[0] * math.sqrt(images)


def mixed(seed):
    weights = np.random.default_rng(100 + seed).standard_normal((4, 4))
    return run(codes() @ weights + codes(seed))


def kept(of, **options):
    return informative(of, rng=np.random.default_rng(0), **options)


def score(one, *others):
    return udr(one, [kept(other) for other in others], rng=np.random.default_rng(0)).values


def test_equal_runs_of_independent_latents():
    assert score(run(codes()), run(codes())) == pytest.approx(EQUAL, abs=0.02)


def test_equal_ranks_are_exactly_one_where_ranks_are_independent_too():
    grid = np.indices((4, 5, 6)).reshape(3, -1).T
    assert score(run(grid), run(grid**3))["udr_spearman"] == pytest.approx(1)


def test_latents_permuted_and_negated_score_the_same():
    a, b = mixed(1), mixed(2)
    changed = run(b.mean[:, [2, 0, 3, 1]] * [1, -1, -1, 1])
    assert score(a, changed) == pytest.approx(score(a, b), abs=1e-5)


def test_a_pair_is_symmetric_but_for_the_published_lasso():
    a, b = mixed(1), mixed(2)
    one, other = score(a, b), score(b, a)
    both = (one.pop("udr_lasso_published") + other.pop("udr_lasso_published")) / 2
    assert one == pytest.approx(other)
    assert one["udr_lasso"] == pytest.approx(both / 0.9)


def test_independent_runs_score_near_zero():
    assert score(run(codes(1)), run(codes(2))) == pytest.approx(NOTHING, abs=0.03)


def test_a_rotation_by_45_degrees_splits_every_latent_in_two():
    z = codes(latents=2)
    turned = z @ [[1, 1], [1, -1]] / math.sqrt(2)
    rank = 6 / math.pi * math.asin(math.sqrt(0.5) / 2)  # Spearman's of a Gaussian
    weight = math.sqrt(0.5) - 0.1  # the lasso's soft threshold
    expected = {
        "udr_spearman": rank / 2,
        "udr_lasso": weight / 0.9 / 2,
        "udr_lasso_published": weight / 2,
    }
    assert score(run(z), run(turned)) == pytest.approx(expected, abs=0.01)


def test_correlations_and_weights_are_those_of_scipy_and_scikit_learn():
    a, b = mixed(1).mean, mixed(2).mean[:, :3]
    ranks = [[abs(spearmanr(x, y).statistic) for y in b.T] for x in a.T]
    assert score(run(a), run(b))["udr_spearman"] == pytest.approx(
        relative_strength(np.array(ranks)), abs=1e-6
    )
    a, b = (StandardScaler().fit_transform(z.astype(np.float64)) for z in (a, b))
    weights = abs(Lasso(alpha=0.1).fit(a, b).coef_.T)
    assert by_lasso(a, b) == pytest.approx(relative_strength(weights / 0.9), abs=1e-3)


def test_the_published_lasso_predicts_the_run_from_the_other_and_divides_nothing():
    """As in the authors' code: fit on the companion's latents, on all of the run's at once."""
    own, other = mixed(1), run(mixed(2).mean[:, :3])
    x, y = (StandardScaler().fit_transform(np.float64(each.mean)) for each in (other, own))
    weights = abs(Lasso(alpha=0.1).fit(x, y).coef_.T)
    strength = [(weights.max(axis) ** 2 / weights.sum(axis)).mean() for axis in (0, 1)]
    found = score(own, other)["udr_lasso_published"]
    assert found == pytest.approx(sum(strength) / 2, abs=1e-3)
    assert score(other, own)["udr_lasso_published"] != pytest.approx(found, abs=1e-2)


def test_relative_strength_of_a_matrix_by_hand():
    R = np.array([[0.6, 0.2], [0.0, 0.0], [0.0, 0.5]])
    columns = (0.36 / 0.6 + 0.25 / 0.7) / 2
    rows = (0.36 / 0.8 + 0 + 0.25 / 0.5) / 3
    assert relative_strength(R) == pytest.approx((columns + rows) / 2)


def test_latents_like_the_prior_change_nothing():
    a, b = mixed(1), mixed(2)
    noise = 0.01 * codes(9, latents=2)
    logvar = np.hstack([a.logvar, np.zeros((4000, 2))])
    padded = run(np.hstack([a.mean, noise]), logvar)
    assert score(padded, b) == pytest.approx(score(a, b))


def test_an_informative_latent_of_constant_mean_resembles_nothing():
    constant = run(np.hstack([codes()[:, :3], np.full((4000, 1), 3.3)]))
    expected = {name: 3 / 4 * value for name, value in EQUAL.items()}
    assert score(constant, constant) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("latents", [0, 1, 4])
def test_runs_without_informative_latents_score_zero(latents):
    dead = run(np.zeros((4000, latents)), 0.0)
    assert score(dead, dead) == NOTHING
    assert score(dead, run(codes())) == score(run(codes()), dead) == NOTHING


def test_one_latent():
    z = codes(latents=1)
    assert score(run(z), run(-z)) == pytest.approx(EQUAL)


def test_discrete_groups_take_no_part():
    a, b = mixed(1), mixed(2)
    with_group = a._replace(logits={"shape": np.eye(3, dtype=np.float32)[np.arange(4000) % 3]})
    assert score(with_group, b) == score(a, b)


def test_a_run_is_judged_by_the_median_companion():
    same, other = run(codes(1)), run(codes(2))
    others = [kept(each) for each in (same, other, same)]
    found = udr(same, others, rng=np.random.default_rng(0))
    assert found.values == pytest.approx(EQUAL, abs=0.02)
    assert found.detail["spearman"] == pytest.approx([1, 0, 1], abs=0.03)


def test_many_images_are_sampled_the_same_in_all_runs():
    every, some = run(codes(images=20_000)), kept(run(codes()), rows=500)
    assert len(some) == 500
    assert len(kept(every)) == 10_000
    assert np.array_equal(some, kept(run(codes()), rows=500))
    assert score(every, every) == pytest.approx(EQUAL, abs=0.05)


def test_a_run_alone_has_no_score_and_a_warning():
    with pytest.warns(UserWarning, match="no other run to compare with"):
        found = udr(run(codes()), [], rng=np.random.default_rng(0))
    assert np.isnan(list(found.values.values())).all()
