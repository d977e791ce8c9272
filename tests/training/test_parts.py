"""A pack in parts that fit into a memory, which here is made up: the numbers are the same.

Members that are trained alone are so to the last bit. Members that are vectorised are so within
rounding: the sums of a product of matrices depend on how many matrices there are.
"""

import numpy as np
import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, After, run

from disentbench.models.device_images import Resident
from disentbench.models.vae import vae_of
from disentbench.training import checkpoint, loop, parts
from disentbench.training.interruption import Interruption

MEMBER = 100  # bytes that each is made up to need


class Room(parts.Memory):
    """For so many members, if they take what two were measured to take."""

    def __init__(self, members):
        self.members = members

    def free(self):
        return int(self.members * MEMBER / parts.USED_SHARE) + 1

    def needed(self, task):
        task()
        if self.free() < 2 * MEMBER:
            raise torch.OutOfMemoryError
        return 2 * MEMBER


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


RECIPE = tiny("hfvae", seeds="0-4", steps=12)


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """The pack that has room, and nobody has killed."""
    return run(RECIPE, images, tmp_path_factory.mktemp("whole"), vectorise=True)


@pytest.fixture(scope="module")
def alone(images, tmp_path_factory):
    return run(RECIPE, images, tmp_path_factory.mktemp("alone"), vectorise=False)


def assert_same_within_rounding(ours, theirs):
    for name, p in theirs.parameters.items():
        torch.testing.assert_close(ours.parameters[name], p, rtol=1e-3, atol=1e-4)
    assert ours.history[["seed", "step"]].equals(theirs.history[["seed", "step"]])
    np.testing.assert_allclose(ours.history, theirs.history, rtol=1e-4, atol=1e-4)
    assert torch.equal(ours.failed, theirs.failed)


class Begun(list):
    """What is trained side by side, and the step that each part begins at."""

    def __call__(self, seeds, step, loss):
        if all(seeds != part for part, _ in self):
            self.append((seeds, step))


def stopped(images, folder, steps, recipe=RECIPE, **options):
    """Trained for so many steps, which are saved."""
    with pytest.raises(loop.Stopped):
        run(recipe, images, folder, interruption=After(steps), **options)


def resumed(images, folder, **options):
    begun = Begun()
    return run(RECIPE, images, folder, report=begun, **options), begun


PACK = {"vectorise": True}
PAIRS = {"vectorise": True, "memory": Room(2)}
ALONE = {"vectorise": False}


@pytest.mark.parametrize(
    ("room", "cut"),
    [
        (9, [[0, 1, 2, 3, 4]]),
        (3, [[0, 1, 2], [3, 4]]),
        (2, [[0, 1], [2, 3], [4]]),
        *((room, [[0], [1], [2], [3], [4]]) for room in (1, 0)),
    ],
)
def test_a_pack_is_trained_in_parts_that_fit(room, cut, images, whole, tmp_path):
    ours, begun = resumed(images, tmp_path, vectorise=True, memory=Room(room))
    assert begun == [(part, 0) for part in cut]
    assert_same_within_rounding(ours, whole)


@pytest.mark.parametrize(("room", "like"), [(9, "whole"), (1, "alone")])
def test_as_many_side_by_side_are_the_same_to_the_last_bit(room, like, images, tmp_path, request):
    """What was measured leaves no trace."""
    ours, theirs = (
        run(RECIPE, images, tmp_path, vectorise=True, memory=Room(room)),
        request.getfixturevalue(like),
    )
    assert all(torch.equal(p, ours.parameters[name]) for name, p in theirs.parameters.items())
    assert ours.history.equals(theirs.history)


@pytest.mark.parametrize(
    ("here", "cut"),
    [(PAIRS, [[0, 1], [2, 3], [4]]), (ALONE, [[0], [1], [2], [3], [4]])],
    ids=["in parts", "alone"],
)
def test_a_pack_stopped_as_a_whole_goes_on_from_its_step(here, cut, images, tmp_path, request):
    stopped(images, tmp_path, 7, **PACK)
    patch, whole = (request.getfixturevalue(name) for name in ("monkeypatch", "whole"))
    patch.setattr(loop, "origin", lambda device: {"revision": "newer", "device": device})
    ours, begun = resumed(images, tmp_path, **here)
    assert begun == [(part, 7) for part in cut]
    assert [origin["from_step"] for origin in ours.origins] == [0, 7]
    assert_same_within_rounding(ours, whole)


def test_members_are_taken_out_with_all_that_is_known_of_them(images, tmp_path):
    """Within a window of the history, of which each has its sums so far."""
    recipe, seeds, some = tiny("factor_vae", seeds="0-4", steps=500), [0, 1, 2, 3, 4], [2, 3]
    resident = Resident(images, CPU)
    problem = loop.Problem(vae_of(recipe), recipe.objective, recipe.training, resident)
    state = loop.fresh(problem, seeds)
    draws = loop.Batches(problem, seeds)
    for _ in range(7):
        state.advance(problem, draws)
    state.failed[3] = True
    kept = (0.0, Interruption(), "x")
    checkpoint.Checkpoint(tmp_path, seeds, *kept).save(state)
    found = checkpoint.state_files(tmp_path, "x")
    ours = checkpoint.Checkpoint(tmp_path, some, *kept, found=found).resumed(problem)
    assert (ours.step, ours.since, ours.origins) == (7, 2, [])
    assert ours.failed.tolist() == [False, True]
    pairs = [(state.window[name], total) for name, total in ours.window.items()]
    assert ours.players.keys() == {"model", "critic"}
    for name, player in ours.players.items():
        pairs += zip(state.players[name].tensors, player.tensors, strict=True)
        assert {steps.item() for steps in player.moments.steps} == {7}
    assert all(torch.equal(theirs[2:4] if theirs.ndim else theirs, mine) for theirs, mine in pairs)
    assert ours.table(some).equals(state.table(seeds).query("seed in @some").reset_index(drop=True))


def test_members_stopped_alone_go_on_to_the_last_bit(images, alone, tmp_path):
    """What is left of the pack is trained side by side, and who was alone stays so."""
    stopped(images, tmp_path, 12 + 7, **ALONE)
    ours, begun = resumed(images, tmp_path, **PACK)
    assert begun == [([0], 12), ([1], 7), ([2, 3, 4], 0)]
    assert_same_within_rounding(ours, alone)
    assert all(torch.equal(p[:2], alone.parameters[n][:2]) for n, p in ours.parameters.items())


def test_each_goes_on_from_what_is_furthest_on(images, whole, tmp_path):
    stopped(images, tmp_path, 7, **PACK)
    stopped(images, tmp_path, 3, **PAIRS)
    ours, begun = resumed(images, tmp_path, **ALONE)
    assert begun == [([0], 10), ([1], 10), ([2], 7), ([3], 7), ([4], 7)]
    assert_same_within_rounding(ours, whole)


def damage(path):
    path.write_bytes(path.read_bytes()[:1000])


def test_from_a_damaged_pack_all_begin_anew(images, whole, tmp_path):
    stopped(images, tmp_path, 7, **PACK)
    damage(tmp_path / "checkpoints/seeds-0-4.pt")
    with pytest.warns(UserWarning, match=r"seeds-0-4\.pt is damaged.*begins anew") as warned:
        ours, begun = resumed(images, tmp_path, **PAIRS)
    assert len(warned) == 1
    assert begun == [([0, 1], 0), ([2, 3], 0), ([4], 0)]
    assert_same_within_rounding(ours, whole)


def test_where_a_part_is_damaged_the_pack_will_do(images, whole, tmp_path):
    stopped(images, tmp_path, 7, **PACK)
    stopped(images, tmp_path, 3, **PAIRS)
    damage(tmp_path / "checkpoints/seeds-0-1.pt")
    with pytest.warns(UserWarning, match=r"seeds-0-1\.pt is damaged.*or from another checkpoint"):
        ours, begun = resumed(images, tmp_path, **PACK)
    assert begun == [([0, 1, 2, 3, 4], 7)]
    assert all(torch.equal(p, whole.parameters[name]) for name, p in ours.parameters.items())


def test_what_is_of_another_training_neither_helps_nor_hinders(images, whole, tmp_path):
    other = tiny("hfvae", seeds="0-4", steps=12, learning_rate=1e-2)
    for stop, options in ((7, PACK), (3, PAIRS)):
        stopped(images, tmp_path, stop, other, **options)
    ours, begun = resumed(images, tmp_path, **PACK)
    assert begun == [([0, 1, 2, 3, 4], 0)]
    assert all(torch.equal(p, whole.parameters[name]) for name, p in ours.parameters.items())


def test_no_part_is_partly_in_a_checkpoint():
    blocks = [range(3, 13), range(5, 7), range(7, 8)]
    assert parts.cut(range(3, 13), 4, []) == [[3, 4, 5, 6], [7, 8, 9, 10], [11, 12]]
    cut = [[3, 4], [5, 6], [7], [8, 9, 10, 11], [12]]
    assert parts.cut(range(3, 13), 4, blocks) == cut
    assert parts.cut(range(3, 13), 99, [range(3, 13)]) == [list(range(3, 13))]
