"""The sizes of files that are foretold beside those of files that were written."""

from dataclasses import replace

import numpy as np
import pytest
from builders import studies
from builders.packs import tiny

from disentbench import plugins
from disentbench.storage import images_file, latents_file
from disentbench.storage.images import Images
from disentbench.storage.latents_file import Encoded
from disentbench.workflow import file_sizes, memory
from disentbench.workflow.values import given


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A study whose images, models and latents are there, and where."""
    of, folder = studies.made(), tmp_path_factory.mktemp("written")
    studies.trained(folder, of)
    return of, folder / of.study


def test_models_and_latents_take_what_is_foretold(written):
    """To within three kilobytes: these files do not say what they are, those of a study do."""
    of, folder = written
    for pack in of.packs:
        recipe = of.recipe(pack)
        count = recipe.dataset.size
        for name, told in (
            ("model.pt", file_sizes.model(recipe)),
            ("latents.h5", file_sizes.latents(recipe, count, 4)),
        ):
            assert (folder / pack.path / name).stat().st_size == pytest.approx(told, abs=3000)


def test_images_take_what_is_foretold(written, tmp_path):
    of, folder = written
    told = file_sizes.images(of.dataset("tiny"))
    assert (folder / "tiny/images.h5").stat().st_size == pytest.approx(told, abs=2000)
    rooms = plugins.make("datasets", "rooms3d", ROOMS)
    images_file.write_images(rooms.images(), tmp_path / "rooms.h5", {})
    told = file_sizes.images(rooms)
    assert (tmp_path / "rooms.h5").stat().st_size == pytest.approx(told, abs=3000)


ROOMS = {"image_size": 16} | {
    **{f"{part}_hue": {"stride": 5} for part in ("floor", "wall", "object")},
    **{"scale": [0, 7], "orientation": {"stride": 7}},
}


def of_runs(runs):
    """A pack with a discrete group and so many seeds."""
    recipe = tiny("hfvae")
    return replace(recipe, pack=replace(recipe.pack, first=0, last=runs - 1))


def size_of_latents(path, runs, images=10):
    """The bytes of a file of so many runs, three latents and a group of three classes."""
    factors = np.zeros((images, 5), np.int64)
    values = np.zeros((images, 3), np.float32)
    encoded = (
        Encoded(seed, values, values, {"shape": values}, values[:, 0], False)
        for seed in range(runs)
    )
    bits, classes = np.zeros((images, 8), np.uint8), (np.zeros(1),) * 5
    source = Images("a", "a", (1, 8, 8), factors, tuple("abcde"), classes, bits)
    facts = {"identity": {}, "groups": {}, "provenance": {}}
    latents_file.write_latents(path, encoded, source, **facts)
    return path.stat().st_size


@pytest.mark.parametrize("runs", [2, 64, 65, 130])
def test_latents_grow_by_runs_and_the_trees_that_find_them(tmp_path, runs):
    """To the byte, beside a file of one run: what there is once is alike."""
    grown = size_of_latents(tmp_path / "many.h5", runs) - size_of_latents(tmp_path / "one.h5", 1)
    told = [file_sizes.latents(of_runs(n), 10, 4) for n in (1, runs)]
    assert told[1] - told[0] == grown


@pytest.mark.parametrize("steps", [1, 7, 99, 100, 101, 199, 200, 250, 800, 12_345])
def test_a_history_has_the_rows_that_a_training_logs(steps):
    """A row ends at each hundredth of the steps and at the last: see State.advance."""
    ends = [step for step in range(1, steps + 1) if step % max(1, steps // 100) == 0]
    assert file_sizes.history_rows(steps) == len({*ends, steps})


def test_a_critic_is_not_in_the_model_and_its_loss_is_in_the_history():
    with_critic, without = tiny("factor_vae"), tiny("vae")
    assert file_sizes.model(with_critic) == file_sizes.model(without)
    assert memory.of_recipe(with_critic).parameters > memory.of_model(with_critic).parameters
    assert file_sizes.history(with_critic) > file_sizes.history(without)


def test_what_a_metric_gives_is_read_as_it_is_written():
    """Of every metric that writes its values out."""
    counted = {name: sum(given(name)) for name in plugins.names("metrics")}
    there = {name: len(plugins.load("metrics", name).values) for name in counted}
    assert counted["decomposition"] == there["decomposition"] == 2 * given("decomposition").errors
    differing = {name for name in counted if counted[name] != there[name]}
    assert differing <= {"held_out"}  # whose values are computed
