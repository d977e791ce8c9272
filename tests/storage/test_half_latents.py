"""Latents in float16 and of a part of the images: what is lost is bounded, or refused."""

import h5py
import numpy as np
import pytest

from disentbench.datasets import Images
from disentbench.datasets._grid import grid
from disentbench.errors import UserError
from disentbench.posterior import quadrature
from disentbench.posterior.from_files import read_latents
from disentbench.storage import latents_file
from disentbench.storage.latents_file import SHIFT, Encoded, halved, shift

FACTORS = grid((4, 5))
IMAGES = Images(
    "grid", "A grid", (1, 4, 4), FACTORS, ("shape", "scale"), (np.arange(4.0), np.arange(5.0))
)


def encoded(rows, seed=0, failed=False):
    """What a pack's run is, of the images at these rows."""
    rng = np.random.default_rng(seed)
    mean, logvar, logits = (rng.normal(size=(20, n)).astype(np.float32) for n in (3, 3, 4))
    arrays = mean, logvar - 4, {"kind": 9 * logits}, np.float32(rng.uniform(20, 900, 20))
    lost = np.float32(np.nan if failed else 1)
    mean, logvar, logits, distortion = arrays
    kinds = {name: values[rows] * lost for name, values in logits.items()}
    return Encoded(seed, mean[rows] * lost, logvar[rows] * lost, kinds, distortion[rows], failed)


def written(path, rows, **how):
    runs = [encoded(rows, seed, failed=seed == 1) for seed in range(2)]
    given = {"identity": {}, "groups": {}, "provenance": {}}
    latents_file.write_latents(path, runs, IMAGES, rows=rows, **given, **how)
    return dict(read_latents(path)), runs


@pytest.mark.parametrize("half", [False, True])
def test_a_part_is_read_as_it_was_written(tmp_path, half):
    rows = np.array([3, 4, 11, 19])
    read, runs = written(tmp_path / "latents.h5", rows, half=half)
    np.testing.assert_array_equal(read["0"].distortion, runs[0].distortion)
    assert read["0"].mean.dtype == np.float32
    assert read["1"].failed
    for name in ("mean", "logvar"):
        exact = getattr(runs[0], name)
        wrong = abs(getattr(read["0"], name) - exact)
        assert (wrong <= half * (2.0**-11 * abs(exact) + 2.0**-25)).all()
    with h5py.File(tmp_path / "latents.h5") as file:
        assert file["index"][:].tolist() == rows.tolist()
        np.testing.assert_array_equal(file["factors"], FACTORS[rows])
        kinds = {file[name].dtype for name in ("mean", "logvar", "logits/kind")}
        assert kinds == {np.dtype(np.float16 if half else np.float32)}
        assert file["distortion"].dtype == np.float32


@pytest.mark.parametrize("name", ["mean", "logvar", "kind"])
def test_what_float16_cannot_hold_is_named_and_no_file_is_left(tmp_path, name):
    run = encoded(slice(None))
    values = run.logits["kind"] if name == "kind" else getattr(run, name)
    values[7, 1] = -70_000
    with pytest.raises(UserError, match=f"seed 0: {name} reaches 7e\\+04 in size.*evaluate.latent"):
        latents_file.write_latents(
            *(tmp_path / "latents.h5", [run], IMAGES),
            half=True,
            identity={},
            groups={},
            provenance={},
        )
    assert not list(tmp_path.iterdir())


def test_means_may_not_move_far_in_their_own_widths():
    """1 + 2^-11 lies halfway between two numbers of float16: every mean moves by 2^-11."""
    run = encoded(slice(None))
    run.mean[:], run.logvar[:] = 1 + 2.0**-11, 0
    for sigma, fits in ((2.0**-11 / SHIFT * 1.01, True), (2.0**-11 / SHIFT / 1.01, False)):
        run.logvar[:, 2] = 2 * np.log(sigma)
        moved = shift(run.mean, run.logvar, run.mean.astype(np.float16))
        np.testing.assert_allclose(moved, 2.0**-11 / np.array([1, 1, sigma]), rtol=1e-5)
        if fits:
            assert halved(run).mean.dtype == np.float16
            continue
        with pytest.raises(UserError, match=r"moves the means of latent 2 by 0\.1 of their"):
            halved(run)


def test_a_width_of_none_hides_no_move():
    """A mean that float16 holds has not moved; beside it, in this latent or that, others have."""
    run = encoded(slice(None))
    run.mean[:], run.logvar[:] = 1, 0
    run.logvar[:, 0] = -10_000
    assert halved(run).mean.dtype == np.float16
    run.mean[:, 1], run.logvar[:, 1] = 1 + 2.0**-11, -20
    with pytest.raises(UserError, match="moves the means of latent 1 by"):
        halved(run)
    run.mean[3, 0] = 1 + 2.0**-11
    with pytest.raises(UserError, match="moves the means of latent 0 by inf"):
        halved(run)


def test_entropies_move_by_no_more_than_the_file_says():
    """At the widths that are just allowed, where a mean is rounded by a tenth of its sigma."""
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(3000, 1)).astype(np.float32)
    short, sigma = mean.astype(np.float16), 1.0
    sigma = np.sqrt(((short - mean.astype(np.float64)) ** 2).mean()) / SHIFT
    logvar = np.full_like(mean, 2 * np.log(sigma))
    assert shift(mean, logvar, short)[0] == pytest.approx(SHIFT, rel=1e-4)
    exact, rounded = (
        quadrature.marginal(m.astype(np.float64)[:, 0], logvar.astype(np.float64)[:, 0]).entropy[0]
        for m in (mean, short)
    )
    assert abs(rounded - exact) < np.log1p(SHIFT**2) / 2 + 1e-3
