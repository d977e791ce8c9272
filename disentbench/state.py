"""Where the training of some members stands, and how one step changes it."""

import pandas as pd
import torch
from torch import Tensor

from disentbench import divergence
from disentbench.draws import INITIAL, Draws, generator
from disentbench.loss import Problem, member_losses
from disentbench.model import Noise
from disentbench.networks import Parameters


class State:
    """All that a training knows of some members between two steps; a checkpoint holds it."""

    def __init__(self, parameters: Parameters, problem: Problem):
        training = problem.training
        self.parameters = {name: p.requires_grad_() for name, p in parameters.items()}
        leaves = list(self.parameters.values())
        # Adam is elementwise, so members of one stacked tensor stay independent.
        self.adam = torch.optim.Adam(
            leaves, lr=training.learning_rate, betas=training.adam_betas, fused=True
        )
        self.step = 0
        self.since = 0  # steps in the window that the next row of the history averages
        self.window: dict[str, Tensor] = {}
        self.rows: list[tuple[int, dict[str, Tensor]]] = []
        self.failed = torch.zeros(leaves[0].shape[0], dtype=torch.bool, device=leaves[0].device)
        self.origins: list[dict] = []

    def begin(self, origin: dict) -> None:
        """Note where and with what the next steps are computed, unless it is as before."""
        same = {"from_step": None}
        if not self.origins or self.origins[-1] | same != origin | same:
            self.origins.append({"from_step": self.step, **origin})

    def advance(self, problem: Problem, draws: Draws) -> bool:
        """Make the next step; whether it ended a window of the history."""
        index, noise = draws.at(self.step, problem.images.device)
        self.descend(problem, problem.images[index], noise)
        steps = problem.training.steps
        ended = self.step % max(1, steps // 100) == 0 or self.step == steps
        if ended:
            self.log()
        return ended

    def descend(self, problem: Problem, x: Tensor, noise: Noise) -> None:
        """One step of Adam on a batch [member, image, ...] for every member."""
        losses, terms = member_losses(problem, self.parameters, x, noise, self.step)
        self.adam.zero_grad()
        losses.sum().backward()
        self.adam.step()
        self.step += 1
        self.since += 1
        for name, value in {"loss": losses, **terms}.items():
            kept = self.window.get(name)
            self.window[name] = value.detach() if kept is None else kept + value.detach()

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

    @property
    def detached(self) -> Parameters:
        return {name: p.detach().cpu() for name, p in self.parameters.items()}

    def table(self, seeds: list[int]) -> pd.DataFrame:
        """The history: seed, step and every term of the loss, in nats per image."""
        return pd.DataFrame(
            {"seed": seed, "step": step, **{name: t[i].item() for name, t in terms.items()}}
            for i, seed in enumerate(seeds)
            for step, terms in self.rows
        )


def fresh(problem: Problem, seeds: list[int]) -> State:
    """The state of these members before their first step."""
    members = [problem.model.initialise(generator(seed, INITIAL)) for seed in seeds]
    stacked = {
        name: torch.stack([m[name] for m in members]).to(problem.images.device)
        for name in members[0]
    }
    return State(stacked, problem)


@torch.no_grad()
def blown_up(state: State, problem: Problem, seeds: list[int], draws: Draws) -> Tensor:
    """Which members ended far worse than untrained networks do on the last batch [member]."""
    last = state.step - 1
    index, noise = draws.at(last, problem.images.device)
    x = problem.images[index]
    losses, _ = member_losses(problem, state.parameters, x, noise, last)
    untrained, terms = member_losses(problem, fresh(problem, seeds).parameters, x, noise, last)
    rows = torch.stack([losses, untrained, terms["distortion"]], dim=1).tolist()
    return torch.tensor([divergence.blown_up(*row) for row in rows], device=losses.device)
