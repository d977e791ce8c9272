"""The convolutions of a pack at once are the library's: on Triton's interpreter, without a GPU."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import vmap

if torch.cuda.is_available():
    pytest.skip("a GPU computes with the kernels in tests/gpu", allow_module_level=True)
os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported
pytest.importorskip("triton")

import triton.language as tl
from builders.packs import tiny
from builders.training import run
from triton.runtime.interpreter import InterpreterBuilder

from disentbench import plugins
from disentbench.architectures import Conv, Deconv, Dense, LeakyReLU, ReLU, Reshape, Tanh
from disentbench.likelihoods.bernoulli import Bernoulli
from disentbench.models import _kernels, layers, packed
from disentbench.models.vae import VAE
from disentbench.training import loop, replay

CPU = torch.device("cpu")
BITS = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
SIZES = [  # members, images, height, width, channels of the large and of the small image
    (1, 1, 1, 1, 1, 32),
    (2, 3, 2, 2, 32, 3),
    (3, 5, 3, 2, 3, 1),
    (2, 1, 5, 7, 1, 3),
    (1, 7, 4, 4, 32, 32),
]


@pytest.fixture(autouse=True)
def products_of_bfloat16(monkeypatch):
    """The interpreter multiplies their bits; a GPU multiplies them exactly, and sums in float32."""
    create_dot = InterpreterBuilder.create_dot

    def of_float32(builder, a, b, *rest):
        a, b = (
            builder.cast_impl(x, tl.float32) if x.dtype.scalar == tl.bfloat16 else x for x in (a, b)
        )
        return create_dot(builder, a, b, *rest)

    monkeypatch.setattr(InterpreterBuilder, "create_dot", of_float32)


def assert_near(ours, theirs, tolerance):
    assert ours.shape == theirs.shape
    assert (ours.double() - theirs).norm() <= tolerance * theirs.norm()


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("kernel", [2, 4])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_kernels_are_the_librarys_convolutions(size, kernel, dtype):
    members, images, height, width, b, s = size
    rng, pad = torch.Generator().manual_seed(0), (kernel - 2) // 2

    def draw(*shape):
        return torch.randn(members, *shape, generator=rng).to(dtype)

    large, small = draw(images, 2 * height, 2 * width, b), draw(images, height, width, s)
    weight, of_large, of_small = draw(s, b, kernel, kernel), draw(b), draw(s)
    down, rectified = (_kernels.down(large, weight, of_small, relu=relu) for relu in (False, True))
    up, masked = (_kernels.up(small, weight, of_large, positive=x) for x in (None, large))
    of_weight = _kernels.of_weight(small, large, kernel)
    for m in range(members):
        x, y = (images[m].double().movedim(-1, 1) for images in (large, small))
        w, of_x, of_y = (values[m].double() for values in (weight, of_large, of_small))
        reduced = F.conv2d(x, w, of_y, 2, pad).movedim(1, -1)
        grown = F.conv_transpose2d(y, w, of_x, 2, pad).movedim(1, -1)
        assert_near(down[m], reduced, BITS[dtype])
        assert_near(rectified[m], reduced.relu(), BITS[dtype])
        assert_near(up[m], grown, BITS[dtype])
        assert_near(masked[m], grown * (large[m] > 0), BITS[dtype])
        by_weight = torch.nn.grad.conv2d_weight(x, w.shape, y, 2, pad)
        assert_near(of_weight[m], by_weight, BITS[torch.float32])


# What `apply` may meet beside the architectures: convolutions that the kernels do not compute, a
# ReLU that is alone, first or last, and another activation, which the kernels do not compute.
ODD = {
    "a kernel of 3": (Conv(3, 3, 1), ReLU(), Conv(4, 4, 2), ReLU(), Conv(2, 3, 1), ReLU()),
    "a stride of 1": (ReLU(), Deconv(3, 4, 2), ReLU(), Deconv(2, 1, 1), Tanh(), Deconv(1, 2, 2)),
    "two side by side": (Conv(4, 2, 2), Conv(3, 4, 2), ReLU(), ReLU(), Deconv(2, 4, 2), ReLU()),
    "a leaky ReLU": (Conv(4, 4, 2), LeakyReLU(), Conv(3, 2, 2), ReLU(), Deconv(2, 4, 2)),
    "dense between": (Conv(4, 4, 2), Reshape((-1,)), Dense(4), Reshape((1, 2, 2)), Deconv(1, 4, 2)),
}
SMALL = {"mlp_chen2018": {"hidden": 8}}
NETWORKS = {name: (network, (3, 4, 4)) for name, network in ODD.items()}
for name in plugins.names("architectures"):
    made = plugins.load("architectures", name)(**SMALL.get(name, {"channels": 4, "hidden": 8}))
    NETWORKS |= {f"{name}, encoder": (made.encoder(), (1, 16, 16))}
    NETWORKS |= {f"{name}, decoder": (made.decoder((3, 16, 16)), (5,))}


def outcome(apply, network, parameters, x):
    """The output of all members, and the gradients by all that it is made from."""
    parameters = {name: p.clone().requires_grad_() for name, p in parameters.items()}
    x = x.clone().requires_grad_()
    out = vmap(lambda parameters, x: apply(network, parameters, x, "net"))(parameters, x)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(2)).to(out.dtype)
    leaves = [x, *parameters.values()]
    return [out.detach(), *torch.autograd.grad(out, leaves, gradient)]


def stacked(network, shape, members):
    drawn = [
        layers.initialise(network, shape, np.random.default_rng(i), "net") for i in range(members)
    ]
    return {name: torch.stack([p[name] for p in drawn]) for name in drawn[0]}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_all_members_is_the_librarys(name):
    (network, shape), members = NETWORKS[name], 3
    parameters = stacked(network, shape, members)
    x = torch.randn(members, 3, *shape, generator=torch.Generator().manual_seed(1))
    ours = outcome(packed.apply, network, parameters, x)
    theirs = outcome(layers.apply, network, parameters, x.double())
    for values, exact in zip(ours, theirs, strict=True):
        assert_near(values, exact, 1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_member_alone_is_left_to_the_library(name):
    network, shape = NETWORKS[name]
    alone = layers.initialise(network, shape, np.random.default_rng(0), "net")
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    ours, theirs = (apply(network, alone, x, "net") for apply in (packed.apply, layers.apply))
    assert torch.equal(ours, theirs)


def test_what_all_members_share_is_computed_for_each():
    """One batch for all, or one set of parameters."""
    network, shape = NETWORKS["two side by side"]
    parameters = stacked(network, shape, 2)
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    alone = {name: p[0] for name, p in parameters.items()}
    for places, inputs in (((0, None), (parameters, x)), ((None, 0), (alone, x[None]))):
        ours, theirs = (
            vmap(lambda p, x, apply=apply: apply(network, p, x, "net"), places)(*inputs)
            for apply in (packed.apply, layers.apply)
        )
        torch.testing.assert_close(ours, theirs)


# The test that the kernels must stand before they are used.


def small(name, dtype=torch.float32):
    options = SMALL.get(name, {"channels": 4, "hidden": 8})
    return VAE(
        plugins.load("architectures", name)(**options),
        (1, 16, 16),
        3,
        {"shape": 2},
        Bernoulli(),
        dtype,
    )


@pytest.fixture
def present(monkeypatch):
    monkeypatch.setattr(packed, "available", lambda device: True)
    monkeypatch.setattr(packed, "IMAGES", 2)


CONVOLUTIONAL = [name for name in plugins.names("architectures") if name.startswith("conv")]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, torch.float32) for name in CONVOLUTIONAL), (CONVOLUTIONAL[-1], torch.bfloat16)],
)
def test_sound_kernels_are_used(name, dtype, present, recwarn):
    assert packed.apply_for(small(name, dtype), CPU) is packed.apply
    assert not recwarn


def test_kernels_are_for_gpus_and_convolutions(monkeypatch):
    assert packed.apply_for(small("conv_burgess2018"), CPU) is layers.apply
    assert packed.available(torch.device("cuda"))
    assert packed.apply_for(small("mlp_chen2018"), torch.device("cuda")) is layers.apply
    monkeypatch.setattr(packed, "kernels", lambda: __import__("no_triton_here"))
    assert not packed.available(torch.device("cuda"))


def tenfold_precision_lost(x):
    """As TF32 has it: ten bits of the mantissa."""
    return (x.view(torch.int32) & -(1 << 13)).view(torch.float32)


BREAKS = {
    "TF32": lambda convolve: (
        lambda x, *rest, **options: convolve(tenfold_precision_lost(x), *rest, **options)
    ),
    "one number is none": lambda convolve: (
        lambda *arguments, **options: convolve(*arguments, **options).index_fill(
            -1, torch.tensor([0]), torch.nan
        )
    ),
    "members mixed": lambda convolve: (
        lambda *arguments, **options: convolve(*arguments, **options).flip(0)
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("kernel", ["down", "up", "of_weight"])
def test_broken_kernels_are_refused(kernel, fault, present, monkeypatch):
    monkeypatch.setattr(_kernels, kernel, BREAKS[fault](getattr(_kernels, kernel)))
    with pytest.warns(UserWarning, match="they give other numbers"):
        assert packed.apply_for(small("conv_burgess2018"), CPU) is layers.apply


def test_kernels_that_fail_are_refused(present, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("out of resource: shared memory\nRequired: 1")

    monkeypatch.setattr(_kernels, "up", fail)
    with pytest.warns(UserWarning, match=r"\(RuntimeError: out of resource: shared memory\)"):
        assert packed.apply_for(small("conv_burgess2018"), CPU) is layers.apply


@pytest.mark.slow
def test_a_pack_trains_by_the_kernels_as_by_the_library(present, tmp_path, monkeypatch):
    """Recorded as on a GPU, by what makes the step again."""
    recipe = tiny("vae", "conv_burgess2018", seeds="0-1", steps=2, batch_size=3)
    images, model = recipe.dataset.images(), replace(small("conv_burgess2018"), discrete={})
    monkeypatch.setattr(loop, "vae_of", lambda recipe: model)
    monkeypatch.setitem(replay.RECORDERS, "cpu", lambda step: step)
    ours = run(recipe, images, tmp_path / "kernels", vectorise=True)
    monkeypatch.setattr(packed, "available", lambda device: False)
    theirs = run(recipe, images, tmp_path / "library", vectorise=True)
    for term in theirs.history.columns[2:]:
        np.testing.assert_allclose(ours.history[term], theirs.history[term], rtol=1e-4, atol=1e-4)
    assert not ours.history.equals(theirs.history)
