"""How fast a training is here: its own steps, timed, of a member on a core."""

import numpy as np
import pytest
import torch
from builders.packs import GRID, tiny
from builders.studies import made

from disentbench.models.device_images import Resident
from disentbench.storage.images import misfit
from disentbench.training import rate
from disentbench.training.loop import batches_of, problem_of
from disentbench.training.state import State, fresh
from disentbench.workflow import measured

CPU = torch.device("cpu")


def test_images_a_second_are_those_of_the_quickest_round(monkeypatch):
    """Rounds whose steps take 10, 5 and 20 ms: 16 images in 5 ms."""
    seconds = iter([0.3, 0.25, 0.010, 0.005, 0.020])
    asked = []

    def steps(count):
        asked.append(count)
        return next(seconds)

    monkeypatch.setattr(rate, "stepper", lambda recipe, images, seeds: steps)
    assert rate.images_per_second(tiny("vae"), CPU) == pytest.approx(16 / 0.005)
    assert asked == [rate.WARM_UP] * 2 + [1 + int(rate.SECONDS / 0.25)] * 3


def test_what_is_timed_are_the_steps_of_a_training(monkeypatch):
    """The parameters after them are those that a training's own steps come to."""
    recipe = tiny("beta_tcvae", seeds="0-0")
    images = Resident(rate.stand_in(recipe), CPU)
    states = []
    monkeypatch.setattr(rate, "fresh", lambda *of: states.append(fresh(*of)) or states[-1])
    assert rate.stepper(recipe, images)(3) > 0
    problem = problem_of(recipe, images, together=False)
    state: State = fresh(problem, [0])
    for _ in range(3):
        state.advance(problem, batches_of(problem, [0]))
    assert states[0].step == 3
    for name, value in state.parameters.items():
        assert torch.equal(states[0].parameters[name], value)


@pytest.mark.parametrize("of", ["dsprites_small", "dsprites_color", "rooms3d"])
def test_what_stands_in_for_images_is_like_them(of):
    """Bits for bits, pixels for pixels, and what renders has what it renders with."""
    options = GRID if of != "rooms3d" else {"image_size": 16}
    recipe = tiny("vae", dataset=options | {"of": of})
    images = rate.stand_in(recipe)
    assert misfit(images) is None
    assert (images.bits is None) != recipe.dataset.packed
    assert images.shape == recipe.dataset.stored_shape
    seen = Resident(images, CPU, recipe.dataset)[torch.arange(2)]
    assert seen.shape == (2, *recipe.dataset.image_shape)
    assert np.isfinite(seen.numpy()).all()


def test_each_objective_is_measured_once_at_a_strength_of_its_own(monkeypatch):
    seen = []
    monkeypatch.setattr(
        measured, "images_per_second", lambda recipe, device: seen.append(recipe.pack) or len(seen)
    )
    of = made()
    throughput = measured.measured(of)
    assert [pack.objective for pack in seen] == list(of.objectives)
    assert "beta-4" in {pack.setting for pack in seen if pack.objective == "beta_tcvae"}
    rates = {pack.objective: throughput.of(pack) for pack in of.packs}
    assert rates == {"vae": 1, "beta_tcvae": 2, "hfvae": 3}
    assert not throughput.whole
    assert throughput.source.startswith("measured here: ")
