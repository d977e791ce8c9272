"""A GPU shows a model the images that a CPU shows it, rendered or not, resident or carried over."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from builders.on_gpu import ON_A_GPU, has_graph, pack
from builders.packs import GRID, tiny

from disentbench import plugins
from disentbench.models import device_images
from disentbench.models.device_images import Resident

CPU = torch.device("cpu")
RENDERED = [name for name in plugins.names("datasets") if plugins.load("datasets", name).renders]


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


@pytest.mark.parametrize("name", RENDERED)
def test_what_is_rendered_is_the_same_on_the_device(name, device):
    dataset = plugins.make("datasets", name, GRID | {"of": name})
    there, here = (Resident(dataset.images(), place, dataset) for place in (device, CPU))
    index = torch.tensor([[3, 0, 5], [70, 3, 1]])
    torch.testing.assert_close(there[index.to(device)].cpu(), here[index], rtol=0, atol=1e-6)


@ON_A_GPU
@pytest.mark.parametrize("likelihood", ["laplace", {"of": "gaussian", "scale": "learned"}])
@pytest.mark.parametrize("name", RENDERED)
@pytest.mark.filterwarnings("error:the (steps|fast convolutions)")
def test_whatever_is_rendered_has_a_graph(name, likelihood, device):
    recipe = tiny(dataset=GRID | {"of": name}, likelihood=likelihood)
    assert has_graph(recipe, device, recipe.dataset.images())


@ON_A_GPU
def test_images_that_a_gpu_has_no_room_for_are_carried_over(device, images, tmp_path, monkeypatch):
    recipe = tiny(steps=70)
    there = pack(recipe, images, tmp_path / "there", device)
    monkeypatch.setattr(device_images, "fits", lambda size, device: False)
    carried = pack(recipe, images, tmp_path / "carried", device)
    for name, values in there.parameters.items():
        assert torch.equal(carried.parameters[name], values)


@pytest.mark.parametrize("kind", ["bits", "pixels"])
def test_images_are_the_same_on_the_device(kind, device, images):
    if kind == "pixels":
        shades = np.random.default_rng(0).integers(0, 256, (len(images), 16, 16, 1), np.uint8)
        images = replace(images, bits=None, pixels=shades)
    index = torch.tensor([[3, 0, 5], [70, 3, 1]])
    expected = Resident(images, CPU)[index]
    assert torch.equal(Resident(images, device)[index.to(device)].cpu(), expected)
