"""The loss of a step: of one member, and of all members of a pack at once.

A pack's tensors carry the member first: parameters [member, ...], batches [member, image, ...].
"""

from functools import partial
from typing import NamedTuple

from torch import Tensor
from torch.func import vmap

from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE, Noise, distortion, sample
from disentbench.objectives import Objective
from disentbench.objectives._terms import Terms, in_float64
from disentbench.recipe import Training
from disentbench.training.device_images import Resident


class Problem(NamedTuple):
    """What the members of a pack share."""

    model: VAE
    objective: Objective
    training: Training
    images: Resident


def member_losses(
    problem: Problem, parameters: Parameters, x: Tensor, noise: Noise, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and terms [member] of every member on its own batch; vectorised if there are several."""

    of_one = partial(member_loss, problem, step=step)
    if len(x) > 1:
        return vmap(of_one)(parameters, x, noise)
    alone = {name: p[0] for name, p in parameters.items()}
    loss, terms = of_one(alone, x[0], Noise(noise.normal[0], noise.gumbel[0]))
    return loss[None], {name: value[None] for name, value in terms.items()}


def member_loss(
    problem: Problem, parameters: Parameters, x: Tensor, noise: Noise, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one member on one batch [image, ...], and the terms that it is made of."""
    structure = problem.objective.structure()
    posterior = in_float64(problem.model.encode(parameters, x))
    z, code = sample(posterior, noise, structure.temperature)
    logits = problem.model.decode(parameters, code)
    terms = Terms(distortion(logits, x).mean(), posterior, z, structure, len(problem.images))
    loss = problem.objective.loss(terms, step)
    return loss, terms.computed()
