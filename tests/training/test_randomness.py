"""What is drawn: the same ahead of time as in time, and in chunks of any size."""

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, run
from torch.utils._pytree import tree_leaves

from disentbench.models.device_images import Resident
from disentbench.models.model_file import Saved
from disentbench.models.vae import vae_of
from disentbench.seeds import generator
from disentbench.training import encode
from disentbench.training.loss import Problem
from disentbench.training.randomness import BLOCK, EVALUATION, Batches, noise


def batches(recipe=tiny("hfvae"), **options):  # noqa: B008
    """Those of seeds 3 and 4, of whose 96 images six are left out."""
    resident = Resident(recipe.dataset.images(), CPU)
    problem = Problem(vae_of(recipe), recipe.objective, recipe.training, resident)
    return Batches(problem, [3, 4], **options)


WALKS = {
    "from the start": range(0, 3 * BLOCK, 7),
    "a step back": [0, BLOCK - 1, BLOCK, BLOCK - 1, BLOCK, 2 * BLOCK, 5, 2 * BLOCK],
    "resumed": range(2 * BLOCK + 9, 4 * BLOCK, 11),
}


@pytest.mark.parametrize("walk", WALKS)
def test_drawn_ahead_it_is_the_same(walk):
    ahead, plain = batches(ahead=True), batches()
    for step in WALKS[walk]:
        ours, theirs = ahead.at(step, CPU), plain.at(step, CPU)
        assert all(map(torch.equal, tree_leaves(ours), tree_leaves(theirs)))


@pytest.mark.parametrize("ahead", [False, True])
def test_the_next_block_is_drawn_in_the_background(ahead, monkeypatch):
    drawn, draw = [], Batches._draw

    def watched(self, block):
        drawn.append((block, threading.current_thread() is threading.main_thread()))
        return draw(self, block)

    monkeypatch.setattr(Batches, "_draw", watched)
    draws = batches(ahead=ahead)
    for step in range(3 * BLOCK):
        draws.at(step, CPU)
    assert [(block, here) for block, here in drawn if block < 3] == [
        (block, block == 0 or not ahead) for block in range(3)
    ]


def test_what_fails_in_the_background_is_raised_where_it_is_needed(monkeypatch):
    draw = Batches._draw

    def failing(self, block):
        if block == 1:
            raise MemoryError("no room for noise")
        return draw(self, block)

    monkeypatch.setattr(Batches, "_draw", failing)
    draws = batches(ahead=True)
    for step in range(BLOCK):
        draws.at(step, CPU)
    with pytest.raises(MemoryError, match="no room for noise"):
        draws.at(BLOCK, CPU)


def test_no_process_waits_for_what_is_drawn_in_the_background():
    code = "import time; from disentbench.training import randomness as r;"
    code += "r.in_background(lambda: time.sleep(3600))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_chunks_of_any_size_have_the_same_noise():
    model, sizes = vae_of(tiny("hfvae")), ([10_000], [8192, 1808], [1024] * 9 + [784])
    drawn = []
    for chunks in sizes:
        rngs = generator(0, EVALUATION, 0), generator(0, EVALUATION, 1)
        parts = zip(*(noise(rngs, model, size) for size in chunks), strict=True)
        drawn.append([torch.cat(part) for part in parts])
    assert drawn[0][1].shape == (10_000, 3)
    assert all(all(map(torch.equal, part, drawn[0])) for part in drawn[1:])


def test_codes_do_not_depend_on_the_chunks_they_are_made_in(tmp_path, monkeypatch):
    recipe = tiny("hfvae", seeds="0-1")
    images = recipe.dataset.images()
    trained = run(recipe, images, tmp_path)
    saved = Saved("", trained.parameters, trained.failed, [])
    runs = []
    for chunk in (1024, 50):
        monkeypatch.setattr(encode, "CHUNK", chunk)
        resident = Resident(images, CPU)
        runs.append(list(encode.encode(vae_of(recipe), saved, resident, range(2), CPU)))
    for ours, theirs in zip(*runs, strict=True):
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.distortion, theirs.distortion, rtol=1e-5)


def with_replacement():
    """Two batches of 16 of 72 images for each of two seeds."""
    recipe = tiny("factor_vae", seeds="3-4", sampling="with_replacement")
    objective = recipe.objective.model_copy(update={"permute": "second_batch"})
    return batches(replace(recipe, objective=objective))


def test_with_replacement_every_draw_is_of_any_image():
    """A batch of n holds N (1 - (1 - 1/N)^n) of N images on average; counts vary as Poisson's."""
    draws = with_replacement()
    index = torch.stack([draws.drawn(step, CPU).index for step in range(4 * BLOCK)])
    assert index.shape == (4 * BLOCK, 2, 32)
    assert set(index.unique().tolist()) == set(range(72))
    steps_up = torch.stack(index.split(16, dim=2)).sort().values.diff() > 0
    distinct = 1 + steps_up.sum(-1)
    assert distinct.float().mean().item() == pytest.approx(72 * (1 - (71 / 72) ** 16), abs=0.1)
    assert distinct.max() == 16
    counts = index.flatten().bincount().double()
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.5)


def test_with_replacement_seeds_steps_and_batches_differ_and_a_resumed_training_goes_on():
    draws = with_replacement()
    steps = [draws.drawn(step, CPU) for step in range(2 * BLOCK)]
    drawn = torch.cat([torch.cat(step.index.split(16, dim=1)) for step in steps])
    assert len(drawn.unique(dim=0)) == len(drawn) == 2 * BLOCK * 2 * 2
    resumed = with_replacement()
    for step in range(BLOCK + 3, 2 * BLOCK, 5):
        theirs = tree_leaves(steps[step])
        assert all(map(torch.equal, tree_leaves(resumed.drawn(step, CPU)), theirs))
