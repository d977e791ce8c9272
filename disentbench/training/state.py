"""Where the training of some members stands, and how one step changes it."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor
from torch.optim.adam import adam

from disentbench.models.layers import Parameters
from disentbench.models.vae import Noise
from disentbench.posterior import divergence
from disentbench.recipe import Training
from disentbench.seeds import generator
from disentbench.training.loss import Problem, member_losses
from disentbench.training.randomness import INITIAL, Batches

Descend = Callable[[Tensor, Noise], None]  # a step at positions [member, image] with this noise


class Moments(NamedTuple):
    """Adam's running means of every parameter's gradient and of its square, and how many steps.

    Adam is elementwise, so members of one stacked tensor stay independent. `torch.optim.Adam` is
    the same kernel; it only loads torch's compiler first, which takes longer than a small training.
    """

    first: list[Tensor]
    second: list[Tensor]
    steps: list[Tensor]

    @torch.no_grad()
    def update(self, parameters: list[Tensor], gradients: list[Tensor], training: Training) -> None:
        """One step of Adam (Kingma and Ba 2015, algorithm 1), in place."""
        beta1, beta2 = training.adam_betas
        adam(
            *(parameters, gradients, self.first, self.second, [], self.steps),
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=training.learning_rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )


class State:
    """All that a training knows of some members between two steps; a checkpoint holds it."""

    def __init__(self, parameters: Parameters, problem: Problem):
        self.parameters = {name: p.requires_grad_() for name, p in parameters.items()}
        leaves = list(self.parameters.values())
        self.moments = Moments(
            [torch.zeros_like(p) for p in leaves],
            [torch.zeros_like(p) for p in leaves],
            [torch.zeros((), device=p.device) for p in leaves],
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

    def advance(self, problem: Problem, draws: Batches, descend: Descend | None = None) -> bool:
        """Make the next step, by `descend` if it is there; whether it ended a window."""
        index, noise = draws.at(self.step, problem.images.device)
        if descend is None:
            self.descend(problem, problem.images[index], noise)
        else:
            descend(index, noise)
        steps = problem.training.steps
        ended = self.step % max(1, steps // 100) == 0 or self.step == steps
        if ended:
            self.log()
        return ended

    def descend(self, problem: Problem, x: Tensor, noise: Noise) -> None:
        """One step of Adam on a batch [member, image, ...] for every member."""
        computed = self.update(problem, x, noise, self.step)
        self.step += 1
        self.since += 1
        for name, value in computed.items():
            kept = self.window.get(name)
            self.window[name] = value if kept is None else kept + value

    def update(self, problem: Problem, x: Tensor, noise: Noise, step: int) -> dict[str, Tensor]:
        """What of a step changes parameters and moments; the loss and its terms [member] before."""
        losses, terms = member_losses(problem, self.parameters, x, noise, step)
        leaves = list(self.parameters.values())
        for p in leaves:
            p.grad = None
        losses.sum().backward()  # not `grad`: each gradient lies in memory as its parameter does
        self.moments.update(
            leaves, [p.grad for p in leaves if p.grad is not None], problem.training
        )
        return {name: value.detach() for name, value in {"loss": losses, **terms}.items()}

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
def blown_up(state: State, problem: Problem, seeds: list[int], draws: Batches) -> Tensor:
    """Which members ended far worse than untrained networks do on the last batch [member]."""
    last = state.step - 1
    index, noise = draws.at(last, problem.images.device)
    x = problem.images[index]
    losses, _ = member_losses(problem, state.parameters, x, noise, last)
    untrained, terms = member_losses(problem, fresh(problem, seeds).parameters, x, noise, last)
    rows = torch.stack([losses, untrained, terms["distortion"]], dim=1).tolist()
    return torch.tensor([divergence.blown_up(*row) for row in rows], device=losses.device)
