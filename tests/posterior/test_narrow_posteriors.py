"""The aggregate posterior where some widths are a thousandth of the others', or 1e-28 of them."""

import math

import numpy as np
import pytest
from scipy.special import entr, logsumexp
from scipy.stats import norm

from disentbench.posterior import Posterior, aggregate, rates


@pytest.fixture
def rng():
    return np.random.default_rng(7)


NARROW = {
    "one of all, in every latent": lambda rows, latents: rows < 1,
    "one of all, in one latent": lambda rows, latents: (rows < 1) & (latents == 1),
    "half of all, in one latent": lambda rows, latents: (rows % 2 == 0) & (latents == 1),
    "all, in one latent": lambda rows, latents: (rows >= 0) & (latents == 1),
    "all": lambda rows, latents: (rows >= 0) & (latents >= 0),
}


def narrowed(rng, case, sigma):
    """60 images of 3 latents, widths of about 1, and of sigma where the case says so."""
    rows, latents = np.indices((60, 3))
    mean = rng.uniform(-2, 2, (60, 3)).astype(np.float32).astype(np.float64)
    width = np.where(NARROW[case](rows, latents), sigma, rng.uniform(0.5, 1, (60, 3)))
    logits = {"shape": rng.standard_normal((60, 3))}
    return Posterior(mean, 2 * np.log(width), logits)


@pytest.mark.parametrize("sigma", [6e-4, 1e-6, 1e-12, 1e-28])
@pytest.mark.parametrize("case", NARROW)
def test_log_density_equals_the_direct_sum_whatever_the_width(rng, case, sigma):
    posterior = narrowed(rng, case, sigma)
    sample = aggregate.draw(posterior, 200, rng)
    for latents in (None, [0, 1]):
        chosen = slice(None) if latents is None else latents
        mean, width = posterior.mean[:, chosen], np.exp(posterior.logvar[:, chosen] / 2)
        away = width[sample.rows] * sample.noise[:, chosen]
        off = ((mean[sample.rows, None] - mean) + away[:, None]) / width
        terms = (norm.logpdf(off) - np.log(width)).sum(2)
        if latents is None:
            (p,) = rates.class_probabilities(posterior)
            terms += np.log(p[:, sample.classes["shape"]].T)
        direct = logsumexp(terms, axis=1) - math.log(60)
        found = aggregate.log_density(posterior, sample, latents)
        assert found == pytest.approx(direct, abs=2e-5)


@pytest.mark.parametrize("sigma", [6e-4, 1e-6, 1e-12, 1e-28])
@pytest.mark.parametrize("case", NARROW)
def test_narrow_posteriors_have_finite_terms_that_sum_to_the_rate(rng, case, sigma):
    posterior = narrowed(rng, case, sigma)
    t = aggregate.decompose(posterior, {"a": [0, 1]}, samples=600, rng=rng)
    assert np.isfinite(np.array(t[:12])).all()
    assert t.index_code_mi < math.log(60) + 3 * t.index_code_mi_se + 1e-3
    assert t.total_correlation > -3 * t.total_correlation_se - 1e-3
    total = t.index_code_mi + t.total_correlation + t.dimension_wise_kl
    assert total == pytest.approx(t.rate, rel=1e-12)


@pytest.mark.parametrize("sigma", [1e-6, 1e-12, 1e-28])
def test_images_told_apart_by_every_latent_have_as_many_copies_of_log_n(rng, sigma):
    """I = log N, and TC = D log N - log N: each latent alone says which image it is."""
    mean = rng.permuted(np.tile(np.linspace(-2, 2, 64), (3, 1)), axis=1).T
    t = aggregate.decompose(
        Posterior(mean, np.full((64, 3), 2 * math.log(sigma)), {}),
        {},
        samples=640,
        rng=rng,
    )
    assert t.index_code_mi == pytest.approx(math.log(64), abs=1e-4)
    assert t.total_correlation == pytest.approx(2 * math.log(64), abs=1e-4)
    assert t.dimension_wise_kl == pytest.approx(t.rate - 3 * math.log(64), abs=1e-4)


@pytest.mark.parametrize("sigma", [1e-8, 1e-28])
def test_one_narrow_image_of_many_is_told_from_the_others_which_say_nothing(rng, sigma):
    """I = H(1/N), the entropy of "is it this one": of 240 images, the others all alike."""
    width = np.where(np.arange(240)[:, None] == 5, sigma, np.ones((240, 4)))
    posterior = Posterior(np.zeros((240, 4)), 2 * np.log(width), {})
    t = aggregate.decompose(posterior, {}, samples=2400, rng=rng)
    h = entr([1 / 240, 239 / 240]).sum()
    assert t.index_code_mi == pytest.approx(h, abs=4 * t.index_code_mi_se + 1e-3)
    assert t.total_correlation == pytest.approx(3 * h, abs=4 * t.total_correlation_se + 1e-3)


@pytest.mark.parametrize("sigma", [1e-6, 1e-28])
def test_a_narrow_latent_tells_every_value_of_a_factor_and_one_value_of_another(rng, sigma):
    """Latent 0 is narrow for all images, at 8 places; latent 1 only for those of one value."""
    factors = rng.integers(0, [8, 3], (240, 2))
    narrow = np.stack([np.ones(240, bool), factors[:, 1] == 2], axis=1)
    mean = np.stack([factors[:, 0], np.zeros(240)], axis=1).astype(float)
    posterior = Posterior(mean, 2 * np.log(np.where(narrow, sigma, 1.0)), {})
    w = narrow[:, 1].mean()
    found = aggregate.mutual_information(posterior, factors)
    h = entr(np.bincount(factors[:, 0]) / 240).sum()
    assert found[0, 0] == pytest.approx(h, abs=1e-4)
    assert found[1, 1] == pytest.approx(entr([w, 1 - w]).sum(), abs=1e-4)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("logvar", [-1e4, -1480.0, 1e4])
def test_widths_that_no_number_holds_leave_the_rate_and_nan_with_a_word(rng, logvar):
    """KL(N(0, s^2) || N(0, 1)) is (s^2 - 1 - log s^2) / 2: finite for s = 0 to all digits."""
    width = np.where(np.arange(20)[:, None] == 3, logvar, np.zeros((20, 2)))
    posterior = Posterior(np.zeros((20, 2)), width, {"shape": rng.standard_normal((20, 3))})
    with pytest.warns(UserWarning, match=r"log sigma\^2 is .*, and float64 holds .* is NaN"):
        t = aggregate.decompose(posterior, {"a": [0, 1]}, samples=100, rng=rng)
    rate = rates.variable_rates(posterior)[:2]
    expected = math.inf if logvar > 0 else (-logvar - 1) / 2 / 20
    assert rate == pytest.approx([expected, expected])
    assert t.rate == rates.variable_rates(posterior).sum()
    assert np.isnan([t.index_code_mi, t.total_correlation, t.tc_within_groups]).all()
    with pytest.warns(UserWarning, match="is NaN"):
        found = aggregate.mutual_information(posterior, rng.integers(0, 3, (20, 2)))
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2]).all()
