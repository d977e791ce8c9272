"""A recorded step gives the numbers of a step; what cannot be recorded is not.

A GPU replays a graph. Here, what stands for it calls the step again.
"""

import copy

import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, run

from disentbench import plugins
from disentbench.models.device_images import Resident
from disentbench.models.vae import vae_of
from disentbench.objectives import Loss
from disentbench.training import replay
from disentbench.training.loss import Problem
from disentbench.training.randomness import Batches
from disentbench.training.state import fresh

STEPS = 70  # into a second block of noise


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


def again(step):
    """Recorded as on a GPU, which first makes some steps in vain."""
    for _ in range(replay.WARM_UP):
        step()
    return step


@pytest.fixture
def recording(monkeypatch):
    """The trainings of a test record their steps; the functions that were recorded."""
    recorded = []

    def record(step):
        recorded.append(step)
        return again(step)

    monkeypatch.setitem(replay.RECORDERS, "cpu", record)
    return recorded


def prepared(recipe, images):
    problem = Problem(vae_of(recipe), recipe.objective, recipe.training, Resident(images, CPU))
    seeds = list(recipe.pack.seeds)
    return problem, fresh(problem, seeds), Batches(problem, seeds)


def assert_same(ours, theirs):
    """Every number of two states, to the last bit."""
    assert ours.players.keys() == theirs.players.keys()
    for name, player in theirs.players.items():
        assert all(map(torch.equal, ours.players[name].tensors, player.tensors))
    assert (ours.step, ours.since) == (theirs.step, theirs.since)
    assert ours.window.keys() == theirs.window.keys()
    assert all(torch.equal(ours.window[name], total) for name, total in theirs.window.items())
    for (step, row), (expected, terms) in zip(ours.rows, theirs.rows, strict=True):
        assert step == expected
        assert row.keys() == terms.keys()
        assert all(torch.equal(row[name], term) for name, term in terms.items())


@pytest.mark.parametrize(
    ("objective", "architecture"),
    [
        *((name, "mlp_chen2018") for name in plugins.names("objectives")),
        *((name, "conv_locatello2019") for name in ("hfvae", "factor_vae")),
    ],
)
def test_a_recorded_step_is_a_step(objective, architecture, images):
    """After every step, in windows of several; the record begins within one."""
    steps = STEPS if "mlp" in architecture else 6
    recipe = tiny(objective, architecture, seeds="0-1", steps=400)
    problem, plain, draws = prepared(recipe, images)
    state = fresh(problem, [0, 1])
    for each in (plain, state):
        each.advance(problem, draws)
    step = replay.recorded(state, problem, draws, again)
    for _ in range(steps):
        plain.advance(problem, draws)
        state.advance(problem, draws, step)
        assert_same(state, plain)
    assert len(plain.rows) == (1 + steps) // 4


@pytest.mark.parametrize("objective", ["hfvae", "factor_vae"])
def test_recording_moves_nothing_and_changes_nothing(objective, images):
    problem, state, draws = prepared(tiny(objective), images)
    for _ in range(3):
        state.advance(problem, draws)
    before = copy.deepcopy(state)
    tensors = [tensor for player in state.players.values() for tensor in player.tensors]
    places = [tensor.data_ptr() for tensor in tensors]
    assert replay.recorded(state, problem, draws, again)
    assert [tensor.data_ptr() for tensor in tensors] == places
    assert_same(state, before)


class KilledError(Exception):
    pass


@pytest.mark.parametrize(
    ("objective", "step"), [("hfvae", 66), ("beta_tcvae", 1), ("factor_vae", 3)]
)
def test_killed_and_resumed_it_is_recorded_anew(objective, step, images, tmp_path, recording):
    """In windows of two steps; saved at each, so that it goes on within one."""
    recipe = tiny(objective, seeds="0-1", steps=200)

    def kill(seeds, at, loss):
        if at >= step:
            raise KilledError

    options = {"vectorise": True, "seconds_between_checkpoints": 0.0}
    with pytest.raises(KilledError):
        run(recipe, images, tmp_path / "killed", report=kill, **options)
    resumed = run(recipe, images, tmp_path / "killed", vectorise=True)
    assert len(recording) == 2
    del replay.RECORDERS["cpu"]
    whole = run(recipe, images, tmp_path / "whole", vectorise=True)
    assert all(torch.equal(p, resumed.parameters[name]) for name, p in whole.parameters.items())
    assert whole.history.equals(resumed.history)


def rising(terms, step):
    return terms.distortion + (step / 100).clamp(max=1.0) * terms.rate


def falling(terms, step):
    return terms.distortion + terms.rate / (1 + step)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loss", [rising, falling])
def test_a_recorded_loss_reads_the_steps_number_anew(
    loss, images, tmp_path, monkeypatch, recording
):
    recipe = tiny("vae", seeds="0-1", steps=8)
    monkeypatch.setattr(type(recipe.objective), "loss", lambda self, *given: Loss(loss(*given)))
    ours = run(recipe, images, tmp_path / "ours", vectorise=True)
    assert recording
    del replay.RECORDERS["cpu"]
    plain = run(recipe, images, tmp_path / "plain", vectorise=True)
    assert all(torch.equal(p, ours.parameters[name]) for name, p in plain.parameters.items())
    assert plain.history.equals(ours.history)


@pytest.mark.parametrize("late", [False, True])
def test_what_fails_to_be_recorded_is_said_and_made_step_by_step(
    late, images, tmp_path, monkeypatch
):
    """As it is asked for, or when some steps were made already."""

    def fail(step):
        if late:
            again(step)
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setitem(replay.RECORDERS, "cpu", fail)
    recipe = tiny("hfvae", seeds="0-1", steps=8)
    said = r"one by one, which is slower: RuntimeError: operation not permitted .* capturing$"
    with pytest.warns(UserWarning, match=said):
        ours = run(recipe, images, tmp_path / "ours", vectorise=True)
    del replay.RECORDERS["cpu"]
    plain = run(recipe, images, tmp_path / "plain", vectorise=True)
    assert all(torch.equal(p, ours.parameters[name]) for name, p in plain.parameters.items())
    assert plain.history.equals(ours.history)
