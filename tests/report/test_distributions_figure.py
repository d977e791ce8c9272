"""Violins and performance profiles: shares and bands that are known, and where there are none."""

import numpy as np
import pytest
from builders.studies import made, rendered, scored
from scipy.stats import binom, norm

from disentbench.metrics import Value
from disentbench.report import style
from disentbench.report.figures import distributions
from disentbench.report.figures.distributions import BestRuns, density, profile

pytestmark = pytest.mark.usefixtures("quick_figures")
OBJECTIVES = {"beta_vae": {"beta": [1, 4]}, "beta_tcvae": {"beta": [1, 4]}}
TEN = {"objectives": OBJECTIVES, "seeds": "0-9", "pack": 10, "metrics": ["mig"]}
VALUE = Value("mig", "MIG", 0.0, 1.0)


def samples(*scores) -> list[BestRuns]:
    look = style.Look("#0072B2", "o")
    return [
        BestRuns((f"m{i}", ""), f"m{i}", look, np.array(s, float)) for i, s in enumerate(scores)
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_profile_is_the_share_of_runs_that_are_better(sign):
    scores = np.round(np.random.default_rng(0).uniform(size=23), 1)  # with ties
    shown = profile(scores, sign)
    for bar, share in zip(shown.bar, shown.share, strict=True):
        assert share == np.mean(sign * scores > sign * bar)
    assert (np.diff(sign * shown.bar) > 0).all()
    assert shown.share[-1] == 0


def test_the_band_is_wilsons():
    n, z = 20, norm.ppf(0.975)
    shown = profile(np.arange(n, dtype=float), 1)
    p = shown.share
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert shown.low == pytest.approx(centre - half, abs=1e-12)
    assert shown.high == pytest.approx(centre + half, abs=1e-12)


@pytest.mark.parametrize("n", [10, 50])
def test_over_all_shares_the_band_holds_the_truth_as_often_as_it_says(n):
    """Exactly: of every number of runs beyond a bar, how probable it is and whether it is held."""
    shown = profile(np.arange(n, dtype=float), 1)
    lowest, highest = distributions._of_all(n)
    low, high = np.append(lowest, shown.low), np.append(highest, shown.high)
    truth = np.linspace(0.05, 0.95, 91)[:, None]
    held = (low <= truth) & (truth <= high)
    coverage = (binom.pmf(np.arange(n, -1, -1), n, truth) * held).sum(1)
    assert 0.94 <= coverage.mean() <= 0.97
    assert coverage.min() > 0.88


@pytest.mark.parametrize("sign", [1, -1])
def test_profiles_fall_from_all_runs_to_none_and_better_is_to_the_right(sign):
    figure = distributions.profiles(samples([1, 2, 3], [2, 3, 5]), VALUE, sign, banded=True)
    ax = figure.axes[0]
    left, right = ax.get_xlim()
    assert sign * (right - left) > 0
    first = ax.lines[0]
    assert list(first.get_ydata()) == pytest.approx([1, 2 / 3, 1 / 3, 0, 0])
    assert list(first.get_xdata())[1:-1] == [1, 2, 3][::sign]
    assert ax.get_ylabel() == ("share of runs above" if sign > 0 else "share of runs below")


def test_a_violin_is_a_density_between_the_least_and_the_largest_score():
    scores = np.random.default_rng(0).normal(size=50)
    at, height = density(scores)
    assert (at[0], at[-1]) == (scores.min(), scores.max())
    assert height.max() == 1
    assert abs(at[height.argmax()] - np.median(scores)) < 1


@pytest.mark.parametrize("scores", [[0.2] * 12, [0.1 + i * 1e-18 for i in range(12)], range(9)])
def test_no_violin_of_constant_or_of_few_scores(scores):
    assert density(np.array(list(scores), float)) is None
    figure = distributions.violins(samples(scores), VALUE)
    assert len(figure.axes[0].collections) == 2  # points and their median


def test_below_ten_seeds_there_is_no_heading(tmp_path):
    of = made(**TEN | {"seeds": "0-8"})
    assert "How the runs of the best settings scatter" not in rendered(tmp_path, of, scored(of))


def test_ten_seeds_have_a_shape_and_lost_runs_none(tmp_path):
    of = made(**TEN)
    table = scored(of)
    table.loc[("tiny", "beta_vae", "beta-1"), "mig"] = np.nan
    table.loc[("tiny", "beta_vae", "beta-4", slice(0, 2)), "mig"] = np.nan
    page = rendered(tmp_path, of, table)
    assert "How the runs of the best settings scatter" in page
    assert "None is drawn of fewer than 10 runs or of equal scores: β-VAE (β = 4)." in page
    assert "The band is Wilson’s" in page
    assert (tmp_path / "report/figures/tiny_profiles_mig.pdf").exists()


def test_a_value_that_runs_share_in_has_no_bands(tmp_path):
    of = made(**TEN | {"metrics": ["udr"]})
    page = rendered(tmp_path, of, scored(of, ("udr_spearman",)))
    assert "Runs share in this value, so the lines have no bands." in page
