"""Adam for the members of a pack at once, each as if it were alone.

Adam is elementwise, so members of one stacked tensor stay independent; the norm of a gradient is
taken of each member's own.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim.adam import adam

from disentbench.models.layers import Parameters
from disentbench.objectives import Critic
from disentbench.recipe import Training

TINY = 1e-6  # beside a norm of nought, as in torch.nn.utils.clip_grad_norm_


class Settings(NamedTuple):
    """How a player descends: what `Training` says of a model's Adam, or an objective of a critic's.

    `steps` are those of the whole training, after which a cosine is nought.
    """

    learning_rate: float
    betas: tuple[float, float]
    warm_up: int = 0
    cosine: bool = False
    steps: int = 1
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def rate(self, step: Tensor) -> float | Tensor:
        """The learning rate at a step; a number if it is the same at all."""
        rate: float | Tensor = self.learning_rate
        if self.warm_up:
            rate = rate * ((step + 1) / self.warm_up).clamp(max=1.0)
        if self.cosine:
            gone = ((step - self.warm_up) / max(1, self.steps - self.warm_up)).clamp(min=0.0)
            rate = rate * (1 + (math.pi * gone).cos()) / 2
        return rate


def of_model(training: Training) -> Settings:
    """The settings that a study gives its models."""
    return Settings(
        training.learning_rate,
        training.adam_betas,
        training.warm_up,
        training.learning_rate_schedule == "cosine",
        training.steps,
        training.weight_decay,
        training.clip_norm,
    )


def of_critic(critic: Critic) -> Settings:
    """The settings that an objective gives its critic."""
    return Settings(critic.learning_rate, critic.adam_betas)


class Moments(NamedTuple):
    """Adam's running means of every parameter's gradient and of its square, and how many steps.

    `torch.optim.Adam` is the same kernel; it only loads torch's compiler first, which takes longer
    than a small training.
    """

    first: list[Tensor]
    second: list[Tensor]
    steps: list[Tensor]


def begun(parameters: list[Tensor]) -> Moments:
    """The moments of parameters before their first step."""
    return Moments(
        [torch.zeros_like(p) for p in parameters],
        [torch.zeros_like(p) for p in parameters],
        [torch.zeros((), device=p.device) for p in parameters],
    )


class Player:
    """A network that learns: its parameters [member, ...] and what its Adam remembers of them."""

    def __init__(self, parameters: Parameters, settings: Settings, moments: Moments | None = None):
        self.parameters = {name: p.requires_grad_() for name, p in parameters.items()}
        self.settings = settings
        self.moments = moments or begun(list(self.parameters.values()))

    @property
    def detached(self) -> Parameters:
        return {name: p.detach().cpu() for name, p in self.parameters.items()}

    @property
    def tensors(self) -> list[Tensor]:
        """All that a step changes in place."""
        return [*self.parameters.values(), *(t for kind in self.moments for t in kind)]

    def forget(self) -> None:
        """Let go of the last step's gradients."""
        for p in self.parameters.values():
            p.grad = None

    @torch.no_grad()
    def descend(self, step: Tensor) -> None:
        """One step of Adam (Kingma and Ba 2015, algorithm 1) along the gradients, in place."""
        parameters = list(self.parameters.values())
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        rate, (beta1, beta2) = self.settings.rate(step), self.settings.betas
        if self.settings.clip_norm is not None:
            clip(gradients, self.settings.clip_norm)
        if self.settings.weight_decay:
            shrink(parameters, rate * self.settings.weight_decay)
        adam(
            *(parameters, gradients, *self.moments[:2], [], self.moments.steps),
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=rate.float() if isinstance(rate, Tensor) else rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )


def clip(gradients: list[Tensor], largest: float) -> None:
    """Scale each member's gradients [member, ...] so that their norm together is at most that."""
    squares = [g.flatten(1).square().sum(1) for g in gradients]
    norms = torch.stack(squares).sum(0).sqrt()
    shares = (largest / (norms + TINY)).clamp(max=1.0)
    for g in gradients:
        g.mul_(shares.view(-1, *[1] * (g.dim() - 1)))


def shrink(parameters: list[Tensor], share: float | Tensor) -> None:
    """Take a share of every parameter from it."""
    for p in parameters:
        p.mul_(1 - share)
