"""Scores of the combinations that training saw beside those of the ones it did not."""

import re

import h5py
import numpy as np
import pytest

from disentbench.datasets._grid import grid
from disentbench.errors import UserError
from disentbench.posterior.from_arrays import represent
from disentbench.posterior.from_files import read_latents
from disentbench.scoring.scores import chosen, measure

FACTORS = np.tile(grid((4, 5)), (6, 1))
HELD = (FACTORS[:, 0] == 3) & (FACTORS[:, 1] >= 2)
LOST = np.where(HELD, 50.0, 20.0)


def representation(codes, held=HELD, **changes):
    arrays = {"logvar": np.zeros(codes.shape), "distortion": LOST} | changes
    return represent(codes, FACTORS, held_out=held, **arrays)


def test_codes_that_know_only_what_was_seen():
    """A latent for each factor, and nothing of what is held out, whose images are all alike."""
    codes = np.where(HELD[:, None], 0.0, FACTORS)
    found = measure("held_out", representation(codes)).values
    assert found["mig_seen"] == pytest.approx(1, abs=0.1)  # the two factors go together a little
    assert found["mig_held_out"] == 0
    assert (found["distortion_seen"], found["distortion_held_out"]) == (20, 50)


def test_the_elbo_is_of_the_rates_of_each_part():
    """KL(N(m, 1) || N(0, 1)) is m^2 / 2 a latent."""
    codes = np.where(HELD[:, None], 2.0, 1.0) * np.ones((len(HELD), 3))
    found = measure("held_out", representation(codes)).values
    assert found["elbo_seen"] == pytest.approx(-20 - 3 / 2)
    assert found["elbo_held_out"] == pytest.approx(-50 - 3 * 4 / 2)
    whole = measure("elbo", representation(codes)).values
    for name in ("distortion", "elbo"):
        parts = HELD.mean() * found[f"{name}_held_out"] + (~HELD).mean() * found[f"{name}_seen"]
        assert whole[name] == pytest.approx(parts)


def test_each_part_is_scored_as_if_it_were_alone():
    rng = np.random.default_rng(0)
    codes = FACTORS + rng.normal(scale=0.5, size=FACTORS.shape)
    found = measure("held_out", representation(codes)).values
    for part, rows in (("seen", ~HELD), ("held_out", HELD)):
        alone = measure("mig", represent(codes[rows], FACTORS[rows])).values["mig"]
        assert found[f"mig_{part}"] == pytest.approx(alone)


def test_it_is_measured_only_where_something_was_held_out():
    codes = FACTORS.astype(float)
    assert "held_out" in chosen(None, representation(codes))
    without = representation(codes, held=None)
    assert "held_out" not in chosen(None, without)
    with pytest.raises(UserError, match="needs held_out, the images that training never drew"):
        chosen(["held_out"], without)


def file(path, **arrays):
    with h5py.File(path, "w") as latents:
        for name, values in {"mean": FACTORS.astype("f4"), "factors": FACTORS, **arrays}.items():
            latents[name] = values
    return path


def test_a_file_says_what_was_held_out(tmp_path):
    _, run = next(read_latents(file(tmp_path / "latents.h5", held_out=HELD)))
    np.testing.assert_array_equal(run.held_out, HELD)
    _, run = next(read_latents(file(tmp_path / "plain.h5")))
    assert run.held_out is None


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (HELD.astype(int), "held_out holds int64 (120,); it must mark some of the images"),
        (HELD & False, "it must mark some of the images"),
        (HELD | True, "it must mark some of the images"),
        (HELD[:-1], "mean has 120 rows and held_out 119; they must agree"),
        (HELD[:, None], "held_out holds bool (120, 1)"),
    ],
)
def test_marks_that_are_none_are_refused(held, sentence, tmp_path):
    path = file(tmp_path / "latents.h5", held_out=held)
    with pytest.raises(UserError, match=re.escape(sentence)):
        next(read_latents(path))
