"""The total correlation of the mean code and of the sampled one, where both are known."""

import numpy as np
import pytest
from builders.studies import made, rendered, scored, trained

from disentbench.metrics.gaussian_correlation import gaussian_correlation
from disentbench.posterior.from_arrays import represent
from disentbench.report.figures import codes

pytestmark = pytest.mark.usefixtures("quick_figures")
NONE = np.zeros((20_000, 0), int)


def correlated(rho, images=20_000):
    """Two latents of unit variance with a correlation, to the last digit."""
    z = np.random.default_rng(0).standard_normal((images, 2))
    z = np.linalg.solve(np.linalg.cholesky(np.cov(z.T)), (z - z.mean(0)).T).T
    return z @ np.linalg.cholesky([[1, rho], [rho, 1]]).T


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("noise", [1e-9, 0.5, 4.0])
def test_of_a_gaussian_both_are_as_its_correlations_say(rho, noise):
    mean = correlated(rho)
    found = codes.dependence(mean, np.full_like(mean, np.log(noise)))
    assert found.mean == pytest.approx(-np.log(1 - rho**2) / 2, abs=1e-9)
    assert found.sampled == pytest.approx(-np.log(1 - (rho / (1 + noise)) ** 2) / 2, abs=1e-9)
    assert (found.active_mean, found.active_sampled) == (found.mean, found.sampled)


def test_they_are_what_the_metric_says_of_means_and_of_samples():
    rng = np.random.default_rng(1)
    mean = correlated(0.8) * [1.0, 0.5]
    logvar = rng.normal(-1, 0.5, mean.shape)
    found = codes.dependence(mean, logvar)
    name = "gaussian_total_correlation"
    assert gaussian_correlation(mean, NONE).values[name] == pytest.approx(found.mean)
    run = represent(mean, np.zeros((len(mean), 1), int), logvar=logvar)
    drawn = gaussian_correlation(run.sampled(rng).codes, NONE).values[name]
    assert drawn == pytest.approx(found.sampled, abs=0.02)


def test_passive_latents_alone_are_left_out():
    """Two passive latents that are alike in the little that they do, beside an active one."""
    active, passive = correlated(0.0).T
    mean = np.stack([active, 1e-3 * passive, 1e-3 * passive + 1e-5 * active], axis=1)
    found = codes.dependence(mean, np.zeros_like(mean))
    assert found.mean > 3
    assert found.sampled < 1e-5
    assert (found.active_mean, found.active_sampled) == (0, 0)


def test_what_has_no_number_is_said_so():
    twice = np.repeat(correlated(0.0)[:, :1], 2, axis=1)
    assert codes.dependence(twice, np.zeros_like(twice)).mean == np.inf
    bad = np.where(np.arange(2) == 0, np.nan, twice)
    for mean, logvar in ((bad, twice), (twice, twice + np.inf), (twice, twice + 1e6), ([[1]],) * 2):
        found = codes.dependence(np.asarray(mean, float), np.asarray(logvar, float))
        assert np.isnan(found).all()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codes")
    of = made(objectives={"beta_vae": {"beta": [1, 4]}, "vae": {}}, metrics=["mig"], seeds="0-1")
    trained(folder, of, failed=(1,))
    table = scored(of, ("mig", *codes.TABLED))
    table.loc[(slice(None), slice(None), slice(None), 1), :] = np.nan
    return folder, of, table


def test_of_stored_latents_every_sound_run_is_drawn(study):
    folder, of, table = study
    page = rendered(folder, of, table[["mig"]])
    names = [path.stem for path in (folder / "report/figures").glob("*_codes_*.pdf")]
    kinds = {"mean", "sampled", "active_mean", "active_sampled"}
    assert set(names) <= {f"tiny_codes_{kind}_beta" for kind in kinds}
    assert {"tiny_codes_mean_beta", "tiny_codes_sampled_beta"} <= set(names)
    assert "0 does not say independent" in page
    assert "3 runs of 6 runs lack a value" in page


def test_too_many_latents_are_left_out_and_the_scores_stand_in(study, monkeypatch):
    folder, of, table = study
    monkeypatch.setattr(codes, "MOST", 10)
    page = rendered(folder, of, table[["mig"]], "none")
    assert "The latents are gone or too many to read here" in page
    page = rendered(folder, of, table, "scores")
    assert "numbers and were not read; these are the scores of two metrics." in page
    assert (folder / "scores/figures/tiny_codes_total_correlation_beta.pdf").exists()
