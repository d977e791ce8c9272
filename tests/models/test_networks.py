"""Architectures: shapes, starts and what the papers' tables say."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from builders.packs import tiny
from torch import nn
from torch.func import vmap

from disentbench import plugins
from disentbench.architectures import Conv, Deconv, Dense, Layer, LeakyReLU, ReLU, Reshape, Tanh
from disentbench.likelihoods.bernoulli import Bernoulli
from disentbench.models import layers, packed
from disentbench.models.vae import VAE, Noise, relaxed, sample, vae_of

SHAPES = [(1, 64, 64), (3, 64, 64), (1, 32, 32)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", plugins.names("architectures"))
def test_images_in_pixel_logits_out(name, shape):
    model = VAE(plugins.load("architectures", name)(), shape, 5, {"shape": 3}, Bernoulli())
    parameters = model.initialise(np.random.default_rng(0))
    x = torch.rand(2, *shape)
    posterior = model.encode(parameters, x)
    assert posterior.mean.shape == posterior.logvar.shape == (2, 5)
    assert posterior.logits["shape"].shape == (2, 3)
    noise = Noise(torch.randn(2, 5), torch.randn(2, 3))
    z, code = sample(posterior, noise, temperature=0.5)
    assert z.shape == (2, 5)
    assert model.decode(parameters, code).shape == x.shape


LOCATELLO = (
    # all but the encoder's third and fourth convolution, whose biases are here
    16 * 32 + 16 * 32 * 32 + 192
    + 1024 * 256 + 256 + 256 * 20 + 20 + 10 * 256 + 256 + 256 * 1024 + 1024
    + 16 * 64 * 64 + 16 * 64 * 32 + 16 * 32 * 32 + 16 * 32 + 64 + 32 + 32 + 1
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        # weights and biases by hand, for 64 x 64 x 1 and 10 latents: from the papers' tables, but
        # of the study of 2019 from its code, where the last kernels are of 2, and from its table
        ("mlp_chen2018", {}, 4096 * 1200 + 1200 * 1200 + 1200 * 20 + 2 * 1200 + 20
         + 10 * 1200 + 2 * 1200 * 1200 + 1200 * 4096 + 3 * 1200 + 4096),
        ("conv_locatello2019", {}, LOCATELLO + 4 * 32 * 64 + 4 * 64 * 64),
        ("conv_locatello2019", {"last_kernels": 4}, LOCATELLO + 16 * 32 * 64 + 16 * 64 * 64),
        ("conv_burgess2018", {}, 16 * 32 + 3 * 16 * 32 * 32 + 128 + 512 * 256 + 256 * 256 + 512
         + 256 * 20 + 20 + 10 * 256 + 256 * 256 + 256 * 512 + 256 + 256 + 512
         + 3 * 16 * 32 * 32 + 16 * 32 + 96 + 1),
    ],
)  # fmt: skip
def test_parameters_are_as_many_as_the_paper_has(name, options, size):
    model = VAE(plugins.load("architectures", name)(**options), (1, 64, 64), 10, {}, Bernoulli())
    parameters = model.initialise(np.random.default_rng(0))
    assert sum(p.numel() for p in parameters.values()) == size
    assert model.encode(parameters, torch.rand(2, 1, 64, 64)).mean.shape == (2, 10)


@pytest.mark.parametrize(
    ("layer", "shape", "torchs"),
    [
        (Dense(7), (5,), nn.Linear(5, 7)),
        (Conv(7, 4, 2), (5, 8, 8), nn.Conv2d(5, 7, 4, 2, 1)),
        (Conv(7, 2, 2), (5, 8, 8), nn.Conv2d(5, 7, 2, 2)),
        (Deconv(7, 4, 2), (5, 8, 8), nn.ConvTranspose2d(5, 7, 4, 2, 1)),
    ],
)
def test_layers_are_torchs_own(layer, shape, torchs):
    """The same output, the same shapes, and a start in the same range."""
    parameters = layers.initialise((layer,), shape, np.random.default_rng(0), "layer")
    weight, bias = parameters["layer.0.weight"], parameters["layer.0.bias"]
    assert weight.shape == torchs.weight.shape
    assert weight.abs().max() == pytest.approx(torchs.weight.abs().max().item(), rel=0.3)
    torchs.weight.data, torchs.bias.data = weight, bias
    x = torch.randn(3, *shape)
    out = layers.apply((layer,), parameters, x, "layer")
    torch.testing.assert_close(out, torchs(x))
    assert out.shape[1:] == layer.out_shape(shape)


@pytest.mark.parametrize(
    ("layer", "shape", "fans"),
    [
        (Dense(300), (500,), 500 + 300),
        (Conv(7, 4, 2), (5, 8, 8), 16 * 5 + 16 * 7),
        (Conv(64, 2, 2), (32, 8, 8), 4 * 32 + 4 * 64),
        (Deconv(7, 4, 2), (5, 8, 8), 16 * 5 + 16 * 7),
    ],
)
def test_glorots_weights_are_uniform_within_his_bound_and_biases_nought(layer, shape, fans):
    """So of variance 2 / (fan in + fan out); torch draws them in the same range."""
    start = layers.initialise((layer,), shape, np.random.default_rng(0), "layer", "glorot")
    weight, bound = start["layer.0.weight"], (6 / fans) ** 0.5
    assert 0.98 * bound < weight.abs().max() <= bound * (1 + 1e-6)
    assert weight.mean() == pytest.approx(0, abs=4 * bound * (3 * weight.numel()) ** -0.5)
    assert weight.var() == pytest.approx(2 / fans, rel=0.15)
    assert torch.equal(start["layer.0.bias"], torch.zeros(layer.out_shape(shape)[0]))
    torchs = nn.init.xavier_uniform_(torch.empty(weight.shape))
    assert weight.abs().max() == pytest.approx(torchs.abs().max().item(), rel=0.03)


@pytest.mark.parametrize("initialisation", ["torch", "glorot"])
def test_a_model_begins_as_its_training_says(initialisation):
    """In its encoder and its decoder: of all parameters Glorot's biases alone are nought."""
    model = vae_of(tiny(architecture="conv_burgess2018", initialisation=initialisation))
    parameters = model.initialise(np.random.default_rng(0))
    nought = {name for name, p in parameters.items() if not p.any()}
    biases = {name for name in parameters if name.endswith("bias")}
    assert nought == (biases if initialisation == "glorot" else set())


@pytest.mark.parametrize("able", [False, True])
def test_bf16_is_float32_of_rounded_numbers_rounded(able, monkeypatch):
    """Where the processor multiplies bf16, PyTorch does; elsewhere it is computed in float32."""
    monkeypatch.setattr(layers, "multiplies_bf16", lambda: able)
    for layer, shape in [
        (Dense(7), (5,)),
        (Conv(7, 4, 2), (5, 8, 8)),
        (Deconv(7, 4, 2), (5, 8, 8)),
    ]:
        start = layers.initialise((layer,), shape, np.random.default_rng(0), "layer")
        rounded = {name: p.bfloat16().float() for name, p in start.items()}
        x = torch.randn(3, *shape).bfloat16()
        out = layers.apply((layer,), start, x, "layer")
        assert out.dtype == torch.bfloat16
        expected = layers.apply((layer,), rounded, x.float(), "layer")
        torch.testing.assert_close(out.float(), expected, rtol=2**-7, atol=2**-8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_an_image_is_the_librarys_transposed_convolution(channels):
    """Of few channels it is computed in another way; gradients are the same, too."""
    layer, torchs = Deconv(channels, 4, 2), nn.ConvTranspose2d(6, channels, 4, 2, 1)
    weight, bias = torchs.weight, torchs.bias
    x = torch.randn(3, 6, 4, 5, requires_grad=True)
    ours = layers.apply((layer,), {"layer.0.weight": weight, "layer.0.bias": bias}, x, "layer")
    theirs, g = torchs(x), torch.randn(3, channels, 8, 10)
    torch.testing.assert_close(ours, theirs)
    found, expected = (torch.autograd.grad(y, [x, weight, bias], g) for y in (ours, theirs))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_what_a_layer_is_given_is_left_as_it_is():
    """A ReLU is computed in place only of what a layer before it has made."""
    x = torch.randn(3, 5)
    before = x.clone()
    layers.apply((LeakyReLU(), Reshape((5,)), LeakyReLU()), {}, x, "layer")
    assert torch.equal(x, before)
    out = layers.apply((ReLU(), Reshape((5,)), ReLU(), Tanh(), ReLU()), {}, x, "layer")
    torch.testing.assert_close(out, before.relu().tanh())
    assert torch.equal(x, before)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, 1.0])
def test_a_leaky_relu_is_torchs(slope):
    """First and behind another, for all members and for one; its gradients, too."""
    network = (LeakyReLU(slope), Dense(7), LeakyReLU(slope))
    leaky, dense = nn.LeakyReLU(slope), nn.Linear(5, 7)
    parameters = {"net.1.weight": dense.weight, "net.1.bias": dense.bias}
    x, g = torch.randn(3, 4, 5, requires_grad=True), torch.randn(3, 4, 7)

    def ours(x):
        return layers.apply(network, parameters, x, "net")

    leaves = [x, dense.weight, dense.bias]
    theirs = leaky(dense(leaky(x)))
    expected = torch.autograd.grad(theirs, leaves, g)
    for out in (vmap(ours)(x), torch.stack([ours(member) for member in x])):
        torch.testing.assert_close(out, theirs)
        torch.testing.assert_close(torch.autograd.grad(out, leaves, g), expected)


def test_a_leaky_relu_has_its_slope_below_nought():
    x = torch.tensor([-10.0, -1.0, 0.0, 3.0])
    torch.testing.assert_close(LeakyReLU()(x), torch.tensor([-2.0, -0.2, 0.0, 3.0]))
    torch.testing.assert_close(LeakyReLU(0.01)(x), torch.tensor([-0.1, -0.01, 0.0, 3.0]))


@dataclass(frozen=True)
class Square(Layer):
    def __call__(self, x):
        return x**2


@dataclass(frozen=True)
class ChannelMean(Layer):
    """The mean of a channel, times its weight and with its bias."""

    def out_shape(self, shape):
        return shape[:1]

    def weight_shape(self, shape):
        return (shape[0], 1)

    def __call__(self, x, weight, bias):
        return x.mean((2, 3)) * weight[:, 0] + bias


@pytest.mark.parametrize("apply", [layers.apply, packed.apply])
def test_a_layer_is_one_class(apply):
    """Whoever writes it, in whatever file: one without a weight, one with a weight."""
    network, shape = (Square(), ChannelMean(), ReLU(), Square()), (3, 4, 4)
    parameters = layers.initialise(network, shape, np.random.default_rng(0), "net")
    weight, bias = parameters["net.1.weight"], parameters["net.1.bias"]
    assert len(parameters) == 2
    assert (weight.shape, bias.shape) == ((3, 1), (3,))
    x = torch.randn(2, 5, *shape)
    out = vmap(lambda x: apply(network, parameters, x, "net"))(x)
    expected = ((x**2).mean((3, 4)) * weight[:, 0] + bias).relu() ** 2
    torch.testing.assert_close(out, expected)


def test_layers_are_plain_data_without_torch():
    """What a study says can be read where torch is not, or in a moment."""
    code = (
        "import sys; from disentbench import plugins;"
        "made = [plugins.load('architectures', n)() for n in plugins.names('architectures')];"
        "assert all(a.encoder() and a.decoder((1, 64, 64)) for a in made);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_image_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="20x20 do not fit; their sides must be multiples of 16"):
        plugins.load("architectures", "conv_locatello2019")().check((1, 20, 20))


def test_concrete_samples_follow_their_class_probabilities():
    rng = np.random.default_rng(0)
    logp = torch.tensor([0.2, 0.3, 0.5]).log()
    perturbed = logp + torch.from_numpy(rng.gumbel(size=(20_000, 3))).float()
    drawn = relaxed(perturbed, 0.0)
    assert drawn.mean(0).tolist() == pytest.approx([0.2, 0.3, 0.5], abs=0.015)
    assert relaxed(perturbed, 0.01).round().eq(drawn).float().mean() > 0.99
    torch.testing.assert_close(relaxed(perturbed, 5.0).sum(1), torch.ones(20_000))
