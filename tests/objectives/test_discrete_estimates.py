"""HFVAE's discrete groups are estimated as the latents are: by one estimator throughout."""

import math

import pytest
import torch

from disentbench.objectives import Structure
from disentbench.objectives._terms import Terms
from disentbench.posterior import Posterior

CLASSES, SIZE = 30, 64


class PlainMarginals(Terms):
    """The joint by the weights of the estimator, the classes' marginal by the plain batch mean."""

    @property
    def _log_marginals(self):
        means = [logq.exp().mean(0) for logq in self._logq]
        return [(q * q.log()).sum() for q in means]


def independent(kind, sharpness, rng, estimator="hfvae"):
    """TC between a latent and a group of classes that have nothing to do with each other."""
    classes = torch.randint(CLASSES, (SIZE,), generator=rng)
    logits = sharpness * torch.nn.functional.one_hot(classes, CLASSES)
    mean, noise = torch.randn(2, SIZE, 1, generator=rng).double()
    mean = math.sqrt(0.75) * mean
    posterior = Posterior(mean, torch.full_like(mean, math.log(0.25)), {"k": logits})
    structure = Structure(discrete={"k": CLASSES}, estimator=estimator)
    return kind(torch.zeros(()), posterior, mean + 0.5 * noise, structure, 100_000).tc_between


def average(kind, **options):
    """Bias of the TC and of its gradient by the logits' scale, both exactly nought."""
    rng, found = torch.Generator().manual_seed(0), []
    for _ in range(200):
        sharpness = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
        tc = independent(kind, sharpness, rng, **options)
        found.append(torch.stack([tc.detach(), *torch.autograd.grad(tc, sharpness)]))
    return torch.stack(found).mean(0).tolist()


def test_one_estimator_throughout_has_the_smaller_bias():
    """In the classes' marginal too, rather than their mean over the batch."""
    (plain, slope), (weighed, flatter) = average(PlainMarginals), average(Terms)
    assert plain < 2 * weighed < 0
    assert slope < 2 * flatter < 0


def test_by_mws_both_have_one_gradient():
    """They differ by log N, as every other factor of the product does."""
    (plain, slope), (weighed, same) = (average(k, estimator="mws") for k in (PlainMarginals, Terms))
    assert weighed - plain == pytest.approx(math.log(100_000))
    assert same == pytest.approx(slope)
