"""Training: a member is itself in any company and after any interruption."""

import math
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, command, run, signalled

from disentbench import plugins
from disentbench.cli import main
from disentbench.errors import UserError
from disentbench.models.device_images import Resident
from disentbench.models.model_file import Saved, require_fit
from disentbench.models.vae import vae_of
from disentbench.objectives import Loss
from disentbench.posterior.from_files import read_latents
from disentbench.storage import images_file
from disentbench.training import loop
from disentbench.training.encode import encode
from disentbench.training.progress import Progress

POSITIONS = {"posX": [0, 9], "posY": [0, 8]}


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


def assert_close(ours, theirs, **tolerance):
    for name in ours.parameters:
        torch.testing.assert_close(ours.parameters[name], theirs.parameters[name], **tolerance)


@pytest.mark.parametrize("architecture", plugins.names("architectures"))
@pytest.mark.parametrize("objective", plugins.names("objectives"))
def test_a_member_is_the_same_alone_and_in_a_pack(objective, architecture, images, tmp_path):
    """Bit by bit; tests/gpu has the same vectorised."""
    pack = run(tiny(objective, architecture), images, tmp_path / "pack")
    alone = run(tiny(objective, architecture, seeds="1"), images, tmp_path / "alone")
    for name, p in alone.parameters.items():
        assert torch.equal(p[0], pack.parameters[name][1])


@pytest.mark.parametrize("vectorise", [False, True])
def test_bf16_computes_the_networks_and_keeps_float32_masters(vectorise, images, tmp_path):
    half = run(tiny(precision="bf16"), images, tmp_path / "half", vectorise=vectorise)
    full = run(tiny(), images, tmp_path / "full", vectorise=vectorise)
    assert {p.dtype for p in half.parameters.values()} == {torch.float32}
    assert not np.array_equal(half.history["loss"], full.history["loss"])
    np.testing.assert_allclose(half.history["loss"], full.history["loss"], rtol=0.02)


def test_seeds_differ_and_training_learns(images, tmp_path):
    trained = run(tiny("vae", steps=200), images, tmp_path)
    last = trained.history.groupby("seed").loss.last()
    assert last.nunique() == 3
    assert (last < trained.history.groupby("seed").loss.first() - 20).all()


def test_the_history_has_every_term_of_the_loss(images, tmp_path):
    history = run(tiny("hfvae"), images, tmp_path).history
    assert list(history) == [
        *("seed", "step", "loss", "distortion", "rate"),
        *("index_code_mi", "tc_between"),
    ]
    terms = history.distortion + history.rate + history.index_code_mi + 2 * history.tc_between
    np.testing.assert_allclose(history.loss, terms, rtol=1e-5)


def test_an_epoch_shows_every_image_once(images):
    recipe = tiny(seeds="3-4", batch_size=12)
    problem = loop.problem_of(recipe, Resident(images, CPU), together=False)
    draws = loop.Batches(problem, [3, 4])
    steps = [draws.drawn(step, CPU).index for step in range(12)]
    for member in range(2):
        epochs = [torch.cat([s[member] for s in steps[i : i + 6]]) for i in (0, 6)]
        assert all(epoch.sort().values.tolist() == list(range(72)) for epoch in epochs)
        assert not torch.equal(*epochs)


def test_members_are_the_same_side_by_side_on_several_cores(images, tmp_path):
    one_by_one = run(tiny(), images, tmp_path / "one")
    torch.set_num_threads(3)
    try:
        side_by_side = run(tiny(), images, tmp_path / "three")
    finally:
        torch.set_num_threads(1)
    for name, p in one_by_one.parameters.items():
        assert torch.equal(p, side_by_side.parameters[name])
    assert one_by_one.history.equals(side_by_side.history)


def test_an_error_of_one_member_surfaces_when_others_train_beside_it(images, tmp_path):
    def fail(seeds, step, loss):
        if seeds == [1]:
            raise KilledError

    torch.set_num_threads(2)
    try:
        with pytest.raises(KilledError):
            run(tiny(), images, tmp_path, report=fail)
    finally:
        torch.set_num_threads(1)


def test_progress_counts_the_steps_of_members_that_train_at_once(tmp_path):
    with Progress(range(4, 7), 10, tmp_path / "progress.json") as progress:
        progress([4], 0, math.nan)
        progress([6], 6, math.nan)  # resumed
        progress([4], 3, 1.0)
        progress([5], 0, math.nan)
        progress([6], 7, 1.0)
    assert (progress.done, progress.began, progress.total) == (10, 6, 30)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("step", [1, 40, 70])
def test_interrupted_training_ends_in_the_same_numbers(step, vectorise, images, tmp_path):
    """Interrupted at a step that is and is not the first of a block of noise or of a window."""

    def kill(seed, at, loss):
        if at >= step:
            raise KilledError

    recipe = tiny("hfvae", seeds="0-1", steps=80)
    options = {"vectorise": vectorise, "seconds_between_checkpoints": 0.0 if step == 1 else 0.02}
    whole = run(recipe, images, tmp_path / "whole", vectorise=vectorise)
    with pytest.raises(KilledError):
        run(recipe, images, tmp_path / "killed", report=kill, **options)
    resumed = run(recipe, images, tmp_path / "killed", **options)
    for name, p in whole.parameters.items():
        assert torch.equal(p, resumed.parameters[name])
    assert whole.history.equals(resumed.history)


def test_a_checkpoint_of_other_settings_is_not_resumed(images, tmp_path):
    run(tiny(seeds="0"), images, tmp_path)
    other = run(tiny(seeds="0", learning_rate=1e-2), images, tmp_path)
    assert_close(other, run(tiny(seeds="0", learning_rate=1e-2), images, tmp_path / "new"))


def test_a_damaged_checkpoint_is_named_and_left(images, tmp_path):
    whole = run(tiny(seeds="0"), images, tmp_path / "whole")
    (path,) = (tmp_path / "whole" / "checkpoints").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="is damaged"):
        again = run(tiny(seeds="0"), images, tmp_path / "whole")
    assert all(torch.equal(p, again.parameters[name]) for name, p in whole.parameters.items())


@pytest.mark.parametrize("vectorise", [False, True])
def test_a_diverged_member_is_marked_and_harms_no_other(vectorise, images, tmp_path, monkeypatch):
    fresh = loop.fresh

    def poisoned(problem, seeds):
        state = fresh(problem, seeds)
        if 1 in seeds:
            state.parameters["encoder.1.weight"].data[seeds.index(1), 0] = torch.nan
        return state

    recipe = tiny(seeds="0-2")
    healthy = run(recipe, images, tmp_path / "healthy", vectorise=vectorise)
    monkeypatch.setattr(loop, "fresh", poisoned)
    trained = run(recipe, images, tmp_path / "poisoned", vectorise=vectorise)
    assert trained.failed.tolist() == [False, True, False]
    for name, p in healthy.parameters.items():
        assert torch.equal(p[[0, 2]], trained.parameters[name][[0, 2]])
    saved = Saved("", trained.parameters, trained.failed, [])
    runs = list(encode(vae_of(recipe), saved, Resident(images, CPU), range(3), CPU))
    assert [bool(np.isnan(r.mean).all()) for r in runs] == [False, True, False]


def encoded(recipe, folder):
    out = folder / "latents.h5"
    arguments = [recipe.text, "--images", folder / "images.h5"]
    arguments += ["--model", folder / "model.pt", "--latents", out, "--threads", "1"]
    assert main(["encode", *map(str, arguments)]) == 0
    return out


def test_sigkill_changes_no_bit_of_the_latents(images, tmp_path):
    """Killed outright while it trains, in the first member and in the second, and run again."""
    recipe = tiny("hfvae", seeds="0-1", steps=150)
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
        images_file.write_images(images, tmp_path / name / "images.h5", {})
    assert main(command(recipe, tmp_path / "whole")[3:]) == 0
    for steps in (60, 200):  # fewer in all than there are to take
        words = command(recipe, tmp_path / "killed")[3:]
        run = [sys.executable, *signalled(signal.SIGKILL, steps, words)]
        assert subprocess.run(run, check=False, stderr=subprocess.DEVNULL).returncode == -9
    assert not (tmp_path / "killed" / "model.pt").exists()
    assert main(command(recipe, tmp_path / "killed")[3:]) == 0
    assert not (tmp_path / "killed" / "checkpoints").exists()
    ours, theirs = (
        list(read_latents(encoded(recipe, tmp_path / name))) for name in ("killed", "whole")
    )
    for (_, one), (_, other) in zip(ours, theirs, strict=True):
        assert np.array_equal(one.mean, other.mean)
        assert np.array_equal(one.logvar, other.logvar)
        assert np.array_equal(one.distortion, other.distortion)


@pytest.mark.parametrize(
    "change", [{"parameters": {}}, {"failed": None}, {"failed": torch.ones(7)}]
)
def test_a_model_of_another_study_is_refused(change):
    model = vae_of(tiny())
    members = [model.initialise(np.random.default_rng(seed)) for seed in range(3)]
    stacked = {name: torch.stack([m[name] for m in members]) for name in members[0]}
    sound = Saved("", stacked, torch.zeros(3, dtype=torch.bool), [])
    require_fit(sound, model, 3)
    with pytest.raises(UserError, match="does not hold the parameters"):
        require_fit(Saved(**(sound._asdict() | change)), model, 3)
    with pytest.raises(UserError, match="does not hold the parameters"):
        require_fit(sound, model, 4)


@pytest.mark.parametrize("name", ["loss", "rate", "seed", "critic_loss", "tc_between"])
def test_what_an_objective_shows_has_a_name_of_its_own(name, images, tmp_path, monkeypatch):
    def showing(self, terms, step):
        return Loss(terms.weighted(), terms.distortion * 0, {name: 3.0})

    recipe = tiny("vae", seeds="0", steps=1)
    monkeypatch.setattr(type(recipe.objective), "loss", showing)
    with pytest.raises(ValueError, match=f"shows '{name}', which the history has itself"):
        run(recipe, images, tmp_path)


@pytest.mark.parametrize("vectorise", [False, True])
def test_an_objective_may_show_a_number(vectorise, images, tmp_path, monkeypatch):
    recipe = tiny("vae", seeds="0-1", steps=2)

    def showing(self, terms, step):
        return Loss(terms.weighted(), shown={"weight": 3.0})

    monkeypatch.setattr(type(recipe.objective), "loss", showing)
    history = run(recipe, images, tmp_path, vectorise=vectorise).history
    assert set(history["weight"]) == {3.0}
