"""Every metric says its formula and what it does not see; of some that is shown to be so."""

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from disentbench import plugins
from disentbench.posterior.from_arrays import represent
from disentbench.scoring.scores import measure

FACTORS = np.tile(np.indices((3, 4, 5)).reshape(3, -1).T, (5, 1))
CODES = FACTORS + 0.3 * np.random.default_rng(0).standard_normal(FACTORS.shape)
NAMES = plugins.names("metrics")


@pytest.mark.parametrize("name", NAMES)
def test_a_formula_is_tex_that_can_be_set(name):
    formula = plugins.load("metrics", name).formula
    assert formula
    assert "$" not in formula
    assert MathTextParser("path").parse(f"${formula}$").width > 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_seen_is_a_sentence_of_its_own(name):
    blind = plugins.load("metrics", name).blind
    assert blind[:1].isupper()
    assert blind.endswith(".")
    assert "see" in blind
    assert [plugins.load("metrics", other).blind for other in NAMES].count(blind) == 1


def values(name, codes, factors=FACTORS):
    return measure(name, represent(codes, factors)).values


@pytest.mark.parametrize("name", ["dcimig", "modularity", "mig_sup", "irs", "factor_vae_score"])
def test_copies_of_latents(name):
    alone = values(name, CODES)
    assert values(name, np.hstack([CODES, CODES])) == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("name", ["modularity", "mig_sup", "irs"])
def test_factors_that_no_latent_holds(name):
    found = values(name, FACTORS[:, :1].astype(float))
    assert found == pytest.approx(dict.fromkeys(found, 1))


def test_that_the_latent_which_knows_a_factor_knows_another():
    """4 v_0 + v_1 is both factors in one number, and no other latent knows of either."""
    both = FACTORS[:, :2] @ [[4.0], [1.0]]
    assert values("mig", both, FACTORS[:, :2])["mig"] == pytest.approx(1)
    assert values("mig_sup", both, FACTORS[:, :2])["mig_sup"] < 0.5


def test_that_a_trace_of_information_is_no_more_than_that():
    """A latent that moves in one image of twenty, and then with one factor alone."""
    faint = np.tile(np.where(np.arange(300) % 20 == 0, FACTORS[:, 0], 0), 4)
    factors = np.stack([np.tile(FACTORS[:, 0], 4), np.repeat(np.arange(4), 300)], axis=1)
    assert values("modularity", faint[:, None], factors)["modularity"] == pytest.approx(1)
    assert values("mig", faint[:, None], factors)["mig"] < 0.1


def test_where_a_mixed_factor_is():
    mixed = FACTORS @ np.array([[1.0, 2, 1], [2, -1, 1], [1, 1, -2]])
    assert values("r2", mixed)["r2_linear"] == pytest.approx(1)
    assert values("mcc", mixed)["mcc_pearson"] < 0.9
    assert values("explicitness", mixed)["explicitness"] == pytest.approx(
        values("explicitness", FACTORS.astype(float))["explicitness"], abs=0.02
    )


def test_that_a_constant_code_is_empty():
    found = values("gaussian_correlation", np.ones((len(FACTORS), 2)))
    assert set(found.values()) == {0}
