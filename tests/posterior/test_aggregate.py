"""The aggregate posterior where mathematics, enumeration or a direct sum knows the answer."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import entr, logsumexp
from scipy.stats import norm

from disentbench.posterior import Posterior, aggregate, rates

UNIT_ENTROPY = (aggregate.LOG_2PI + 1) / 2


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def gaussians(mean, sigma):
    mean = np.asarray(mean, np.float32)
    return Posterior(mean, np.broadcast_to(2 * np.log(np.float32(sigma)), mean.shape), {})


def direct_log_density(posterior, z):
    """log q(z) as it is written, in float64."""
    mean, sigma = (a.astype(np.float64) for a in (posterior.mean, np.exp(posterior.logvar / 2)))
    terms = norm.logpdf(z[:, None], mean, sigma).sum(2)
    return logsumexp(terms, axis=1) - math.log(len(mean))


def scattered(rng, images=1100, latents=4):
    """Means of range 6 with widths from 0.001 to 1, mixed within every latent."""
    sigma = 10 ** rng.uniform(-3, 0, (images, latents))
    return gaussians(rng.uniform(-3, 3, (images, latents)), sigma)


def test_log_density_equals_the_direct_sum_for_widths_from_a_thousandth_to_one(rng):
    posterior = scattered(rng)
    sample = aggregate.draw(posterior, 600, rng)
    for latents in (None, [0, 2]):
        chosen = slice(None) if latents is None else latents
        direct = direct_log_density(
            Posterior(posterior.mean[:, chosen], posterior.logvar[:, chosen], {}),
            sample.z[:, chosen],
        )
        error = aggregate.log_density(posterior, sample, latents) - direct
        assert abs(error).max() < 2e-5


@pytest.mark.parametrize("sigma", [1e-2, 1e-3, 1e-4])
def test_log_density_keeps_its_precision_far_from_the_origin(rng, sigma):
    posterior = gaussians(100 + rng.uniform(0, 6 if sigma < 1e-2 else 0.1, (700, 3)), sigma)
    sample = aggregate.draw(rates.in_float64(posterior), 50, rng)
    direct = direct_log_density(posterior, sample.z)
    assert aggregate.log_density(posterior, sample) == pytest.approx(direct, abs=2e-5)


def test_log_density_does_not_overflow_far_from_a_wide_component(rng):
    posterior = gaussians(np.zeros((2, 10)), [[1e-4] * 10, [1.0] * 10])
    sample = aggregate.draw(posterior, 100, rng)
    direct = direct_log_density(posterior, sample.z)
    assert aggregate.log_density(posterior, sample) == pytest.approx(direct, abs=2e-5)


def test_one_image_says_nothing(rng):
    terms = aggregate.decompose(gaussians([[1.0, -2.0, 0.0]], 0.3), {}, samples=500, rng=rng)
    assert terms.index_code_mi == pytest.approx(0, abs=1e-4)
    assert terms.total_correlation == pytest.approx(0, abs=1e-4)
    assert terms.rate == pytest.approx(terms.dimension_wise_kl, abs=1e-4)


def test_posteriors_equal_to_the_prior_have_no_rate(rng):
    terms = aggregate.decompose(gaussians(np.zeros((50, 4)), 1.0), {}, samples=500, rng=rng)
    assert np.array(terms[:12]) == pytest.approx(np.zeros(12), abs=1e-5)


def test_well_separated_images_are_identified(rng):
    corners = np.array(list(product([-10, 0, 10], repeat=3)))
    terms = aggregate.decompose(gaussians(corners, 0.1), {}, samples=1000, rng=rng)
    assert terms.index_code_mi == pytest.approx(math.log(27), abs=1e-4)
    assert terms.total_correlation == pytest.approx(0, abs=1e-4)


def test_a_diagonal_of_separated_images_has_the_total_correlation_of_its_copies(rng):
    diagonal = np.repeat(10.0 * np.arange(8)[:, None], 3, axis=1)
    terms = aggregate.decompose(gaussians(diagonal, 0.1), {}, samples=1000, rng=rng)
    assert terms.index_code_mi == pytest.approx(math.log(8), abs=1e-4)
    assert terms.total_correlation == pytest.approx(2 * math.log(8), abs=1e-4)


def test_a_full_grid_of_overlapping_images_has_independent_latents(rng):
    grid = np.array(list(product(np.linspace(-1, 1, 5), repeat=3)))
    terms = aggregate.decompose(gaussians(grid, 0.5), {}, samples=5000, rng=rng)
    alone = aggregate.marginal(np.linspace(-1, 1, 5), np.full(5, 2 * math.log(0.5)))
    information = 3 * (alone.entropy[0] - UNIT_ENTROPY - math.log(0.5))
    assert terms.total_correlation == pytest.approx(0, abs=1e-4)
    assert terms.index_code_mi == pytest.approx(information, abs=1e-4)


def test_correlated_gaussian_means_have_the_total_correlation_of_a_gaussian(rng):
    covariance = np.array([[1, 0.8, 0], [0.8, 1, 0.3], [0, 0.3, 1]])
    mean = rng.multivariate_normal(np.zeros(3), covariance, 20_000)
    terms = aggregate.decompose(gaussians(mean, 0.5), {"a": [0, 1]}, samples=4000, rng=rng)
    blurred = covariance + 0.25 * np.eye(3)
    between = np.log(np.linalg.det(blurred[:2, :2]) * blurred[2, 2] / np.linalg.det(blurred)) / 2
    within = np.log(blurred[0, 0] * blurred[1, 1] / np.linalg.det(blurred[:2, :2])) / 2
    assert terms.tc_between_groups == pytest.approx(between, abs=0.02)
    assert terms.tc_within_groups == pytest.approx(within, abs=0.02)


def test_discrete_groups_equal_their_enumeration(rng):
    logits = {"a": 3 * rng.standard_normal((20, 3)), "b": 3 * rng.standard_normal((20, 4))}
    posterior = Posterior(np.zeros((20, 0)), np.zeros((20, 0)), logits)
    terms = aggregate.decompose(posterior, {}, samples=20_000, rng=rng)
    a, b = rates.class_probabilities(posterior)
    joint = np.einsum("ni,nj->ij", a, b) / 20
    tc = entr(joint.sum(0)).sum() + entr(joint.sum(1)).sum() - entr(joint).sum()
    mi = entr(joint).sum() - entr(a).sum() / 20 - entr(b).sum() / 20
    assert terms.dimension_wise_kl == pytest.approx(
        math.log(12) - entr(joint.sum(0)).sum() - entr(joint.sum(1)).sum()
    )
    assert abs(terms.total_correlation - tc) < 4 * terms.total_correlation_se < 0.05
    assert abs(terms.index_code_mi - mi) < 4 * terms.index_code_mi_se


def test_gaussian_and_discrete_latents_together_equal_a_sum_over_classes(rng):
    posterior = scattered(rng, images=30, latents=2)._replace(
        logits={"shape": 3 * rng.standard_normal((30, 3))}
    )
    terms = aggregate.decompose(posterior, {}, samples=20_000, rng=rng)
    (p,) = rates.class_probabilities(posterior)
    sample = aggregate.draw(posterior, 20_000, rng)
    gaussian = norm.logpdf(sample.z[:, None], posterior.mean, np.exp(posterior.logvar / 2)).sum(2)
    of_class = np.log(p[:, sample.classes["shape"]].T)
    h = -(logsumexp(gaussian + of_class, axis=1) - math.log(30))
    noise = rates.noise_entropy(rates.in_float64(posterior))
    assert terms.index_code_mi == pytest.approx(h.mean() - noise, abs=4 * h.std() / math.sqrt(2e4))


def test_the_terms_sum_to_the_rate_with_and_without_groups(rng):
    posterior = scattered(rng)._replace(logits={"shape": rng.standard_normal((1100, 3))})
    for groups in ({}, {"a": [0, 3], "b": [1]}, {"all": [0, 1, 2, 3]}):
        t = aggregate.decompose(posterior, groups, samples=300, rng=rng)
        total = t.index_code_mi + t.tc_between_groups + t.tc_within_groups + t.dimension_wise_kl
        assert total == pytest.approx(t.rate, abs=1e-9)
        assert t.total_correlation == pytest.approx(t.tc_between_groups + t.tc_within_groups)


def test_groups_move_total_correlation_from_between_to_within(rng):
    posterior = scattered(rng)
    alone = aggregate.decompose(posterior, {}, samples=300, rng=rng)
    together = aggregate.decompose(posterior, {"all": [0, 1, 2, 3]}, samples=300, rng=rng)
    assert alone.tc_within_groups == 0
    assert together.tc_between_groups == pytest.approx(0, abs=1e-4)


def test_the_standard_error_is_that_of_repetitions(rng):
    posterior = gaussians(rng.standard_normal((200, 3)) @ rng.standard_normal((3, 3)), 0.3)
    repeats = [aggregate.decompose(posterior, {}, samples=1900, rng=rng) for _ in range(40)]
    spread = np.std([r.total_correlation for r in repeats])
    claimed = np.mean([r.total_correlation_se for r in repeats])
    assert 0.7 * claimed < spread < 1.4 * claimed


def test_mutual_information_with_a_factor_is_exact_for_a_discrete_group(rng):
    factors = np.repeat(np.arange(3), 10)[:, None]
    posterior = Posterior(
        np.zeros((30, 1)), np.zeros((30, 1)), {"k": 50.0 * np.eye(3)[factors[:, 0]]}
    )
    information = aggregate.mutual_information(posterior, factors)
    assert information == pytest.approx(np.array([[0], [math.log(3)]]), abs=1e-6)


def test_mutual_information_of_separated_values_is_the_factors_entropy(rng):
    factors = rng.integers(0, [2, 5], (400, 2))
    information = aggregate.mutual_information(gaussians(factors * [50, 50], 0.3), factors)
    h = [entr(np.bincount(v) / 400).sum() for v in factors.T]
    assert np.diag(information) == pytest.approx(h, abs=1e-4)


def test_a_value_that_no_image_has_changes_nothing(rng):
    factors = rng.integers(0, 3, (200, 1))
    posterior = gaussians(factors + rng.standard_normal((200, 2)), 0.3)
    gaps = aggregate.mutual_information(posterior, factors * 2)
    assert gaps == pytest.approx(aggregate.mutual_information(posterior, factors), abs=1e-6)


def test_every_image_is_drawn_equally_often_up_to_a_remainder(rng):
    posterior = gaussians(np.zeros((30, 2)), 1.0)
    assert set(np.bincount(aggregate.draw(posterior, 75, rng).rows)) == {2, 3}
    assert np.bincount(aggregate.draw(posterior, 20, rng).rows).max() == 1


def test_terms_that_cannot_be_are_named(rng):
    terms = aggregate.decompose(gaussians([[0.0], [1.0]], 1.0), {}, samples=50, rng=rng)
    with pytest.warns(UserWarning, match="outside 0 .. log N"):
        aggregate.check_bounds(terms._replace(index_code_mi=0.8), 2)
    with pytest.warns(UserWarning, match="below zero"):
        aggregate.check_bounds(terms._replace(total_correlation=-0.1), 2)


def test_a_collapsed_posterior_knows_nothing_to_the_last_digits():
    """Posteriors nearly at the prior: I is 1e-5 nats, and no numerical error hides it."""
    rng = np.random.default_rng(0)
    mean = (1e-3 * rng.standard_normal((96, 10))).astype(np.float32)
    posterior = Posterior(mean, np.full_like(mean, -1e-3), {})
    found = [
        aggregate.decompose(posterior, {}, rng=np.random.default_rng(seed)) for seed in range(4)
    ]
    mi = np.array([each.index_code_mi for each in found])
    assert abs(mi).max() < 1e-4


@pytest.mark.parametrize("offset", [0, 10, 100, 1000, 1e8])
@pytest.mark.parametrize("logvar", [-2, -40, -60])
def test_a_latent_that_says_nothing_adds_nothing_wherever_it_stands(rng, offset, logvar):
    """Beside an offset the noise of a narrow posterior has no digits; it must not need any."""
    means = np.column_stack([rng.standard_normal(200), np.full(200, offset)])
    both = Posterior(means, np.column_stack([np.full(200, -2.0), np.full(200, logvar)]), {})
    alone = Posterior(means[:, :1], both.logvar[:, :1], {})
    found, right = (
        aggregate.decompose(posterior, {}, rng=np.random.default_rng(0))
        for posterior in (both, alone)
    )
    error = 4 * np.hypot(found.index_code_mi_se, right.index_code_mi_se) + 1e-5
    assert found.index_code_mi == pytest.approx(right.index_code_mi, abs=error)
    assert found.total_correlation == pytest.approx(0, abs=4 * found.total_correlation_se + 1e-5)


def test_equal_images_of_one_latent_have_no_terms(rng):
    found = aggregate.decompose(
        Posterior(np.full((2, 1), 1000.0), np.full((2, 1), -60.0), {}), {}, rng=rng
    )
    assert found.index_code_mi == pytest.approx(0, abs=1e-6)
    assert found.total_correlation == pytest.approx(0, abs=1e-6)
