"""Where the training of some members stands, and how one step changes it."""

from collections.abc import Callable
from math import prod

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from disentbench.models import layers
from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE
from disentbench.objectives import Critic
from disentbench.posterior import divergence
from disentbench.seeds import generator
from disentbench.training.loss import CRITIC, MODEL, Draw, Losses, Problem, member_losses
from disentbench.training.optimiser import Player, Settings, of_critic, of_model
from disentbench.training.randomness import INITIAL, INITIAL_CRITIC, Batches

Descend = Callable[[Draw], None]  # the next step, at what it draws


class State:
    """All that a training knows of some members between two steps; a checkpoint holds it."""

    def __init__(self, players: dict[str, Player]):
        self.players = players
        self.step = 0
        self.since = 0  # steps in the window that the next row of the history averages
        self.window: Losses = {}
        self.rows: list[tuple[int, Losses]] = []
        first = next(iter(self.parameters.values()))
        self.failed = torch.zeros(len(first), dtype=torch.bool, device=first.device)
        self.origins: list[dict] = []

    @property
    def parameters(self) -> Parameters:
        """Those of the model."""
        return self.players[MODEL].parameters

    def begin(self, origin: dict) -> None:
        """Note where and with what the next steps are computed, unless it is as before."""
        same = {"from_step": None}
        if not self.origins or self.origins[-1] | same != origin | same:
            self.origins.append({"from_step": self.step, **origin})

    def advance(self, problem: Problem, draws: Batches, descend: Descend | None = None) -> bool:
        """Make the next step, by `descend` if it is there; whether it ended a window."""
        draw = draws.at(self.step, problem.images.device)
        if descend is None:
            self.descend(problem, draw)
        else:
            descend(draw)
        steps = problem.training.steps
        ended = self.step % max(1, steps // 100) == 0 or self.step == steps
        if ended:
            self.log()
        return ended

    def descend(self, problem: Problem, draw: Draw) -> None:
        """One step of every player of every member, at what it draws [member, ...]."""
        computed = self.update(problem, draw, number(self.step, problem))
        self.step += 1
        self.since += 1
        for name, value in computed.items():
            kept = self.window.get(name)
            self.window[name] = value if kept is None else kept + value

    def update(self, problem: Problem, draw: Draw, step: Tensor) -> Losses:
        """What of a step changes parameters and moments; the loss and its terms [member] before."""
        losses, terms = losses_of(self.players, problem, draw, step)
        for player in self.players.values():
            player.forget()
        losses.sum().backward()  # not `grad`: each gradient lies in memory as its parameter does
        for player in self.players.values():
            player.descend(step)
        return {name: value.detach() for name, value in terms.items()}

    def log(self) -> None:
        """A row of the history: every term's mean over the window; notes who has diverged."""
        row = {name: (total / self.since).cpu() for name, total in self.window.items()}
        self.rows.append((self.step, row))
        self.failed |= ~torch.isfinite(torch.stack(list(self.window.values()))).all(0)
        self.window, self.since = {}, 0

    @property
    def last_loss(self) -> float:
        """The mean over members of the loss as last logged."""
        return self.rows[-1][1]["loss"].mean().item()

    def table(self, seeds: list[int]) -> pd.DataFrame:
        """The history: seed, step, every term of the loss and what the objective shows."""
        return pd.DataFrame(
            {"seed": seed, "step": step, **{name: t[i].item() for name, t in terms.items()}}
            for i, seed in enumerate(seeds)
            for step, terms in self.rows
        )


def number(step: int, problem: Problem) -> Tensor:
    """A step's number as an objective and the optimiser see it: a scalar where they compute."""
    return torch.tensor(float(step), dtype=torch.float64, device=problem.images.device)


def losses_of(
    players: dict[str, Player], problem: Problem, draw: Draw, step: Tensor
) -> tuple[Tensor, Losses]:
    """What every member descends [member], and its terms, at what a step draws."""
    parameters = {name: player.parameters for name, player in players.items()}
    x = problem.images.seen(draw.rows, draw.keys)
    return member_losses(problem, parameters, x, draw, step)


def settings(problem: Problem) -> dict[str, Settings]:
    """How each player descends."""
    critic = problem.critic
    beside = {CRITIC: of_critic(critic)} if critic else {}
    return {MODEL: of_model(problem.training), **beside}


def fresh(problem: Problem, seeds: list[int]) -> State:
    """The state of these members before their first step."""
    starts = {MODEL: [problem.model.initialise(generator(seed, INITIAL)) for seed in seeds]}
    if critic := problem.critic:
        rngs = (generator(seed, INITIAL_CRITIC) for seed in seeds)
        starts[CRITIC] = [initial_critic(critic, problem.model, rng) for rng in rngs]
    ways = settings(problem)
    return State(
        {name: Player(_stacked(members, problem), ways[name]) for name, members in starts.items()}
    )


def initial_critic(critic: Critic, model: VAE, rng: np.random.Generator) -> Parameters:
    """A fresh critic of a model's codes."""
    return layers.initialise(critic.layers, (model.code_size,), rng, CRITIC, model.initialisation)


def _stacked(members: list[Parameters], problem: Problem) -> Parameters:
    """The members' parameters as one [member, ...], on the device."""
    return {
        name: torch.stack([m[name] for m in members]).to(problem.images.device)
        for name in members[0]
    }


@torch.no_grad()
def blown_up(state: State, problem: Problem, seeds: list[int], draws: Batches) -> Tensor:
    """Which members ended far worse than untrained networks do on the last batch [member]."""
    last = state.step - 1
    draw, step = draws.at(last, problem.images.device), number(last, problem)
    _, terms = losses_of(state.players, problem, draw, step)
    _, untrained = losses_of(fresh(problem, seeds).players, problem, draw, step)
    judged = terms["loss"], untrained["loss"], untrained["distortion"]
    rows = torch.stack([values.double() for values in judged], dim=1).tolist()
    ends = problem.model.likelihood.ends(prod(problem.model.shape))
    failed = [divergence.blown_up(loss, first, lost, ends) for loss, first, lost in rows]
    return torch.tensor(failed, device=state.failed.device)
