"""Which latents InfoM and InfoC see by each published rule, and what they make of noise."""

import numpy as np
import pytest

from disentbench.posterior.from_arrays import represent
from disentbench.scoring.calibration import calibrate
from disentbench.scoring.scores import measure

rng = np.random.default_rng(0)
FACTORS = rng.integers(0, (3, 4, 5), (400, 3))
MIXED = FACTORS @ rng.standard_normal((3, 4)) + rng.standard_normal((400, 4))
UNIT = (MIXED - MIXED.min(0)) / np.ptp(MIXED, axis=0)
STILL = 0.5 + 0.005 * MIXED[:, 3:]
RARE = np.where(np.arange(400)[:, None] % 10 == 0, UNIT[:, 3:], STILL)  # a tenth spans it all

# By rule, which of these latents are active: full range, a twelfth, a fortieth, full but rare.
LATENTS = np.hstack([UNIT[:, :1], UNIT[:, 1:2] / 12, UNIT[:, 2:3] / 40, RARE])
ACTIVE = {"": [0, 1, 3], "_eighth": [0, 3], "_iqr": [0]}


def info(codes, factors=FACTORS):
    return measure("info", represent(codes, factors)).values


@pytest.mark.parametrize("rule", ACTIVE)
def test_a_pruned_latent_is_as_if_it_were_not_there(rule):
    found, left = info(LATENTS), info(LATENTS[:, ACTIVE[rule]])
    for value in (f"info_m{rule}", f"info_c{rule}"):
        assert found[value] == pytest.approx(left[value], abs=1e-6)


def test_the_rules_differ_on_these_latents():
    found = info(LATENTS)
    assert len({round(found[f"info_m{rule}"], 3) for rule in ACTIVE}) == 3


def test_noise_is_far_above_0_and_chance_says_so():
    """Ratios of what nearest neighbours make of nothing: they vary much from draw to draw."""
    draws = np.random.default_rng(1)
    factors = draws.integers(0, 3, (1000, 6))
    noise = [info(draws.standard_normal((1000, 6)), factors) for _ in range(8)]
    levels = [calibrate(factors, ["info_m"], seed).set_index("metric") for seed in range(2)]
    for value in ("info_m", "info_m_eighth", "info_m_iqr"):
        expected = np.mean([found[value] for found in noise])
        assert expected > 0.4
        chance = np.mean([level.chance[value] for level in levels])
        assert chance == pytest.approx(expected, abs=0.15)
    assert levels[0].perfect["info_m"] > 0.9
