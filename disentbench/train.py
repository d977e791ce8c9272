"""The training of a pack. Only this file knows that its runs may be trained as one.

A pack's tensors carry the member first: parameters [member, ...], batches [member, image, ...]. On
a GPU the members are vectorised by `torch.func.vmap`, on a CPU they follow one another. Initial
parameters, batch order and noise are functions of a member's seed and the step, so that a member
does not depend on its companions nor on interruptions.
"""

import hashlib
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor
from torch.func import vmap

from disentbench import files, plugins
from disentbench.datasets import Images
from disentbench.draws import INITIAL, Draws, generator
from disentbench.model import VAE, Noise, distortion, sample
from disentbench.networks import Parameters
from disentbench.objectives import Objective
from disentbench.objectives._terms import Terms
from disentbench.resident import Resident
from disentbench.study import Study, Training

DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}

Report = Callable[[int, int, float], None]  # seed, step, loss


class Trained(NamedTuple):
    """Parameters [member, ...], which members diverged [member], and the history as a table."""

    parameters: Parameters
    failed: Tensor
    history: pd.DataFrame


class Problem(NamedTuple):
    """What the members of a pack share."""

    model: VAE
    objective: Objective
    training: Training
    images: Resident
    fingerprint: str


def vae(study: Study) -> VAE:
    """The model that a study of a single pack trains."""
    (dataset,), objective = study.datasets, only_objective(study)
    return VAE(
        study.network,
        study.dataset(dataset).image_shape,
        study.latents,
        objective.structure().discrete,
        DTYPES[study.training.precision],
    )


def only_objective(study: Study) -> Objective:
    """The objective of a study of a single pack, its settings filled in."""
    (name,) = study.objectives
    ((_, objective),) = study.settings(name)
    return objective


def fingerprint(study: Study) -> str:
    """What a checkpoint must agree with to be resumed: the recipe and the files it is made from."""
    (name,) = study.objectives
    parts = [study.recipe(study.packs[0]).encode()]
    objective = study.objectives[name].get("of", name)
    for kind, file in (("objectives", objective), ("architectures", study.architecture["of"])):
        parts.append(plugins.source(kind, file).read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def train(
    study: Study,
    images: Images,
    device: torch.device,
    checkpoints: Path,
    *,
    vectorise: bool | None = None,
    seconds_between_checkpoints: float = 60,
    report: Report = lambda seed, step, loss: None,
) -> Trained:
    """Train the one pack of a study, resuming from what `checkpoints` holds.

    `vectorise` trains all members as one; by default on a GPU only.
    """
    (pack,) = study.packs
    problem = Problem(
        vae(study),
        only_objective(study),
        study.training,
        Resident(images, device),
        fingerprint(study),
    )
    together = device.type == "cuda" if vectorise is None else vectorise
    cohorts = [list(pack.seeds)] if together else [[seed] for seed in pack.seeds]
    done = [
        _train_members(problem, seeds, checkpoints, seconds_between_checkpoints, report)
        for seeds in cohorts
    ]
    return Trained(
        {name: torch.cat([part.parameters[name] for part in done]) for name in done[0].parameters},
        torch.cat([part.failed for part in done]),
        pd.concat([part.history for part in done], ignore_index=True),
    )


def _train_members(problem, seeds, checkpoints, seconds_between, report) -> Trained:
    """Train these seeds side by side, from scratch or from their checkpoint, to the last step."""
    path = checkpoints / f"seeds-{seeds[0]}-{seeds[-1]}.pt"
    state = _resumed(path, problem) or _fresh(problem, seeds)
    draws = Draws(seeds, problem.model, len(problem.images), problem.training.batch_size)
    steps, every = problem.training.steps, max(1, problem.training.steps // 100)
    saved = time.monotonic()
    for step in range(state.step, steps):
        index, noise = draws.at(step, problem.images.device)
        state.descend(problem, problem.images[index], noise)
        if state.step % every == 0 or state.step == steps:
            state.log()
            report(seeds[0], state.step, state.last_loss)
            if state.failed.all():
                break
        if time.monotonic() - saved >= seconds_between:
            state.save(path, problem)
            saved = time.monotonic()
    state.save(path, problem)
    return Trained(state.detached, state.failed.cpu(), state.table(seeds))


class State:
    """Where the training of some members stands: all that a checkpoint holds."""

    def __init__(self, parameters: Parameters, training: Training):
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

    def save(self, path: Path, problem: Problem) -> None:
        """Write a checkpoint, whole or not at all."""
        saved = {
            "fingerprint": problem.fingerprint,
            "parameters": self.detached,
            "adam": self.adam.state_dict(),
            **{name: getattr(self, name) for name in ("step", "since", "window", "rows", "failed")},
        }
        with files.whole(path) as temporary:
            torch.save(saved, temporary)


def _fresh(problem: Problem, seeds: list[int]) -> State:
    members = [problem.model.initialise(generator(seed, INITIAL)) for seed in seeds]
    stacked = {
        name: torch.stack([m[name] for m in members]).to(problem.images.device)
        for name in members[0]
    }
    return State(stacked, problem.training)


def _resumed(path: Path, problem: Problem) -> State | None:
    """The state in a checkpoint of this very problem, or None; one that is damaged is named."""
    if not path.exists():
        return None
    try:
        saved = torch.load(path, map_location=problem.images.device, weights_only=True)
    except Exception as error:  # a damaged file fails in many ways; training can begin again
        warnings.warn(f"{path} is damaged ({type(error).__name__}): starting anew", stacklevel=2)
        return None
    if saved["fingerprint"] != problem.fingerprint:
        return None
    state = State(saved["parameters"], problem.training)
    state.adam.load_state_dict(saved["adam"])
    for name in ("step", "since", "window", "rows", "failed"):
        setattr(state, name, saved[name])
    return state


def member_losses(
    problem: Problem, parameters: Parameters, x: Tensor, noise: Noise, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and terms [member] of every member on its own batch; vectorised if there are several."""

    def of_one(parameters, x, noise):
        return member_loss(problem, parameters, x, noise, step)

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
    posterior = problem.model.encode(parameters, x)
    z, code = sample(posterior, noise, structure.temperature)
    logits = problem.model.decode(parameters, code)
    terms = Terms(distortion(logits, x).mean(), posterior, z, structure, len(problem.images))
    loss = problem.objective.loss(terms, step)
    return loss, terms.computed()
