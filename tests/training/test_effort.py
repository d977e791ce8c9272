"""What a training took is told, adds up over its parts, and makes nothing else differ."""

import pytest
import torch
from builders.packs import tiny
from builders.training import After, run

from disentbench.storage.provenance import EFFORT, SPENT, shared, summed
from disentbench.training import loop
from disentbench.training.effort import Clock, Effort
from disentbench.training.state import State

STEPS = 12


class Ticking:
    """A clock that is read once a second."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        self.time += 1
        return self.time


class Stage(State):
    """As much of a training's state as is counted."""

    def __init__(self, members=1):
        self.step, self.failed, self.origins = 0, torch.zeros(members), []


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


def told(origins):
    """The origins without what they took, and the sums of that."""
    alike = [{key: o[key] for key in o if key not in EFFORT} for o in origins]
    return alike, [sum(o[key] for o in origins) for key in SPENT]


def test_shares_of_a_clock_sum_to_its_time():
    seconds = iter([0.0, 0.0, 4.0, 10.0, 13.0])
    clock, (one, two) = Clock(lambda: next(seconds)), (Stage(), Stage())
    clock.start(one)  # alone for 4 seconds, and beside the other for 6
    clock.start(two)
    first = clock.taken(one)
    assert first == 4 + 3
    clock.stop(one)
    assert clock.shares == {two: 3 + 1.5}


def test_steps_are_those_of_every_member_and_seconds_since_the_last_note():
    stage, effort = Stage(members=3), Effort({"device": "cpu"}, Clock(Ticking()))
    effort.begin(stage)
    stage.step = 5
    effort.note(stage)
    stage.step = 7
    effort.end(stage)
    expected = {"from_step": 0, "device": "cpu", "seconds": 2.0, "member_steps": 21}
    assert stage.origins == [expected]
    assert not effort.steps  # a state is large, and would be kept
    assert not effort.clock.shares
    Effort({"device": "cpu"}, Clock(Ticking())).begin(stage)
    assert stage.origins == [expected]  # goes on as it was
    Effort({"device": "gpu"}, Clock(Ticking())).begin(stage)
    assert stage.origins == [
        expected,
        {"from_step": 7, "device": "gpu", "seconds": 0, "member_steps": 0},
    ]


def test_a_training_from_before_times_were_told_says_nothing_of_its_first_part():
    stage = Stage()
    stage.origins = [{"from_step": 0, "device": "cpu"}]
    stage.step = 4
    Effort({"device": "cpu", "processor": "p"}, Clock(Ticking())).begin(stage)
    assert stage.origins[0] == {"from_step": 0, "device": "cpu"}
    assert stage.origins[1]["seconds"] == 0


def test_what_is_alike_is_summed_and_nothing_of_what_is_not_known():
    old, new = {"device": "cpu"}, {"device": "cpu", "seconds": 2.0, "member_steps": 3}
    assert summed([new, old, new]) == [{"device": "cpu", "seconds": 4.0, "member_steps": 6}, old]
    assert summed([shared(new, 1 / 3), shared(new, 2 / 3)]) == [new]
    assert shared(old, 0.5) == old


@pytest.mark.parametrize("options", [{"vectorise": False}, {"vectorise": True}])
def test_a_pack_stopped_and_resumed_has_made_each_step_once(options, images, tmp_path):
    recipe = tiny(seeds="0-2", steps=STEPS)
    whole = run(recipe, images, tmp_path / "whole", **options)
    with pytest.raises(loop.Stopped):
        run(recipe, images, tmp_path, interruption=After(5), **options)
    ours = run(recipe, images, tmp_path, **options)
    (alike, (seconds, steps)), (expected, (_, all_steps)) = told(ours.origins), told(whole.origins)
    assert alike == expected
    assert steps == all_steps == 3 * STEPS
    assert seconds > 0
    assert ours.origins[0]["processor"]
    assert ours.origins[0]["threads"] >= 1


def test_members_taken_out_of_a_pack_take_their_share_along(images, tmp_path):
    """Stopped side by side, resumed alone: nothing is counted twice."""
    recipe = tiny(seeds="0-2", steps=STEPS)
    with pytest.raises(loop.Stopped):
        run(recipe, images, tmp_path, interruption=After(5), vectorise=True)
    ours = run(recipe, images, tmp_path, vectorise=False)
    assert told(ours.origins)[1][1] == 3 * STEPS
