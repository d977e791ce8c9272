"""The terms of a random batch in float64, with whatever an objective asks for."""

import numpy as np
import torch

from disentbench import plugins
from disentbench.models import layers
from disentbench.objectives._terms import Judged, Terms
from disentbench.posterior import Posterior

M, D, N = 7, 4, 1000
DISCRETE = {"shape": 3, "size": 2}
STEP = torch.tensor(10.0, dtype=torch.float64)
# Settings at which every term of an objective counts.
SETTINGS = {
    "annealed_vae": {"c_max": 3.0, "gamma": 2.0, "threshold": 20},
    "factor_vae": {"gamma": 3.0, "critic_layers": 2, "critic_units": 5},
    "hfvae": {"alpha": 2.0, "gamma": 0.5, "groups": {"a": [0, 2]}, "discrete": {"shape": 3}},
    "info_vae": {"alpha": 0.5, "lambda_mmd": 10.0},
}


def sweepable(name, **settings):
    """An objective with its required settings at 3."""
    objective = plugins.load("objectives", name)
    needed = [key for key, field in objective.model_fields.items() if field.is_required()]
    return objective(**(dict.fromkeys(needed, 3.0) | SETTINGS.get(name, {}) | settings))


def random_leaves(seed=0):
    """Mean, logvar and noise [image, latent], and the logits [image, class] of DISCRETE."""
    rng = torch.Generator().manual_seed(seed)
    sizes = [D, D, D, *DISCRETE.values()]
    return [torch.randn(M, n, generator=rng, dtype=torch.float64) for n in sizes]


def batch(objective, *, leaves=None, seed=0, critic=None):
    """Terms of a batch, differentiable in its `leaves` and in the critic's parameters."""
    mean, logvar, noise, *logits = leaves or random_leaves(seed)
    structure = objective.structure()
    discrete = dict(zip(structure.discrete, logits, strict=False))
    z = mean + (0.5 * logvar).exp() * noise
    code = torch.cat([z, *(x.softmax(-1) for x in discrete.values())], 1)
    rng = torch.Generator().manual_seed(seed + 1)
    second = torch.randn(code.shape, generator=rng, dtype=torch.float64)
    return Terms(
        torch.tensor(100.0, dtype=torch.float64),
        Posterior(mean, logvar, discrete),
        z,
        structure,
        N,
        code=code,
        second=second if structure.batches > 1 else None,
        normals=normals(structure, code, rng),
        critic=judged(objective, code.shape[1], critic),
    )


def normals(structure, code, rng):
    sizes = {"image": len(code), "latent": D, "code": code.shape[1]}
    shapes = {name: [sizes.get(n, n) for n in shape] for name, shape in structure.normals.items()}
    return {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}


def fresh_critic(objective, size):
    """Parameters in float64."""
    rng = np.random.default_rng(0)
    start = layers.initialise(objective.critic(size).layers, (size,), rng, "critic")
    return {name: p.double().requires_grad_() for name, p in start.items()}


def judged(objective, size, parameters=None):
    critic = objective.critic(size)
    if critic is None:
        return None
    parameters = parameters or fresh_critic(objective, size)
    fixed = {name: p.detach() for name, p in parameters.items()}
    return Judged(
        lambda code: layers.apply(critic.layers, fixed, code, "critic"),
        lambda code: layers.apply(critic.layers, parameters, code.detach(), "critic"),
    )
