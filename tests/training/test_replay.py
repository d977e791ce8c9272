"""A recorded step gives the numbers of a step; what cannot be recorded is not.

A GPU replays a graph. Here, what stands for it calls the step again.
"""

import copy
import operator

import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, run

from disentbench.models.vae import vae_of
from disentbench.training import replay
from disentbench.training.device_images import Resident
from disentbench.training.loss import Problem
from disentbench.training.randomness import Batches
from disentbench.training.replay import StepReadError, UnknownStep
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
    batch = recipe.training.batch_size
    return problem, fresh(problem, seeds), Batches(seeds, problem.model, len(images), batch)


def assert_same(ours, theirs):
    """Every number of two states, to the last bit."""
    for name, p in theirs.parameters.items():
        assert torch.equal(ours.parameters[name], p)
    for kind, expected in zip(ours.moments, theirs.moments, strict=True):
        assert all(map(torch.equal, kind, expected))
    assert (ours.step, ours.since) == (theirs.step, theirs.since)
    assert ours.window.keys() == theirs.window.keys()
    assert all(torch.equal(ours.window[name], total) for name, total in theirs.window.items())
    for (step, row), (expected, terms) in zip(ours.rows, theirs.rows, strict=True):
        assert step == expected
        assert row.keys() == terms.keys()
        assert all(torch.equal(row[name], term) for name, term in terms.items())


@pytest.mark.parametrize("architecture", ["mlp_chen2018", "conv_locatello2019"])
@pytest.mark.parametrize("objective", ["hfvae", "beta_tcvae"])
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


def test_recording_moves_nothing_and_changes_nothing(images):
    problem, state, draws = prepared(tiny("hfvae"), images)
    for _ in range(3):
        state.advance(problem, draws)
    before = copy.deepcopy(state)
    tensors = [*state.parameters.values(), *(t for kind in state.moments for t in kind)]
    places = [tensor.data_ptr() for tensor in tensors]
    assert replay.recorded(state, problem, draws, again)
    assert [tensor.data_ptr() for tensor in tensors] == places
    assert_same(state, before)


class KilledError(Exception):
    pass


@pytest.mark.parametrize(("objective", "step"), [("hfvae", 66), ("beta_tcvae", 1)])
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


def scheduled(terms, step):
    return terms.distortion + min(1.0, step / 100) * terms.rate


def branching(terms, step):
    return terms.distortion + terms.rate if step else terms.distortion


def of_a_tensor(terms, step):
    return terms.distortion + terms.rate * step


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loss", [scheduled, branching, of_a_tensor])
def test_a_loss_that_depends_on_the_step_is_not_recorded(
    loss, images, tmp_path, monkeypatch, recording
):
    recipe = tiny("vae", seeds="0-1", steps=8)
    monkeypatch.setattr(type(recipe.objective), "loss", lambda self, *given: loss(*given))
    ours = run(recipe, images, tmp_path / "ours", vectorise=True)
    assert not recording
    del replay.RECORDERS["cpu"]
    plain = run(recipe, images, tmp_path / "plain", vectorise=True)
    assert all(torch.equal(p, ours.parameters[name]) for name, p in plain.parameters.items())
    assert plain.history.equals(ours.history)


USES = {
    "arithmetic": (lambda step: step + 1, lambda step: 2.0 * step, lambda step: -step),
    "comparison": (lambda step: step > 3, lambda step: step != 3, lambda step: max(3, step)),
    "conversion": (bool, int, float, complex, str, repr, hash, operator.index, "{:d}".format),
    "methods": (lambda step: step.bit_length(), lambda step: step.real, lambda step: step.any),
    "tensors": (lambda step: torch.ones(2) ** step, lambda step: step / torch.ones(2)),
    "containers": (lambda step: [1, 2][step], {1: 2}.get, range),
}


@pytest.mark.parametrize("kind", USES)
def test_every_use_of_an_unknown_step_is_found_out(kind):
    for use in USES[kind]:
        with pytest.raises(StepReadError):
            use(UnknownStep())
    assert isinstance(UnknownStep(), int)


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
