"""What each objective is known to do, by mathematics."""

import math

import numpy as np
import pytest
import torch
from builders.packs import SETTINGS, tiny
from builders.terms import STEP, D, N, batch, fresh_critic, judged, random_leaves
from builders.training import run

from disentbench.objectives import Structure
from disentbench.objectives._terms import Judged, Terms
from disentbench.objectives.annealed_vae import AnnealedVAE
from disentbench.objectives.dip_vae_i import DIPVAE1
from disentbench.objectives.dip_vae_ii import DIPVAE2
from disentbench.objectives.factor_vae import FactorVAE
from disentbench.objectives.hfs_vae import HFSVAE, hfs, random_pairs, uniform
from disentbench.objectives.hfvae import HFVAE
from disentbench.objectives.info_vae import InfoVAE, squared_mmd
from disentbench.objectives.vae import NegativeELBO
from disentbench.posterior import Posterior
from disentbench.training.optimiser import Player, of_critic

LOTS = 4000


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


# Without its weight each is the VAE, to the last digit.

NOUGHT = {
    "beta_vae": {"beta": 1},
    "beta_tcvae": {"beta": 1},
    "hfvae": {"beta": 1, "groups": {"a": [0, 1]}},
    "factor_vae": {"gamma": 0, "critic_layers": 1, "critic_units": 8},
    "dip_vae_i": {"lambda_od": 0},
    "dip_vae_ii": {"lambda_od": 0},
    "info_vae": {"alpha": 0, "lambda_mmd": 1},
    "hfs_vae": {"beta": 1, "gamma": 0},
}


@pytest.fixture(scope="module")
def vae(images, tmp_path_factory):
    return run(tiny("vae", seeds="0-1", steps=20), images, tmp_path_factory.mktemp("vae"))


@pytest.mark.parametrize("name", NOUGHT)
def test_strength_nought_is_the_vae_to_the_last_digit(name, vae, images, tmp_path, monkeypatch):
    monkeypatch.setitem(SETTINGS, name, NOUGHT[name])
    ours = run(tiny(name, seeds="0-1", steps=20), images, tmp_path)
    assert all(torch.equal(p, ours.parameters[key]) for key, p in vae.parameters.items())
    assert ours.history["loss"].equals(vae.history["loss"])


# AnnealedVAE.


@pytest.mark.parametrize("capacity", [2.0, 4.0])
def test_the_rate_ends_at_the_capacity(capacity, images, tmp_path, monkeypatch):
    monkeypatch.setitem(SETTINGS, "annealed_vae", {"c_max": capacity, "threshold": 300})
    history = run(tiny("annealed_vae", seeds="0", steps=900), images, tmp_path).history
    assert history["capacity"].iloc[-1] == capacity
    assert history["rate"].tail(20).mean() == pytest.approx(capacity, abs=0.1)


@pytest.mark.parametrize(("step", "capacity"), [(0, 0.0), (5, 1.5), (10, 3.0), (1000, 3.0)])
def test_the_capacity_grows_and_stays(step, capacity):
    objective = AnnealedVAE(c_max=3, gamma=7, threshold=10)
    terms = batch(objective)
    loss = objective.loss(terms, torch.tensor(float(step), dtype=torch.float64))
    assert loss.shown["capacity"] == capacity
    expected = terms.distortion + 7 * abs(terms.rate - capacity)
    torch.testing.assert_close(loss.minimised, expected)


# FactorVAE.


def codes_only(objective, code, **given):
    """Terms of codes that come from no images."""
    nothing = torch.zeros((), dtype=code.dtype)
    posterior = Posterior(code, torch.zeros_like(code), {})
    return Terms(nothing, posterior, code, objective.structure(), N, code=code, **given)


@pytest.mark.parametrize("permute", ["same_batch", "second_batch"])
def test_a_critic_learns_the_total_correlation_of_a_gaussian(permute):
    """TC = -1/2 log det of the correlation matrix: here .51 nats."""
    objective = FactorVAE(
        gamma=1, permute=permute, critic_layers=2, critic_units=64, critic_learning_rate=1e-3
    )
    rng = torch.Generator().manual_seed(0)
    spread = torch.linalg.cholesky(torch.tensor([[1.0, 0.8], [0.8, 1.0]]))
    start = {name: p.detach().float() for name, p in fresh_critic(objective, 2).items()}
    player = Player({name: p[None] for name, p in start.items()}, of_critic(objective.critic(2)))

    def loss_of(images):
        code, second = (torch.randn(images, 2, generator=rng) @ spread.T for _ in range(2))
        critic = judged(objective, 2, {name: p[0] for name, p in player.parameters.items()})
        given = {"second": second} if permute == "second_batch" else {}
        given["normals"] = {"permutation": torch.randn(images, 2, generator=rng)}
        return objective.loss(codes_only(objective, code, critic=critic, **given), STEP)

    for step in range(1000):
        player.forget()
        loss_of(1024).critic.backward()
        player.descend(torch.tensor(float(step)))
    tc = loss_of(100_000).shown["critic_tc"].item()
    assert tc == pytest.approx(-0.5 * math.log(1 - 0.8**2), rel=0.1)


def test_permuted_codes_keep_each_latents_values_and_no_order():
    """What the critic learns from: seen by one that tells what it is given."""
    objective = FactorVAE(gamma=1)
    seen = []

    def watching(code):
        seen.append(code)
        return torch.zeros(len(code), 2, dtype=code.dtype)

    terms = batch(objective)
    terms._critic = Judged(watching, watching)
    objective.loss(terms, STEP)
    permuted = seen[-1]
    assert torch.equal(permuted.sort(0).values, terms.code.sort(0).values)
    rows = [(terms.code == row).all(1).any().item() for row in permuted]
    assert not all(rows)


# DIP-VAE.


def means_of(covariance, images=50):
    """Means [image, latent] whose covariance over the batch, divided by its size, is this."""
    drawn = np.random.default_rng(0).standard_normal((images, len(covariance)))
    centred = drawn - drawn.mean(0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(centred.T @ centred / images)).T
    return torch.from_numpy(white @ np.linalg.cholesky(covariance).T + 3.0)


# A covariance of the codes, the squares off its diagonal, and those of its diagonal less 1.
COVARIANCES = {
    "white": (np.eye(3), 0.0, 0.0),
    "scaled": (np.diag([1.0, 2.0, 3.0]), 0.0, 1.0 + 4.0),
    "correlated": (np.array([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1]]), 2 * (0.25 + 0.04), 0.0),
}


@pytest.mark.parametrize("name", COVARIANCES)
@pytest.mark.parametrize(("kind", "noise", "factor"), [(DIPVAE1, 0, 10), (DIPVAE2, 0.25, 1)])
def test_the_penalty_of_a_known_covariance(kind, noise, factor, name):
    """DIP-VAE-I sees that of the means; DIP-VAE-II adds the noise of the codes, on the diagonal."""
    covariance, off, on = COVARIANCES[name]
    mean = means_of(covariance - noise * np.eye(3))
    logvar = torch.full_like(mean, math.log(0.25))
    objective = kind(lambda_od=2.0)
    terms = Terms(torch.zeros(()), Posterior(mean, logvar, {}), mean, objective.structure(), N)
    loss = objective.loss(terms, STEP)
    assert loss.shown["penalty"].item() == pytest.approx(off + factor * on, abs=1e-9)
    torch.testing.assert_close(loss.minimised, terms.rate + 2 * loss.shown["penalty"])


# InfoVAE.


def test_mmd_of_two_samples_of_one_law_is_nought_on_average():
    rng = torch.Generator().manual_seed(0)
    draws = [squared_mmd(*torch.randn(2, 20, 3, generator=rng).double()) for _ in range(LOTS)]
    found = torch.stack(draws)
    assert abs(found.mean()) < 4 * found.std() / LOTS**0.5
    assert found.min() < 0


@pytest.mark.parametrize(("latents", "shift"), [(1, 1.0), (3, 0.7), (10, 0.4)])
def test_mmd_of_shifted_gaussians(latents, shift):
    """Of N(m, 1) and N(0, 1): 2 (1 + 4/D)^(-D/2) (1 - exp(-|m|^2 / (D + 4)))."""
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, LOTS, latents, generator=rng).double()
    squared = latents * shift**2
    expected = 2 * (1 + 4 / latents) ** (-latents / 2) * (1 - math.exp(-squared / (latents + 4)))
    assert squared_mmd(x + shift, y).item() == pytest.approx(expected, rel=0.08)


def test_infovae_weighs_kl_and_mmd_as_in_its_formula():
    terms = batch(InfoVAE())
    mmd = squared_mmd(terms.z, terms.normals["prior"].double())
    loss = InfoVAE(alpha=0.3, lambda_mmd=20).loss(terms, STEP)
    torch.testing.assert_close(
        loss.minimised, terms.distortion + 0.7 * terms.rate + 19.3 * mmd, rtol=1e-12, atol=0
    )


# HFS.

SHARES = torch.rand(LOTS, 3, 2, generator=torch.Generator().manual_seed(0)).double()


def test_hfs_is_nought_on_a_full_grid():
    """Whatever is recombined is there."""
    values = torch.arange(5.0).double()
    grid = torch.cartesian_prod(values, values, values)
    first, second = torch.triu_indices(3, 3, 1)
    assert hfs(grid[:, first], grid[:, second], SHARES) == 0


def test_hfs_is_the_square_of_what_the_farthest_recombination_lacks():
    """Of three corners of a rectangle of 2 x 3, the fourth is 2 away from the nearest."""
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]]).double()
    assert hfs(corners[:, :1], corners[:, 1:], SHARES) == 4
    twice = corners.repeat(1, 2)
    assert hfs(twice[:, ::2], twice[:, 1::2], SHARES) == 8  # summed over pairs


def test_pairs_of_latents_are_chosen_at_random_each_once():
    rng = torch.Generator().manual_seed(0)
    counts = torch.zeros(5, 5)
    for _ in range(LOTS // 4):
        first, second = random_pairs(torch.randn(5, 5, generator=rng), 4)
        assert (first < second).all()
        assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == 4
        counts[first, second] += 1
    chosen = counts[counts > 0]
    assert len(chosen) == 10
    assert chosen.tolist() == pytest.approx([LOTS / 10] * 10, rel=0.2)
    assert len(random_pairs(torch.randn(5, 5), 25)[0]) == 10  # all that there are


def test_normals_are_made_uniform():
    rng = torch.Generator().manual_seed(0)
    values = uniform(torch.randn(100_000, generator=rng))
    histogram = torch.histc(values.float(), 10, 0, 1)
    assert histogram.tolist() == pytest.approx([10_000] * 10, rel=0.05)


def test_a_share_of_one_is_of_the_last_image():
    """A normal far out is rounded to it."""
    shares = torch.tensor([[[1.0, 0.0]]]).double()
    corners = torch.tensor([[0.0, 0.0], [3.0, 4.0]]).double()
    assert hfs(corners[:, :1], corners[:, 1:], shares) == 9  # (3, 0) is 3 from the first


def test_recombinations_have_gradients():
    mean = random_leaves(3)[0].requires_grad_()
    first, second = random_pairs(torch.randn(D, D), 25)
    shares = torch.rand(100, 6, 2).double()
    (gradient,) = torch.autograd.grad(hfs(mean[:, first], mean[:, second], shares), mean)
    assert (gradient.sum(0).abs() < 1e-12).all()  # moving all codes at once changes nothing


# Schedules.


def test_a_weight_of_a_schedule_is_that_of_the_step():
    rising = HFSVAE(gamma={"from": 1, "to": 3, "steps": 10}, beta={"from": 4, "to": 0, "steps": 4})
    for step, gamma, beta in ((0, 1.0, 4.0), (2, 1.4, 2.0), (5, 2.0, 0.0), (99, 3.0, 0.0)):
        now = rising.at(torch.tensor(float(step), dtype=torch.float64))
        assert (float(now.gamma), float(now.beta)) == pytest.approx((gamma, beta))
    assert NegativeELBO().at(STEP) == NegativeELBO()


@pytest.mark.parametrize(("start", "end"), [(3.0, 0.1), (1.0, 0.3), (1e9, 1e-9), (0.1, 0.7)])
def test_a_schedule_begins_and_ends_with_its_numbers_to_the_last_digit(start, end):
    temperature = HFVAE(beta=1, temperature={"from": start, "to": end, "steps": 7}).at
    step = torch.arange(9.0, dtype=torch.float64)
    assert temperature(step[0]).temperature == start
    assert temperature(step[7]).temperature == temperature(step[8]).temperature == end


def test_a_structure_asks_for_what_its_objective_needs():
    assert FactorVAE(gamma=1).structure().batches == 1
    assert FactorVAE(gamma=1, permute="second_batch").structure().batches == 2
    assert NegativeELBO().structure() == Structure(estimator=None)
