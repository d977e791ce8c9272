"""The gradients that a training step computes, against float64 autograd of the definitions."""

import pytest
import torch
from torch.func import grad, vmap

from disentbench.likelihoods.bernoulli import Bernoulli
from disentbench.models.vae import Noise
from disentbench.objectives._terms import log_normal, log_weights
from disentbench.objectives.beta_tcvae import BetaTCVAE
from disentbench.objectives.hfvae import HFVAE
from disentbench.posterior import Posterior
from disentbench.training import loss

M, D, N, MEMBERS = 16, 5, 1000, 3
ESTIMATORS = ("mws", "mss", "hfvae")
WEIGHTS = {"beta": 4.0, "alpha": 2.0}
STRUCTURES = {
    "scalars": {},
    "groups": {"groups": {"a": [0, 2], "b": [1, 3]}},
    "all in groups": {"groups": {"a": [0, 1], "b": [2, 3, 4]}},
    "discrete": {"groups": {"a": [0, 2]}, "discrete": {"shape": 3, "size": 2}},
}
TOLERANCE = 1e-6  # float32 keeps 6e-8; all in float32, sigma .001 would be off by .4


class Given:
    """In place of a model: the posterior is what is given, and no pixel depends on it."""

    code_size = 0
    likelihood = Bernoulli()

    def encode(self, posterior, images):
        logits = {name: posterior[name] for name in ("shape", "size") if name in posterior}
        return Posterior(posterior["mean"], posterior["logvar"], logits)

    def decode(self, posterior, code):
        return code.new_zeros(len(code), 1, 1, 1)


def given(sigma, discrete, *, spread=3.0, seed=0):
    """Float32 leaves [member, image, ...] of a posterior of about this width, and the noise."""
    rng = torch.Generator().manual_seed(seed)

    def normal(size):
        return torch.randn(MEMBERS, M, size, generator=rng)

    width = 2 * torch.tensor(sigma).log()
    leaves = {"mean": spread * normal(D), "logvar": width + 0.3 * normal(D)}
    leaves |= {name: normal(classes) for name, classes in discrete.items()}
    return leaves, Noise(normal(D), normal(sum(discrete.values())))


def trained_gradients(objective, leaves, noise):
    """What a step descends, of float32 leaves, vectorised over the members."""
    problem = loss.Problem(Given(), objective, None, range(N))

    step = torch.zeros((), dtype=torch.float64)

    def of_member(leaves, noise):
        draw = loss.Draw(torch.arange(M), torch.arange(M), noise, {})
        return loss.member_loss(problem, {"model": leaves}, torch.zeros(M, 1, 1, 1), draw, step)[0]

    return vmap(grad(of_member))(leaves, noise)


def defined_gradients(objective, leaves, noise):
    """The same by float64 autograd of the definition, every pair's log-density direct."""
    members = []
    for member in range(MEMBERS):
        own = {name: x[member].double().requires_grad_() for name, x in leaves.items()}
        minimised = defined(objective, own, noise.normal[member].double())
        members.append(torch.autograd.grad(minimised, list(own.values())))
    return {
        name: torch.stack(x) for name, x in zip(leaves, zip(*members, strict=True), strict=True)
    }


def defined(objective, leaves, noise):
    """KL + (alpha - 1) I + (beta - 1) TC between groups + (gamma - 1) TC within, by definition."""
    mean, logvar, *logits = leaves.values()
    structure = objective.structure()
    groups = list(structure.groups.values())
    free = [[d] for d in range(D) if not any(d in group for group in groups)]
    z = mean + (logvar / 2).exp() * noise
    pairs = log_normal(z[:, None], mean, logvar)
    weights = log_weights(structure.estimator, M, N).double()
    logq = [x.log_softmax(-1) for x in logits]

    def log_q(latents):
        return (weights + pairs[:, :, latents].sum(2)).logsumexp(1).mean()

    cells = torch.zeros(M, 1, dtype=torch.float64)
    for x in logq:
        cells = (cells[:, :, None] + x[:, None]).flatten(1)
    joint = (weights + pairs.sum(2))[:, :, None] + cells
    joint = (cells.exp() * joint.logsumexp(1)).sum(1).mean()
    own = log_normal(z, mean, logvar).sum(1).mean() + sum((x.exp() * x).sum(1).mean() for x in logq)
    marginals = sum((x.exp() * (weights.exp() @ x.exp()).log()).sum(1).mean() for x in logq)
    between = joint - sum(log_q(group) for group in groups + free) - marginals
    within = sum(log_q(group) - sum(log_q([d]) for d in group) for group in groups)
    rate = (mean**2 + logvar.exp() - 1 - logvar).sum(1).mean() / 2
    rate = rate + sum((x.exp() * x).sum(1).mean() for x in logq)
    extra = (objective.alpha - 1) * (own - joint) + (objective.beta - 1) * between
    return rate + extra + (objective.gamma - 1) * within


def relative_error(ours, exact):
    """Of the whole gradient of each member, the largest."""
    names = list(exact)
    flat = [torch.cat([g[n].double().flatten(1) for n in names], 1) for g in (ours, exact)]
    return ((flat[0] - flat[1]).norm(dim=1) / flat[1].norm(dim=1)).max().item()


@pytest.mark.parametrize("sigma", [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_gradients_are_exact_at_every_width(estimator, structure, sigma):
    options = STRUCTURES[structure]
    objective = HFVAE(**WEIGHTS, gamma=3.0, estimator=estimator, **options)
    leaves, noise = given(sigma, options.get("discrete", {}))
    ours, exact = (f(objective, leaves, noise) for f in (trained_gradients, defined_gradients))
    assert {g.dtype for g in ours.values()} == {torch.float32}
    assert relative_error(ours, exact) < TOLERANCE


@pytest.mark.parametrize("spread", [1e-3, 1e-2, 0.1])
def test_gradients_are_exact_where_narrow_posteriors_overlap(spread):
    """Means as near as the posteriors are wide, at an offset of a few: every pair counts."""
    leaves, noise = given(1e-3, {}, spread=spread)
    leaves["mean"] += 3
    objective = BetaTCVAE(**WEIGHTS)
    ours, exact = (f(objective, leaves, noise) for f in (trained_gradients, defined_gradients))
    assert relative_error(ours, exact) < TOLERANCE


@pytest.mark.parametrize("logvar", [-170.0, -100.0, 80.0])
def test_a_density_is_finite_where_its_variance_would_overflow(logvar):
    """exp(-logvar) is beyond float32 at -100: z one sigma off has -(1 + logvar + log 2 pi) / 2."""
    logvar = torch.tensor(logvar)
    found = log_normal((0.5 * logvar).exp(), torch.zeros(()), logvar)
    torch.testing.assert_close(found, -0.5 * (1 + logvar + torch.tensor(2 * torch.pi).log()))
