"""Objectives and their minibatch estimators against mathematics."""

import math

import pytest
import torch
from builders.terms import DISCRETE, STEP, D, M, N, batch, fresh_critic, random_leaves, sweepable

from disentbench import plugins
from disentbench.objectives import Structure
from disentbench.objectives._terms import Terms, log_normal, log_weights
from disentbench.objectives.beta_tcvae import BetaTCVAE
from disentbench.objectives.beta_vae import BetaVAE
from disentbench.objectives.hfvae import HFVAE
from disentbench.objectives.vae import NegativeELBO
from disentbench.posterior import Posterior

ESTIMATORS = ("mws", "mss", "hfvae")


def minimised(objective):
    return objective.loss(batch(objective), STEP).minimised


def brute_force(terms):
    """Every term by loops over pairs and classes, straight from the definitions."""
    weights = log_weights(terms.structure.estimator, M, N).double()
    mean, logvar, logits = terms.posterior
    logq = [x.log_softmax(-1) for x in logits.values()]
    cells = torch.cartesian_prod(*(torch.arange(x.shape[1]) for x in logq)) if logq else None
    cells = cells.reshape(-1, max(len(logq), 1)) if logq else torch.zeros(1, 0, dtype=torch.long)

    def log_q(i, latents, cell=()):
        pairs = []
        for j in range(M):
            l = sum(log_normal(terms.z[i, d], mean[j, d], logvar[j, d]) for d in latents)
            pairs.append(weights[i, j] + l + sum(x[j, k] for x, k in zip(logq, cell, strict=False)))
        return torch.logsumexp(torch.stack(pairs), 0)

    groups = [list(g) for g in terms.structure.groups.values()]
    free = [[d] for d in range(D) if not any(d in g for g in groups)]
    joint = own = between = within = 0.0
    for i in range(M):
        for cell in cells:
            mass = math.exp(sum(x[i, k] for x, k in zip(logq, cell, strict=True)))
            joint = joint + mass * log_q(i, range(D), cell) / M
        own = own + log_normal(terms.z[i], mean[i], logvar[i]).sum() / M
        own = own + sum((x[i].exp() * x[i]).sum() for x in logq) / M
        between = between + sum(log_q(i, g) for g in groups + free) / M
        within = within + sum(log_q(i, g) - sum(log_q(i, [d]) for d in g) for g in groups) / M
    for x in logq:
        for i in range(M):
            estimate = sum(weights[i, j].exp() * x[j].exp() for j in range(M)).log()
            between = between + (x[i].exp() * estimate).sum() / M
    return {"index_code_mi": own - joint, "tc_between": joint - between, "tc_within": within}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("discrete", [{}, {"shape": 3}, DISCRETE])
@pytest.mark.parametrize("groups", [{}, {"a": [0, 2]}, {"a": [0, 2], "b": [1, 3]}])
def test_terms_equal_their_definitions(estimator, discrete, groups):
    objective = HFVAE(beta=2, groups=groups, discrete=discrete, estimator=estimator)
    terms = batch(objective)
    for name, expected in brute_force(terms).items():
        assert float(getattr(terms, name)) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_weighted_sum_is_the_sum_of_weighted_terms(estimator):
    terms = batch(HFVAE(beta=1, groups={"a": [0, 1]}, estimator=estimator))
    exact = brute_force(terms)
    rest = terms.rate - sum(exact.values())
    expected = 100 + 2 * exact["index_code_mi"] + 3 * exact["tc_between"] + 5 * exact["tc_within"]
    loss = terms.weighted(index_code_mi=2, tc_between=3, tc_within=5, dimension_wise_kl=7)
    torch.testing.assert_close(loss, expected + 7 * rest)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("structured", [False, True])
def test_all_weights_one_is_the_vae(estimator, structured):
    extra = {"groups": {"a": [0, 1]}, "discrete": {"shape": 3}} if structured else {}
    hfvae = HFVAE(beta=1, estimator=estimator, **extra)
    tcvae = BetaTCVAE(beta=1, estimator=estimator)
    elbo = batch(hfvae).distortion + batch(hfvae).rate
    assert minimised(hfvae) == elbo
    assert minimised(tcvae) == minimised(BetaVAE(beta=1)) == minimised(NegativeELBO())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_one_group_is_beta_tcvae(estimator):
    """With all latents in one group, HFVAE's weight within the group is beta-TCVAE's beta."""
    hfvae = HFVAE(beta=9, gamma=4, alpha=2, groups={"all": list(range(D))}, estimator=estimator)
    tcvae = BetaTCVAE(beta=4, alpha=2, estimator=estimator)
    torch.testing.assert_close(minimised(hfvae), minimised(tcvae))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_groups_of_one_have_nothing_within(estimator):
    singles = {str(d): [d] for d in range(D)}
    terms = batch(HFVAE(beta=2, groups=singles, estimator=estimator))
    torch.testing.assert_close(terms.tc_within, torch.zeros((), dtype=torch.float64))
    without = batch(HFVAE(beta=2, estimator=estimator))
    torch.testing.assert_close(terms.tc_between, without.tc_between)


@pytest.mark.parametrize("name", plugins.names("objectives"))
def test_gradients_agree_with_finite_differences(name):
    objective = sweepable(name)
    leaves = [leaf.requires_grad_() for leaf in random_leaves(1)]

    def loss(*leaves):
        return objective.loss(batch(objective, leaves=list(leaves)), STEP).minimised

    assert torch.autograd.gradcheck(loss, leaves)


WITH_CRITIC = [name for name in plugins.names("objectives") if sweepable(name).critic(D)]


@pytest.mark.parametrize("name", WITH_CRITIC)
def test_a_critics_gradients_agree_with_finite_differences(name):
    objective = sweepable(name)
    critic = fresh_critic(objective, D)

    def loss(*values):
        terms = batch(objective, critic=dict(zip(critic, values, strict=True)))
        return objective.loss(terms, STEP).critic

    assert torch.autograd.gradcheck(loss, list(critic.values()))


@pytest.mark.parametrize("name", WITH_CRITIC)
def test_no_player_descends_the_others_loss(name):
    objective = sweepable(name)
    critic = fresh_critic(objective, D)
    leaves = [leaf.requires_grad_() for leaf in random_leaves(1)]
    loss = objective.loss(batch(objective, leaves=leaves, critic=critic), STEP)
    for minimised, fixed in ((loss.minimised, list(critic.values())), (loss.critic, leaves)):
        gradients = torch.autograd.grad(minimised, fixed, retain_graph=True, allow_unused=True)
        assert all(gradient is None for gradient in gradients)


@pytest.mark.parametrize("name", plugins.names("objectives"))
def test_an_objective_says_what_it_is(name):
    objective = plugins.load("objectives", name)
    assert objective.label
    assert objective.reference
    assert objective.__doc__


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_batch_of_one_image_estimates_nothing(estimator):
    """Its one weight is a constant, and every objective would be the VAE."""
    with pytest.raises(ValueError, match="on a batch of 1"):
        log_weights(estimator, 1, N)


@pytest.mark.parametrize("objective", [NegativeELBO(), BetaVAE(beta=4)])
def test_what_weighs_all_terms_alike_estimates_nothing(objective):
    terms = batch(objective)
    assert objective.loss(terms, STEP).minimised.isfinite()
    assert not {"index_code_mi", "tc_between", "tc_within"} & terms.computed().keys()
    with pytest.raises(ValueError, match="no estimate"):
        terms.index_code_mi  # noqa: B018


def test_weights_of_the_estimators():
    """mws has offset log N against the batch mean; hfvae and mss sum to one image each."""
    assert log_weights("mws", 4, 100).exp().sum(1).tolist() == pytest.approx([1 / 100] * 4)
    for estimator in ("mss", "hfvae"):
        totals = log_weights(estimator, 4, 100).exp().sum(1)
        assert totals.tolist() == pytest.approx([1.0] * 4, abs=0.02)
        assert log_weights(estimator, 4, 100).exp().diagonal().tolist() == pytest.approx([0.01] * 4)


def simulated(size, rng):
    """A batch of a dSprites-like posterior: five factors on grids of unit variance, known to
    sigma = .0713 (I = 10.39 nats, TC = 0), and five latents at the prior."""
    sizes = torch.tensor([3, 6, 40, 32, 32])
    classes = (torch.rand(size, 5, generator=rng, dtype=torch.float64) * sizes).floor()
    unit = (classes / (sizes - 1) * 2 - 1) * (3 * (sizes - 1) / (sizes + 1)).sqrt()
    mean = torch.cat([unit, torch.zeros_like(unit)], 1)
    sigma = torch.tensor([0.0713] * 5 + [1.0] * 5, dtype=torch.float64)
    z = mean + sigma * torch.randn(size, 10, generator=rng, dtype=torch.float64)
    return Posterior(mean, (2 * sigma.log()).expand(size, 10), {}), z


@pytest.mark.parametrize(
    ("estimator", "size", "mi", "tc"),
    [
        ("mws", 64, 17.67, 127.39),
        ("mws", 256, 19.05, 126.33),
        pytest.param("mws", 2048, 21.06, 124.40, marks=pytest.mark.slow),
        ("mss", 64, 13.44, -2.44),
        ("mss", 256, 13.32, -2.83),
        pytest.param("mss", 2048, 12.69, -2.31, marks=pytest.mark.slow),
        ("hfvae", 64, 13.44, -2.44),
        ("hfvae", 256, 13.32, -2.83),
        pytest.param("hfvae", 2048, 12.69, -2.31, marks=pytest.mark.slow),
    ],
)
def test_the_known_biases_are_reproduced(estimator, size, mi, tc):
    """The estimators miss I = 10.4 and TC = 0 by just these nats at N = 737,280."""
    rng = torch.Generator().manual_seed(size)
    found = []
    for _ in range(max(3, 12_000 // size)):
        posterior, z = simulated(size, rng)
        terms = Terms(torch.zeros(()), posterior, z, Structure(estimator=estimator), 737_280)
        found.append(torch.stack([terms.index_code_mi, terms.tc_between]))
    mean = torch.stack(found).mean(0)
    assert mean.tolist() == pytest.approx([mi, tc], abs=0.25)
