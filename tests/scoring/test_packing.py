"""How runs are divided over files changes no number."""

import inspect

import numpy as np
import pandas as pd
import pytest

from disentbench import plugins
from disentbench.cli import main
from disentbench.datasets import Images
from disentbench.datasets._grid import grid
from disentbench.errors import UserError
from disentbench.posterior import Posterior
from disentbench.scoring import scores
from disentbench.storage import latents_file
from disentbench.storage.latents_file import Encoded

SIZES = (3, 4, 5)
FACTORS = np.tile(grid(SIZES), (4, 1))
SEEDS = range(10)
DIVERGED = (0, 1, 2, 7)  # the whole first pack of three


def encoded(seed):
    """A run that knows the factors, mixed by its seed."""
    rng = np.random.default_rng(seed)
    mean = FACTORS @ rng.standard_normal((3, 4)) + rng.standard_normal((len(FACTORS), 4))
    logvar = rng.uniform(-4, -1, mean.shape)
    failed = seed in DIVERGED
    posterior = Posterior(*(np.float32(x) * (np.nan if failed else 1) for x in (mean, logvar)), {})
    return Encoded(seed, *posterior, np.full(len(FACTORS), 50, np.float32), failed)


def packs(folder, size):
    """The latents of all seeds in files of so many."""
    values = tuple(np.arange(size, dtype=float) for size in SIZES)
    images = Images("grid", "A grid", (1, 4, 4), FACTORS, ("shape", "scale", "posX"), values)
    paths = []
    for first in range(0, len(SEEDS), size):
        path = folder / f"{size}-{first}.h5"
        runs = map(encoded, SEEDS[first : first + size])
        identity = {"study": "s", "dataset": "d", "objective": "vae", "setting": "default"}
        latents_file.write_latents(path, runs, images, identity=identity, groups={}, provenance={})
        paths.append(path)
    return paths


def scored(paths, *metrics):
    """The scores of all files, each in the company of the others."""
    out, tables = paths[0].with_suffix(".csv"), []
    for path in paths:
        others = [other for other in paths if other != path]
        company = ["--companions", *others] if others else []
        command = ["score", path, "--metrics", ",".join(metrics), *company, "--out", out]
        assert main([str(word) for word in command]) == 0
        tables.append(pd.read_csv(out))
    return pd.concat(tables, ignore_index=True)


def test_no_score_depends_on_how_runs_are_packed(tmp_path):
    """Bit by bit, sampled metrics too; runs that diverged are nobody's companions."""
    metrics = ("udr", "mig", "decomposition", "beta_vae_score", "elbo")
    ten, five, three = (scored(packs(tmp_path, size), *metrics) for size in (10, 5, 3))
    pd.testing.assert_frame_equal(five, ten, check_exact=True)
    pd.testing.assert_frame_equal(three, ten, check_exact=True)
    of_udr = ten[ten.metric == "udr_lasso"].set_index("run").value
    assert of_udr.isna().tolist() == [seed in DIVERGED for seed in SEEDS]


def test_a_run_has_every_other_sound_run_for_a_companion(tmp_path):
    paths = packs(tmp_path, 3)
    for path in paths:
        others = [other for other in paths if other != path]
        for each in scores.score_file(path, ["udr"], companions=others):
            pairs = each.score.detail.get("spearman", [])
            assert len(pairs) == (0 if int(each.run) in DIVERGED else 5)


def test_the_order_of_the_files_changes_nothing(tmp_path):
    first, *others = packs(tmp_path, 3)[1:]
    one, other = (
        list(scores.score_file(first, ["udr"], companions=each)) for each in (others, others[::-1])
    )
    for a, b in zip(one, other, strict=True):
        assert a.score.values == b.score.values
        assert all(
            np.array_equal(a.score.detail[name], b.score.detail[name]) for name in a.score.detail
        )


@pytest.mark.parametrize("size", [10, 5, 3, 1])
def test_the_audit_is_of_the_first_sound_run_wherever_it_is(size, tmp_path):
    out = tmp_path / "audit.csv"
    paths = [str(path) for path in packs(tmp_path, size)]
    assert main(["audit", *paths, "--batch-sizes", "16", "--out", str(out)]) == 0
    assert pd.read_csv(out).run.unique().tolist() == ["vae/default seed 3"]


def test_a_run_that_is_there_twice_is_refused(tmp_path):
    """A seed that two files have, and a file that is named twice."""
    first, second = packs(tmp_path, 5)
    (again,) = packs(tmp_path, 10)
    with pytest.raises(UserError, match=r"seed 0 is both in .*5-0.h5 and in .*10-0.h5"):
        list(scores.score_file(first, ["udr"], companions=[again]))
    with pytest.raises(UserError, match="named twice"):
        list(scores.score_file(first, ["udr"], companions=[second, second]))


def test_companions_on_other_images_are_refused(tmp_path):
    (path,) = packs(tmp_path, 10)
    other = tmp_path / "other.npz"
    np.savez(other, mean=np.ones((240, 2)), logvar=np.zeros((240, 2)), factors=FACTORS[::-1])
    with pytest.raises(UserError, match="differ in their factors"):
        list(scores.score_file(path, ["udr"], companions=[other]))


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_what_a_metric_needs_is_known_without_importing_it(name):
    parameters = inspect.signature(plugins.load("metrics", name).compute).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert plugins.needs(name) == positional
    assert ("companions" in positional) == (plugins.load("metrics", name).summary is not None)
