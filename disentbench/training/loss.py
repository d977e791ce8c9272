"""The loss of a step: of one member, and of all members of a pack at once.

A pack's tensors carry the member first: parameters [member, ...], batches [member, image, ...].
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from disentbench.models.device_images import Resident
from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE, Noise, sample
from disentbench.objectives import Critic, Loss, Objective
from disentbench.objectives._terms import Judged, Terms, in_float64
from disentbench.posterior import terms
from disentbench.recipe import Training

MODEL, CRITIC = "model", "critic"  # the players
# What an objective may not call what it shows.
TAKEN = {"seed", "step", "loss", "critic_loss", "distortion", "rate"}
TAKEN |= {term.trained for term in terms.ESTIMATED}
Players = dict[str, Parameters]
Losses = dict[str, Tensor]  # a term's name and its value, of one member or [member]


class Weighted(NamedTuple):
    """How images are drawn by weights: see randomness.by_weights.

    `ends` says where the interval of each image ends, `drawable` how many have one.
    """

    ends: Float[np.ndarray, " image"]
    drawable: int


class Problem(NamedTuple):
    """What the members of a pack share; `weighted` where images are drawn by weights."""

    model: VAE
    objective: Objective
    training: Training
    images: Resident
    weighted: Weighted | None = None

    @property
    def drawable(self) -> int:
        """How many images training may draw: the N of the estimators of q(z)."""
        return len(self.images) if self.weighted is None else self.weighted.drawable

    @property
    def critic(self) -> Critic | None:
        """What the objective has its codes judged by."""
        return self.objective.critic(self.model.code_size)


class Draw(NamedTuple):
    """What a step draws: its images as they are stored, the keys of what is drawn in rendering
    them, the noise of their codes, and the normals that the objective asks for.

    A second batch stands behind the first.
    """

    rows: Tensor
    keys: Tensor
    noise: Noise
    normals: dict[str, Tensor]


def member_losses(
    problem: Problem, players: Players, x: Tensor, draw: Draw, step: Tensor
) -> tuple[Tensor, Losses]:
    """What every member descends [member], and its terms; vectorised if there are several."""
    of_one = partial(member_loss, problem, step=step)
    if len(x) > 1:
        return vmap(of_one)(players, x, draw)
    alone = tree_map(lambda values: values[0], (players, x, draw))
    return tree_map(lambda value: value[None], of_one(*alone))


def member_loss(
    problem: Problem, players: Players, x: Tensor, draw: Draw, step: Tensor
) -> tuple[Tensor, Losses]:
    """What one member descends on its batch [image, ...], all players together, and its terms.

    `loss` is what the model minimises, `critic_loss` what the critic does.
    """
    objective = problem.objective.at(step)
    batch = terms_of(problem, objective, players, x, draw)
    loss = warmed_up(objective.loss(batch, step), batch.distortion, objective.warmed_up(step))
    named = {"loss": loss.minimised, **batch.computed()}
    if loss.critic is not None:
        named["critic_loss"] = loss.critic
    if taken := loss.shown.keys() & TAKEN:
        raise ValueError(f"an objective shows {min(taken)!r}, which the history has itself")
    descended = loss.minimised if loss.critic is None else loss.minimised + loss.critic
    return descended, named | _as_tensors(loss.shown, loss.minimised)


def terms_of(
    problem: Problem, objective: Objective, players: Players, x: Tensor, draw: Draw
) -> Terms:
    """The terms of one member's batch, and what the objective needs besides."""
    structure, model = objective.structure(), problem.model
    posterior = in_float64(model.encode(players[MODEL], x))
    z, code = sample(posterior, draw.noise, structure.temperature)
    second = None
    if structure.batches > 1:
        images = len(x) // structure.batches
        second = code[images:]
        x, posterior, z, code = tree_map(lambda v: v[:images], (x, posterior, z, code))
    output = model.decode(players[MODEL], code)
    return Terms(
        model.likelihood.distortion(output, x).mean(),
        posterior,
        z,
        structure,
        problem.drawable,
        code=code,
        second=second,
        normals=draw.normals,
        critic=judged(model, critic, players[CRITIC]) if (critic := problem.critic) else None,
    )


def judged(model: VAE, critic: Critic, parameters: Parameters) -> Judged:
    """The critic as the model sees it, which does not change it, and as it learns itself."""
    fixed = {name: p.detach() for name, p in parameters.items()}

    def judge(parameters: Parameters, code: Tensor) -> Tensor:
        return model.apply(critic.layers, parameters, code.to(model.dtype), CRITIC).double()

    return Judged(partial(judge, fixed), lambda code: judge(parameters, code.detach()))


def _as_tensors(shown: dict[str, Tensor | float], like: Tensor) -> Losses:
    """What is shown, where it may be a number."""
    return {
        name: value if isinstance(value, Tensor) else like.new_full((), value)
        for name, value in shown.items()
    }


def warmed_up(loss: Loss, distortion: Tensor, weight: float | Tensor) -> Loss:
    """A loss of which all but the distortion has this weight."""
    if not isinstance(weight, Tensor):
        return loss
    return loss._replace(minimised=distortion + weight * (loss.minimised - distortion))
