"""Every file of likelihoods/ against PyTorch's own distributions, and what all have in common."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Laplace, Normal
from torch.func import grad, vmap

from disentbench.likelihoods import Likelihood
from disentbench.plugins import load, make, names

NAMES = names("likelihoods")
SHAPE = (3, 4, 6)
SOFTPLUS = nn.functional.softplus
CASES = {
    "bernoulli": ("bernoulli", {}, lambda o: Bernoulli(logits=o, validate_args=False)),
    "gaussian": ("gaussian", {}, lambda o: Normal(o.sigmoid(), 0.1)),
    "gaussian 0.3": ("gaussian", {"scale": 0.3}, lambda o: Normal(o.sigmoid(), 0.3)),
    "gaussian learned": (
        "gaussian",
        {"scale": {"learned_above": 0.05}},
        lambda o: Normal(o[:, :3].sigmoid(), 0.05 + SOFTPLUS(o[:, 3:])),
    ),
    "laplace": ("laplace", {}, lambda o: Laplace(o.sigmoid(), 0.1)),
    "laplace 2": ("laplace", {"scale": 2}, lambda o: Laplace(o.sigmoid(), 2.0)),
}


def drawn(name, images=5):
    """A likelihood, the decoder's output, images in [0, 1], and the distribution."""
    file, options, distribution = CASES[name]
    likelihood = make("likelihoods", file, options)
    rng = torch.Generator().manual_seed(0)
    shape = likelihood.outputs * SHAPE[0], *SHAPE[1:]
    output = 2 * torch.randn(images, *shape, generator=rng, dtype=torch.float64)
    return likelihood, output, torch.rand(images, *SHAPE, generator=rng).double(), distribution


def test_there_is_a_case_of_every_file():
    assert {file for file, *_ in CASES.values()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name):
    likelihood = load("likelihoods", name)
    assert issubclass(likelihood, Likelihood)
    assert likelihood.label
    assert likelihood.reference


@pytest.mark.parametrize("name", CASES)
def test_the_distortion_is_minus_the_log_likelihood_in_nats(name):
    likelihood, output, images, distribution = drawn(name)
    expected = -distribution(output).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(likelihood.distortion(output, images), expected)


@pytest.mark.parametrize("name", CASES)
def test_its_gradient_is_that_of_its_definition(name):
    likelihood, output, images, distribution = drawn(name)
    output.requires_grad_()
    weights = torch.linspace(-2, 1, len(images), dtype=torch.float64)
    plain = -distribution(output).log_prob(images).sum((1, 2, 3)) @ weights
    (expected,) = torch.autograd.grad(plain, output)
    (found,) = torch.autograd.grad(likelihood.distortion(output, images) @ weights, output)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", CASES)
def test_a_pack_has_the_gradients_of_its_members(name):
    likelihood, output, images, _ = drawn(name, images=6)
    output, images = (x.view(2, 3, *x.shape[1:]) for x in (output, images))
    gradient = grad(lambda o, x: likelihood.distortion(o, x).sum())
    expected = torch.stack([gradient(o, x) for o, x in zip(output, images, strict=True)])
    torch.testing.assert_close(vmap(gradient)(output, images), expected)


@pytest.mark.parametrize("name", CASES)
def test_the_mean_is_that_of_the_distribution(name):
    likelihood, output, images, distribution = drawn(name)
    found = likelihood.mean(output)
    assert found.shape == images.shape
    torch.testing.assert_close(found, distribution(output).mean)


@pytest.mark.parametrize("name", CASES)
def test_the_least_of_a_density_is_that_of_what_is_decoded_exactly(name):
    likelihood, output, _, distribution = drawn(name)
    least, more = likelihood.ends(math.prod(SHAPE))
    if name == "bernoulli":
        assert (least, more) == (0, 0)
        return
    narrow = torch.cat([output[:, :3], torch.full_like(output[:, 3:], -1e4)], dim=1)
    exact = distribution(narrow)
    expected = -exact.log_prob(exact.mean).sum((1, 2, 3))
    torch.testing.assert_close(torch.full_like(expected, least), expected)
    assert more == pytest.approx(math.prod(SHAPE) * math.log(2))


def test_the_best_scale_of_a_gaussian_is_the_error():
    """Learned, it ends there: the derivative by the scale is nought where s^2 = (x - m)^2."""
    likelihood = make("likelihoods", "gaussian", {"scale": "learned"})
    error, least = 0.25, likelihood.scale.learned_above
    raw = math.log(math.expm1(error - least))
    output = torch.tensor([0.0, raw], dtype=torch.float64).view(1, 2, 1, 1).requires_grad_()
    image = torch.full((1, 1, 1, 1), 0.5 + error, dtype=torch.float64)
    (found,) = torch.autograd.grad(likelihood.distortion(output, image).sum(), output)
    assert abs(found[0, 1].item()) < 1e-12


def test_a_scale_is_bounded_below_so_that_what_is_always_black_has_a_finite_density():
    likelihood = make("likelihoods", "gaussian", {"scale": {"learned_above": 0.02}})
    output = torch.tensor([-200.0, -200.0]).view(1, 2, 1, 1)
    density = math.log(0.02) + math.log(2 * math.pi) / 2
    found = likelihood.distortion(output, torch.zeros(1, 1, 1, 1)).item()
    assert found == pytest.approx(density, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scale": 0}, "scale.* is 0; it should be at least 0.001"),
        ({"scale": "lernt"}, "'lernt' is no scale; write a number, or learned"),
        ({"scale": float("nan")}, "scale.* is nan; it should be"),
        ({"scale": {"learned_above": -1}}, "learned_above is -1; it should be at least 0.001"),
        ({"scale": {"least": 1}}, "unknown key 'least'; the keys are learned_above"),
        ({"scal": 1}, "unknown key 'scal'; the keys are scale$"),
    ],
)
def test_wrong_options_are_told_what_would_do(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        make("likelihoods", "gaussian", options)
