"""A training of one member in plain PyTorch: its layers, optimisers and schedulers.

It takes from the package where the players begin and what each step draws. It computes in float64,
so that all that lies between the two is how the package rounds in float32: after fifty steps about
1e-6 of a parameter.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from builders import packs
from builders.training import CPU
from disentbench.models.device_images import Resident
from disentbench.training import loop
from disentbench.training.randomness import Batches
from disentbench.training.state import fresh

STEPS, IMAGES, BATCH = 50, 72, 16


class Step(NamedTuple):
    """What the formulas of a step are written in; the codes `other` are those to permute."""

    number: int
    distortion: Any
    rate: Any
    posterior: Normal
    z: Any
    other: Any
    normals: dict[str, Any]
    critic: nn.Module | None


def mlp():
    encoder = (nn.Flatten(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
    hidden = (nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32))
    decoder = (*hidden, nn.Tanh(), nn.Linear(32, 256), nn.Unflatten(1, (1, 16, 16)))
    return {
        "encoder": nn.Sequential(*encoder, nn.Linear(32, 6)),
        "decoder": nn.Sequential(*decoder),
    }


def conv():
    encoder = (
        *(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU()),
        *(nn.Conv2d(32, 64, 2, 2), nn.ReLU(), nn.Conv2d(64, 64, 2, 2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 6)),
    )
    decoder = (
        *(nn.Linear(3, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Unflatten(1, (64, 1, 1))),
        *(nn.ConvTranspose2d(64, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 4, 2, 1)),
        *(nn.ReLU(), nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU()),
        nn.ConvTranspose2d(32, 1, 4, 2, 1),
    )
    return {"encoder": nn.Sequential(*encoder), "decoder": nn.Sequential(*decoder)}


def critic(units=(16, 16), slope=0.2):
    hidden = [(nn.Linear(*sizes), nn.LeakyReLU(slope)) for sizes in pairwise((3, *units))]
    layers = [layer for pair in hidden for layer in pair]
    return {"critic": nn.Sequential(*layers, nn.Linear(units[-1], 2))}


NETWORKS = {"mlp_chen2018": mlp, "conv_locatello2019": conv}


class Case(NamedTuple):
    """What a study says, and the same in plain PyTorch."""

    objective: str
    settings: dict[str, Any]
    losses: Callable[[Step], tuple[Any, Any]]
    training: dict[str, Any] = {}  # noqa: RUF012
    network: str = "mlp_chen2018"
    optimiser: Callable = torch.optim.AdamW
    critic: Callable[[], dict[str, nn.Module]] = critic
    critic_rate: float = 1e-4
    critic_betas: tuple[float, float] = (0.5, 0.9)

    def recipe(self, monkeypatch, seeds="3"):
        monkeypatch.setitem(packs.SETTINGS, self.objective, self.settings)
        return packs.tiny(self.objective, self.network, seeds, steps=STEPS, **self.training)


class Outcome(NamedTuple):
    """Where a member ends: the parameters of all players, its last losses, all gradients' norms."""

    parameters: dict[str, Any]
    losses: dict[str, float]
    norms: list[float] = []  # noqa: RUF012


def plain_loop(case, recipe, seed):
    """All players descend from where all of them stood; only the model is clipped."""
    problem = loop.problem_of(recipe, Resident(recipe.dataset.images(), CPU), together=False)
    draws, start = Batches(problem, [seed]), fresh(problem, [seed]).players
    networks = {"model": NETWORKS[case.network], "critic": case.critic}
    players = {name: nn.ModuleDict(networks[name]()).double() for name in start}
    for name, player in players.items():
        player.load_state_dict({key: p[0] for key, p in start[name].parameters.items()})
    learning = {name: optimiser(case, name, player) for name, player in players.items()}
    rates, norms = schedule(learning["model"], case.training), []
    largest = case.training.get("clip_norm", math.inf)
    for number in range(STEPS):
        step = computed(number, players, problem.images, draws.at(number, CPU))
        losses = dict(zip(("model", "critic"), case.losses(step), strict=True))
        for name, player in players.items():
            learning[name].zero_grad()
            losses[name].backward(inputs=list(player.parameters()))
        norms.append(clip_grad_norm_(players["model"].parameters(), largest).item())
        for optimised in learning.values():
            optimised.step()
        rates.step()
    ended = {key: p.detach() for player in players.values() for key, p in player.named_parameters()}
    last = {"loss": losses["model"], "distortion": step.distortion, "rate": step.rate}
    last |= {"critic_loss": losses["critic"]} if "critic" in players else {}
    return Outcome(ended, {name: loss.item() for name, loss in last.items()}, norms)


def optimiser(case, name, player):
    if name == "critic":
        return torch.optim.Adam(player.parameters(), case.critic_rate, case.critic_betas)
    return case.optimiser(
        player.parameters(),
        case.training.get("learning_rate", 1e-3),
        case.training.get("adam_betas", (0.9, 0.999)),
        weight_decay=case.training.get("weight_decay", 0.0),
    )


def schedule(optimised, training):
    """A linear rise that ends at the full rate, then half a cosine."""
    warm_up, cosine = training.get("warm_up", 0), "learning_rate_schedule" in training
    rise = LinearLR(optimised, 1 / max(1, warm_up), total_iters=max(0, warm_up - 1))
    if not cosine:
        return rise
    fall = CosineAnnealingLR(optimised, STEPS - warm_up)
    return SequentialLR(optimised, [rise, fall], [warm_up]) if warm_up else fall


def computed(number, players, images, draw):
    """A step forward; of a second batch, which stands behind the first, no more than the codes."""
    model, x = players["model"], images.seen(draw.rows[0], draw.keys[0]).double()
    mean, logvar = model["encoder"](x).chunk(2, dim=1)
    codes = mean + (logvar / 2).exp() * draw.noise.normal[0]
    z, posterior = codes[:BATCH], Normal(mean[:BATCH], (logvar[:BATCH] / 2).exp())
    rate = kl_divergence(posterior, Normal(0.0, 1.0)).sum(1).mean()
    pixels = F.binary_cross_entropy_with_logits(model["decoder"](z), x[:BATCH], reduction="none")
    normals = {name: values[0] for name, values in draw.normals.items()}
    judge = players["critic"]["critic"] if "critic" in players else None
    distortion = pixels.sum((1, 2, 3)).mean()
    return Step(number, distortion, rate, posterior, z, codes[-BATCH:], normals, judge)
