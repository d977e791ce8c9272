"""The audit of the minibatch estimators, where counting classes in a batch knows their answer."""

from math import log

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from disentbench.datasets._grid import grid
from disentbench.errors import UserError
from disentbench.posterior import Posterior, aggregate
from disentbench.scoring import audit

SIZES = (3, 6, 8, 8, 8)
N = 9216
LATENTS = len(SIZES) + 1
BATCHES = (64, 256)
ESTIMATES = [(estimator, M) for estimator in audit.ESTIMATORS for M in BATCHES]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def on_a_grid(width):
    """Each factor of a grid in a latent of its own, as wide as this, and a latent at the prior.

    TC = 0 at any width. Without overlap I = log N, and j matters to i only in i's class.
    """
    classes = grid(SIZES).astype(np.float32)
    mean = np.column_stack([classes, np.zeros(N, np.float32)])
    sigma = np.array([width] * len(SIZES) + [1.0], np.float32)
    return Posterior(mean, np.broadcast_to(2 * np.log(sigma), mean.shape), {})


def blurred(rng, images=300):
    """Posteriors that overlap, beside two discrete groups."""
    mean, logvar = rng.normal(size=(2, images, 3)).astype(np.float32)
    logits = {"a": rng.normal(size=(images, 3)), "b": rng.normal(size=(images, 2))}
    return Posterior(mean, logvar, {g: x.astype(np.float32) for g, x in logits.items()})


def values(table):
    return table.set_index(["estimator", "batch_size", "term"])["value"].sort_index()


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    return audit.audit_posterior(
        on_a_grid(0.01), batch_sizes=(*BATCHES, N + 1), samples=2000, rng=rng
    )


def counted(M, weighted):
    """sum over the factors of E log of a weight for c images in a batch that share a class.

    Of M images drawn without replacement, one of them ours, c - 1 is hypergeometric.
    """
    c = np.arange(1, M + 1)
    chances = [hypergeom(N - 1, N // size - 1, M - 1).pmf(c - 1) for size in SIZES]
    return sum(p @ np.log(weighted(c)) for p in chances)


@pytest.mark.parametrize("M", BATCHES)
def test_mws_is_off_by_log_n_for_every_latent_but_one(table, M):
    batch_mean = -log(M) - counted(M, lambda c: c / M)
    off = audit.bias(table).query("estimator == 'mws' and batch_size == @M")
    mi, tc = off.iloc[0], off.iloc[1]
    assert tc["value"] == pytest.approx((LATENTS - 1) * log(N) + batch_mean, abs=5 * tc["se"])
    assert tc["se"] < 0.3
    assert mi["value"] == pytest.approx(log(N * M) - log(N), abs=1e-2)


@pytest.mark.parametrize("M", BATCHES)
def test_hfvae_weighs_as_it_says(table, M):
    weights = counted(M, lambda c: 1 / N + (c - 1) * (N - 1) / (N * (M - 1)))
    tc = audit.bias(table).query("estimator == 'hfvae' and batch_size == @M").iloc[1]
    assert tc["value"] == pytest.approx(-log(N) - weights, abs=5 * tc["se"] + 1e-3)
    assert values(table)["hfvae", M, "index_code_mi"] == pytest.approx(log(N), abs=1e-2)


def test_hfvae_and_mss_undershoot_where_neighbours_overlap(rng):
    table = audit.audit_posterior(on_a_grid(1.0), batch_sizes=(64,), samples=2000, rng=rng)
    off = values(audit.bias(table)).drop("mws").unstack("term")
    assert (off["total_correlation"] < -0.5).all()
    assert (off["index_code_mi"] > 0.5).all()
    assert values(table)["exact", N, "total_correlation"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("M", BATCHES)
def test_mss_is_hfvae_but_for_one_column(table, M):
    mss, hfvae = values(table)["mss", M], values(table)["hfvae", M]
    np.testing.assert_allclose(mss, hfvae, atol=0.1)


def test_exact_is_the_truth(table):
    exact = values(table)["exact", N]
    assert exact["index_code_mi"] == pytest.approx(log(N), abs=1e-2)
    assert exact["total_correlation"] == pytest.approx(0, abs=1e-2)


def test_terms_sum_to_the_rate_whatever_they_are_worth(table, rng):
    discrete = audit.audit_posterior(
        blurred(rng), batch_sizes=(2, 300), repeats=3, samples=500, rng=rng
    )
    for each in (table, discrete):
        wide = each.pivot(index=["estimator", "batch_size"], columns="term", values="value")
        np.testing.assert_allclose(wide[audit.TERMS[:3]].sum(axis=1), wide["rate"], rtol=1e-9)


def test_batch_rates_scatter_about_the_analytic_rate(table, rng):
    off = audit.bias(table).query("term == 'rate'")
    assert (off["value"].abs() < 5 * off["se"]).all()
    discrete = audit.audit_posterior(blurred(rng), batch_sizes=(100,), samples=500, rng=rng)
    off = audit.bias(discrete).query("term == 'rate'")
    assert (off["value"].abs() < 5 * off["se"]).all()


def test_exact_rows_are_the_decomposition_of_all_images():
    posterior = blurred(np.random.default_rng(1))
    table = audit.audit_posterior(
        posterior, batch_sizes=(), samples=500, rng=np.random.default_rng(2)
    )
    exact = aggregate.decompose(posterior, {}, samples=500, rng=np.random.default_rng(2))
    assert table["term"].tolist() == audit.TERMS
    assert table["value"].tolist() == [getattr(exact, term) for term in audit.TERMS]
    assert table["se"].tolist() == [getattr(exact, f"{term}_se") for term in audit.TERMS]


def test_a_batch_of_all_images_weighs_discrete_groups_as_they_are():
    """With every image in the batch, hfvae's weights are 1/N and so it samples the exact terms."""
    posterior = blurred(np.random.default_rng(4))
    rng = np.random.default_rng(5)
    table = audit.audit_posterior(posterior, batch_sizes=(300,), repeats=40, rng=rng)
    off = audit.bias(table).query("estimator == 'hfvae'")
    assert (off["value"].abs() < 5 * off["se"]).all()
    assert off["se"].max() < 0.1


def test_rows_follow_the_estimators_and_the_seed(table):
    again = audit.audit_posterior(
        on_a_grid(0.01), batch_sizes=(*BATCHES, N + 1), samples=2000, rng=np.random.default_rng(3)
    )
    assert again.equals(table)
    expected = [(e, M, t) for e, M in [*ESTIMATES, ("exact", N)] for t in audit.TERMS]
    assert [tuple(row) for row in table[["estimator", "batch_size", "term"]].to_numpy()] == expected
    assert list(table) == audit.COLUMNS


def test_bias_keeps_runs_apart(table):
    shifted = table.assign(value=table["value"] + 7)
    both = np.concatenate([audit.bias(table)["value"]] * 2)
    runs = pd.concat([table.assign(run="a"), shifted.assign(run="b")])
    np.testing.assert_allclose(audit.bias(runs).sort_values("run")["value"], both)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repeats": 1}, "repeats is 1; .* at least 2"),
        ({"repeats": 0}, "repeats is 0; .* at least 2"),
        ({"samples": 1}, "samples is 1; .* needs 2"),
        ({"batch_sizes": (1, 4)}, "batch sizes are 1, 4; each needs at least 2 images"),
        ({"batch_sizes": (0,)}, "batch sizes are 0; each needs at least 2 images"),
    ],
)
def test_what_has_no_error_or_no_estimate_is_refused_in_a_sentence(options, said):
    options = {"batch_sizes": (4,)} | options
    with pytest.raises(UserError, match=said):
        audit.audit_posterior(
            blurred(np.random.default_rng(1), 9), **options, rng=np.random.default_rng(2)
        )


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_the_least_that_has_an_error_has_a_finite_one(rng):
    least = {"batch_sizes": (2, 3, 2), "repeats": 2, "samples": 9}
    table = audit.audit_posterior(blurred(rng, 3), **least, rng=rng)
    assert np.isfinite(table[["value", "se"]]).all(axis=None)
    assert len(table) == (2 * len(audit.ESTIMATORS) + 1) * len(audit.TERMS)  # each size once


def test_no_batch_that_fits_leaves_the_exact_terms_with_a_word(rng):
    with pytest.warns(UserWarning, match="no batch of 64, 256 fits in 9 images"):
        table = audit.audit_posterior(blurred(rng, 9), batch_sizes=(64, 256), samples=100, rng=rng)
    assert set(table["estimator"]) == {"exact"}


@pytest.mark.parametrize("logvar", [-20, -30, -40, -60, -129, -590])
def test_estimates_of_posteriors_that_do_not_touch_are_known_however_narrow(rng, logvar):
    """Only i's own component is there: I = TC = log N, for mws log N M."""
    posterior = Posterior(rng.standard_normal((64, 2)), np.full((64, 2), float(logvar)), {})
    table = audit.audit_posterior(posterior, batch_sizes=[16], repeats=3, rng=rng)
    for estimator, right in {"hfvae": log(64), "mss": log(64), "mws": log(64 * 16)}.items():
        rows = table[table.estimator == estimator].set_index("term")["value"]
        terms = rows[["index_code_mi", "total_correlation"]]
        np.testing.assert_allclose(terms, right, atol=2e-3)
