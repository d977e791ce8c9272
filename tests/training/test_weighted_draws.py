"""Images drawn by weights: as often as these say, and what is held out never."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, run
from scipy.stats import chisquare

from disentbench import plugins
from disentbench.models.device_images import Resident
from disentbench.training import loop, loss
from disentbench.training.loss import Problem
from disentbench.training.randomness import BLOCK, ORDER, SECOND_ORDER, Batches, by_weights

PAIR = {"factors": ["shape", "scale"], "sigma": 0.3}
SIZE = 3 * 6 * 2 * 2


def weighted(recipe=None, **drawing):
    """A tiny pack of 72 images that are drawn by weights."""
    recipe = recipe or tiny(seeds="0-2")
    return replace(recipe, dataset=recipe.dataset.model_copy(update=dataset(**drawing)))


def dataset(**drawing):
    made = plugins.make("datasets", "dsprites_small", {"posX": [0, 9], "posY": [0, 8]} | drawing)
    return {key: getattr(made, key) for key in drawing}


BOTH = {"correlate": [PAIR], "hold_out": {"shape": "heart", "scale": [0, 1]}}


def batches(seeds, recipe=None):
    recipe = recipe or weighted(**BOTH)
    images = recipe.dataset.images()
    shares = by_weights(recipe.dataset.weights(images.factors))
    problem = loop.problem_of(recipe, Resident(images, CPU, recipe.dataset), together=False)
    return Batches(problem._replace(weighted=shares), seeds), recipe.dataset.weights(images.factors)


def drawn(draws, seed, blocks, purpose=ORDER):
    return np.array([draws._positions(seed, block, purpose) for block in blocks])


def test_images_are_drawn_as_often_as_their_weights_say():
    draws, weights = batches([3])
    counts = np.bincount(drawn(draws, 3, range(100)).ravel(), minlength=SIZE)
    there = weights > 0
    assert 0 < there.sum() < SIZE
    assert counts[~there].sum() == 0
    assert chisquare(counts[there], weights[there] * counts.sum()).pvalue > 1e-3


def test_what_is_held_out_is_never_drawn():
    draws, weights = batches([3], weighted(hold_out=[{"shape": 0}, {"posX": 0, "posY": 0}]))
    blocks = -(-(10**6) // (BLOCK * 16))
    counts = np.bincount(drawn(draws, 3, range(blocks)).ravel(), minlength=SIZE)
    assert counts.sum() >= 10**6
    assert (counts[weights == 0] == 0).all()
    assert (counts[weights > 0] > 0).all()


def test_no_number_that_is_drawn_lies_at_an_image_of_weight_nought():
    """At either end, in the middle, and where the sum of the weights rounds to less than 1."""
    below_one = np.nextafter(1, 0)
    for weights in ([0, 0.3, 0, 0.7, 0], [0.1] * 10 + [0.0], [0.0] + [1 / 49] * 49 + [0.0]):
        ends = by_weights(np.array(weights)).ends
        edges = np.clip([0, *ends, *np.nextafter(ends, 0), *np.nextafter(ends, 1)], 0, below_one)
        places = np.searchsorted(ends, edges, side="right")
        assert all(weights[place] > 0 for place in places)
        assert set(places) == set(np.flatnonzero(weights))


def test_a_member_draws_the_same_in_any_company_and_others_draw_otherwise():
    alone, together = batches([4])[0], batches([3, 4])[0]
    blocks = range(3)
    np.testing.assert_array_equal(drawn(alone, 4, blocks), drawn(together, 4, blocks))
    several = [drawn(together, *of).ravel() for of in ((3, [0]), (4, [0]), (4, [1]))]
    several.append(drawn(together, 4, [0], SECOND_ORDER).ravel())
    assert len({tuple(positions) for positions in several}) == len(several)


def test_how_a_study_samples_makes_no_difference():
    epochs, replacement = (
        batches([0], weighted(tiny(sampling=sampling), **BOTH))[0]
        for sampling in ("epochs", "with_replacement")
    )
    np.testing.assert_array_equal(drawn(epochs, 0, [0]), drawn(replacement, 0, [0]))


@pytest.mark.parametrize("objective", ["vae", "factor_vae"])
def test_a_member_trains_the_same_alone_in_a_pack_and_vectorised(objective, tmp_path):
    pack, alone = (weighted(tiny(objective, seeds=seeds), **BOTH) for seeds in ("0-2", "1"))
    images = pack.dataset.images()
    apart = run(pack, images, tmp_path / "apart", vectorise=False)
    single = run(alone, images, tmp_path / "alone")
    vectorised = run(pack, images, tmp_path / "vectorised", vectorise=True)
    for name, p in apart.parameters.items():
        assert torch.equal(p[1], single.parameters[name][0])
        torch.testing.assert_close(p, vectorised.parameters[name], rtol=1e-4, atol=1e-5)


def test_training_sees_nothing_of_what_is_held_out(tmp_path):
    """With other pixels there the same comes of it, and with other pixels elsewhere not."""
    recipe = weighted(hold_out={"shape": 1}, recipe=tiny(seeds="0-0"))
    images = recipe.dataset.images()
    held = recipe.dataset.held_out(images.factors)
    ends = []
    for blank in (np.zeros_like(held), held, ~held):
        bits = np.where(blank[:, None], 0, images.bits).astype(np.uint8)
        trained = run(recipe, replace(images, bits=bits), tmp_path / str(len(ends)))
        ends.append(trained.parameters)
    name = next(iter(ends[0]))
    assert torch.equal(ends[0][name], ends[1][name])
    assert not torch.equal(ends[0][name], ends[2][name])


def test_a_problem_without_weights_draws_as_ever():
    assert Problem._field_defaults["weighted"] is None
    recipe = tiny()
    assert by_weights(recipe.dataset.weights(recipe.dataset.images().factors)) is None


def test_the_estimators_count_the_images_that_may_be_drawn(monkeypatch, tmp_path):
    """Of 72 images a third: N is 24 in each term, with or without the rest."""
    counted = []
    made = loss.Terms

    def terms(distortion, posterior, z, structure, size, **others):
        counted.append(size)
        return made(distortion, posterior, z, structure, size, **others)

    monkeypatch.setattr(loss, "Terms", terms)
    for recipe in (tiny(steps=1), weighted(tiny(steps=1), hold_out={"shape": [0, 1]})):
        run(recipe, recipe.dataset.images(), tmp_path / str(len(counted)))
    assert set(counted[: len(counted) // 2]) == {72}
    assert set(counted[len(counted) // 2 :]) == {24}
