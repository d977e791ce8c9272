"""Which images a study measures: the same for all its runs, and nothing that trains."""

import hashlib
import json

import numpy as np
import pytest
from builders.good_study import GOOD, changed

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.storage import expected
from disentbench.storage.study_file import read_study
from disentbench.study.evaluation import WHOLE, Evaluate, read_evaluate
from disentbench.workflow import memory

GRIDS = ("dsprites", "cars3d", "smallnorb")
STRIDES = (2, 3, {"posX": 5}, {"elevation": 2, "azimuth": 4, "posY": 2})
PARTS = ({"stride": {"posX": 2}}, {"images": 100}, {"latents": "float16"})


def evaluated(**keys):
    return read_study(GOOD | {"evaluate": keys})


@pytest.mark.parametrize("stride", STRIDES, ids=str)
@pytest.mark.parametrize("name", GRIDS)
def test_a_stride_keeps_every_nth_class_as_a_sub_grid_does(name, stride):
    """What a data set itself calls {stride: n} is the oracle."""
    dataset, evaluate = plugins.make("datasets", name, {}), Evaluate(stride=stride)
    steps = {factor: evaluate.step(factor) for factor in dataset.factors}
    chosen = {factor: {"stride": step} for factor, step in steps.items()}
    part = plugins.make("datasets", name, chosen)
    rows = evaluate.rows(dataset.classes, tuple(dataset.factors))
    assert len(rows) == evaluate.count(dataset) == part.size
    np.testing.assert_array_equal(dataset.classes[rows] // list(steps.values()), part.classes)


def test_images_are_drawn_once_in_order_and_a_few_are_among_many():
    factors = np.zeros((1000, 0), np.int64)
    few, many = (Evaluate(images=n).rows(factors, ()) for n in (30, 400))
    assert len(few) == 30
    assert (np.diff(few) > 0).all()
    assert set(few) < set(many) < set(range(1000))
    np.testing.assert_array_equal(few, Evaluate(images=30).rows(factors + 1, ()))
    np.testing.assert_array_equal(Evaluate(images=5000).rows(factors, ()), np.arange(1000))
    assert Evaluate(images=5000).count(plugins.make("datasets", "dsprites_small", {})) == 4608


def test_by_default_all_images_are_measured_and_nothing_is_said():
    factors = np.zeros((7, 2), np.int64)
    np.testing.assert_array_equal(WHOLE.rows(factors, ("a", "b")), np.arange(7))
    assert WHOLE.text == ""
    assert Evaluate(stride={"a": 1}) == WHOLE
    assert "evaluate" not in json.loads(read_study(GOOD).text)
    for keys in PARTS:
        evaluate = Evaluate(**keys)
        assert read_evaluate(json.loads(evaluate.text)) == evaluate
    assert Evaluate(stride={"a": 2, "b": 1}) == Evaluate(stride={"a": 2})


def test_no_model_depends_on_it_and_what_comes_after_does():
    before = read_study(GOOD)
    first = before.first_pack("grid")
    for keys in PARTS:
        study = evaluated(**keys)
        assert [study.recipe(pack).text for pack in study.packs] == [
            before.recipe(pack).text for pack in before.packs
        ]
        recipe = study.recipe(first)
        for name in ("latents", "scores/mig"):
            other = expected.of_pack(recipe, name, study.evaluate)
            assert other != expected.of_pack(recipe, name)
            assert other["of"] == expected.of_pack(recipe, name)["of"]
        assert expected.audit(study, "grid") != expected.audit(before, "grid")
        assert expected.of_study(study, "scores") != expected.of_study(before, "scores")
        levels = (expected.of_dataset(of, "grid", "levels/mig") for of in (study, before))
        assert len({word["recipe"] for word in levels}) == (1 if "latents" in keys else 2)
        assert expected.images(study.dataset("grid")) == expected.images(before.dataset("grid"))


def test_files_of_before_are_known_by_the_same_words():
    """The digest of what they were made with, and of no key that they did not know."""
    study = read_study(GOOD)
    recipe = study.recipe(study.first_pack("grid"))
    for word, made in [
        (expected.of_pack(recipe, "latents", study.evaluate), recipe.setting),
        (expected.of_dataset(study, "grid", "levels/mig"), study.dataset("grid").rendering),
    ]:
        text = json.dumps(made, sort_keys=True).encode()
        assert word["recipe"] == hashlib.sha256(text).hexdigest()[:16]


HUGE = {"evaluate": {"stride": 40}}
MISTAKES = [
    ({"stride": {"hue": 2}}, "evaluate.stride names 'hue', which is no factor of a data set of"),
    ({"stride": 2, "images": 9}, "stride and images each choose a part of the images"),
    ({"stride": 0}, "evaluate.stride is 0; it should be at least 1"),
    ({"stride": 2.5}, "evaluate.stride is 2.5; it should be a whole number"),
    ({"stride": {"posX": "a"}}, "evaluate.stride.posX is 'a'; it should be a whole number"),
    ({"stride": {"posX": 0}}, "evaluate.stride.posX is 0; it should be at least 1"),
    ({"images": 1}, "evaluate.images is 1; it should be at least 2"),
    ({"latents": "float8"}, "evaluate.latents is 'float8'; it should be 'float32' or 'float16'"),
    ({"every": 2}, "evaluate: unknown key 'every'; the keys are stride, images, latents"),
]


@pytest.mark.parametrize(("evaluate", "words"), MISTAKES, ids=str)
def test_a_mistake_is_one_sentence(evaluate, words):
    with pytest.raises(UserError) as caught:
        evaluated(**evaluate)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stride_leaves_at_least_two_images():
    with pytest.raises(UserError, match="leaves 1 image of grid, and nothing to measure"):
        read_study(GOOD | HUGE)


def test_metrics_of_factors_need_one_that_varies():
    """SmallNORB has ten images of a combination."""
    norb = {"datasets": {"grid": {"of": "smallnorb"}}, "architecture": "conv_burgess2018"}
    with pytest.raises(UserError, match="leaves every factor of grid one class, and mig needs a"):
        read_study(GOOD | norb | HUGE)
    assert read_study(GOOD | norb | HUGE | {"metrics": ["elbo"]}).packs


def test_a_stride_is_of_grids_alone(tmp_path):
    path = tmp_path / "own.npz"
    factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1]])
    np.savez(path, images=np.zeros((5, 64, 64), np.uint8), factors=factors)
    own = {"datasets": {"grid": {"of": "npz", "path": str(path)}}}
    small = {"training": {"steps": 2, "batch_size": 2}}
    with pytest.raises(UserError, match="does not have an image of every combination of classes"):
        read_study(GOOD | own | small | {"evaluate": {"stride": 2}})
    assert read_study(GOOD | own | small | {"evaluate": {"images": 3}}).packs


def test_a_part_in_which_nothing_is_held_out_has_no_scores_of_it():
    held = {"grid": GOOD["datasets"]["grid"] | {"hold_out": {"posX": 2}}}
    of = GOOD | {"datasets": held, "metrics": ["mig", "held_out"]}
    assert read_study(of).metrics_on("grid") == ["mig", "held_out"]
    assert read_study(of | {"evaluate": {"images": 500}}).metrics_on("grid") == ["mig", "held_out"]
    with pytest.raises(UserError, match="metrics names held_out, which needs factors and"):
        read_study(of | {"evaluate": {"stride": 2}})


def test_jobs_ask_for_what_is_measured():
    study = read_study(changed("datasets/grid", {"of": "dsprites", "image_size": 32}))
    recipe, whole = study.recipe(study.first_pack("grid")), study.dataset("grid")
    part, half = Evaluate(images=1000), Evaluate(latents="float16")
    assert memory.encoded(recipe) == 737_280 * 4 * (2 * 6 + 1)
    assert memory.encoded(recipe, part) == 1000 * 4 * (2 * 6 + 1)
    assert memory.encoded(recipe, half) == 737_280 * (2 * 2 * 6 + 4)
    assert memory.encoding(recipe, part) < memory.encoding(recipe)
    assert memory.encoding(recipe, half) == memory.encoding(recipe)
    large = plugins.make("datasets", "mpi3d_toy", {})
    assert memory.measuring(whole, large, evaluate=part) == 4000 < memory.measuring(whole, large)
