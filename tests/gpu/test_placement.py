"""Every tensor lies where it is computed with, shown on a device that computes nothing.

PyTorch's meta device stands in for a GPU: whatever is computed there has a shape and no values.
"""

import pytest
import torch
from builders.packs import GRID, SETTINGS, tiny
from torch.optim import optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from disentbench import plugins
from disentbench.models.device_images import Resident
from disentbench.models.model_file import Saved
from disentbench.models.vae import vae_of
from disentbench.training import loop
from disentbench.training.encode import encode

AWAY, HOST = torch.device("meta"), torch.device("cpu")
COPIES = (torch.ops.aten._to_copy, torch.ops.aten.to)
VALUE, FUSED_ADAM = torch.ops.aten._local_scalar_dense, torch.ops.aten._fused_adam_


class OneDevice(TorchDispatchMode):
    """Refuses an operation between tensors of two devices, but for what moves them.

    What is fetched to the host is ones or False, and what is asked for as a number is nought.
    """

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs, packet = kwargs or {}, operation.overloadpacket
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        devices = {x.device for x in tensors if x.dim() or packet is FUSED_ADAM}
        if packet in COPIES and AWAY in devices and kwargs.get("device") == HOST:
            dtype = kwargs.get("dtype") or args[0].dtype
            return torch.full(args[0].shape, dtype.is_floating_point, dtype=dtype)
        if packet is VALUE and tensors[0].device == AWAY:
            return 0
        if packet not in COPIES and len(devices) > 1:
            raise AssertionError(f"{operation} has operands on {devices}")
        return None if packet is FUSED_ADAM else operation(*args, **kwargs)


@pytest.fixture
def away(monkeypatch):
    """The mode, and Adam's fused step let through to it."""
    supported = [*optimizer._get_fused_kernels_supported_devices(), AWAY.type]
    monkeypatch.setattr(optimizer, "_get_fused_kernels_supported_devices", lambda: supported)
    with OneDevice() as mode:
        yield mode


def test_operands_on_two_devices_are_refused(away):
    with pytest.raises(AssertionError, match="has operands on"):
        torch.ones(2, device=AWAY) + torch.ones(2)


STUDIES = [
    *((objective, "mlp_chen2018", "0-2") for objective in plugins.names("objectives")),
    *(("hfvae", architecture, "0-2") for architecture in plugins.names("architectures")),
    ("hfvae", "mlp_chen2018", "0"),
]


@pytest.mark.parametrize(("objective", "architecture", "seeds"), dict.fromkeys(STUDIES))
def test_training_and_encoding_stay_on_the_device(objective, architecture, seeds, away, tmp_path):
    """Killed after two steps and resumed, so that a checkpoint is read back, too."""

    def kill(seeds, step, loss):
        if step == 2:
            raise InterruptedError

    recipe = tiny(objective, architecture, seeds, steps=3, precision="bf16")
    images, pack = recipe.dataset.images(), recipe.pack
    options = {"vectorise": True, "seconds_between_checkpoints": 0.0}
    with pytest.raises(InterruptedError):
        loop.train(recipe, images, AWAY, tmp_path, report=kill, **options)
    trained = loop.train(recipe, images, AWAY, tmp_path, **options)
    assert [origin["from_step"] for origin in trained.origins] == [0]
    assert {p.device for p in (*trained.parameters.values(), trained.failed)} == {HOST}
    saved = Saved("", trained.parameters, trained.failed, [])
    (*runs,) = encode(vae_of(recipe), saved, Resident(images, AWAY), pack.seeds, AWAY)
    assert runs[-1].mean.shape == (len(images), recipe.latents)


RENDERED = [name for name in plugins.names("datasets") if plugins.load("datasets", name).renders]


@pytest.mark.parametrize("name", RENDERED)
def test_what_is_rendered_is_rendered_on_the_device(name, away, tmp_path):
    recipe = tiny("vae", dataset=GRID | {"of": name}, steps=1)
    images = recipe.dataset.images()
    trained = loop.train(recipe, images, AWAY, tmp_path, vectorise=True)
    saved = Saved("", trained.parameters, trained.failed, [])
    resident = Resident(images, AWAY, recipe.dataset)
    (*runs,) = encode(vae_of(recipe), saved, resident, recipe.pack.seeds, AWAY)
    assert runs[-1].mean.shape == (len(images), recipe.latents)


@pytest.mark.parametrize("name", plugins.names("likelihoods"))
def test_every_likelihood_stays_on_the_device(name, away, tmp_path):
    learned = {"scale": "learned"} if name == "gaussian" else {}
    recipe = tiny("vae", likelihood={"of": name} | learned, steps=1)
    loop.train(recipe, recipe.dataset.images(), AWAY, tmp_path, vectorise=True)


@pytest.mark.parametrize("estimator", ["mws", "mss", "hfvae"])
def test_every_estimator_stays_on_the_device(estimator, away, tmp_path, monkeypatch):
    monkeypatch.setitem(SETTINGS, "beta_tcvae", {"beta": 3, "estimator": estimator})
    recipe = tiny("beta_tcvae", steps=1)
    loop.train(recipe, recipe.dataset.images(), AWAY, tmp_path, vectorise=True)
