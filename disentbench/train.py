"""The training of a pack. Only this file knows that its runs may be trained as one.

A pack's tensors carry the member first: parameters [member, ...], batches [member, image, ...]. On
a GPU the members are vectorised by `torch.func.vmap`, on a CPU they follow one another. Initial
parameters, batch order and noise are functions of a member's seed and the step, so that a member
does not depend on its companions nor on interruptions.
"""

import hashlib
import io
import math
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor
from torch.func import vmap

from disentbench import devices, files, plugins
from disentbench.datasets import Images
from disentbench.divergence import blown_up
from disentbench.draws import INITIAL, Draws, generator
from disentbench.errors import Stopped
from disentbench.model import VAE, Noise, distortion, sample
from disentbench.networks import Parameters
from disentbench.objectives import Objective
from disentbench.objectives._terms import Terms
from disentbench.provenance import origin, unique
from disentbench.resident import Resident
from disentbench.study import Study, Training
from disentbench.supervision import Supervision

DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}

SAVING_SHARE = 0.02  # of the time, at most, goes into checkpoints

Report = Callable[[list[int], int, float], None]  # seeds trained side by side, step, loss


class Trained(NamedTuple):
    """Parameters [member, ...], which members diverged [member], the history, and the origins.

    `origins` says where and with what code it was trained, and from which step on: more than one
    if a training was resumed elsewhere.
    """

    parameters: Parameters
    failed: Tensor
    history: pd.DataFrame
    origins: list[dict]


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
    seconds_between_checkpoints: float = 60.0,
    report: Report = lambda seeds, step, loss: None,
    supervision: Supervision | None = None,
) -> Trained:
    """Train the one pack of a study, resuming from what `checkpoints` holds.

    `vectorise` trains all members as one; by default on a GPU only. Raises Stopped, the state
    saved, after a signal that `supervision` has noted.
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
    supervision = supervision or Supervision()
    done = [
        _train_members(
            problem,
            seeds,
            Checkpoint(checkpoints, seeds, seconds_between_checkpoints, supervision),
            report,
            supervision,
        )
        for seeds in cohorts
    ]
    return Trained(
        {name: torch.cat([part.parameters[name] for part in done]) for name in done[0].parameters},
        torch.cat([part.failed for part in done]),
        pd.concat([part.history for part in done], ignore_index=True),
        unique(origin for part in done for origin in part.origins),
    )


def _train_members(problem, seeds, checkpoint, report, supervision) -> Trained:
    """Train these seeds side by side, from scratch or from their checkpoint, to the last step."""
    state = checkpoint.resumed(problem) or _fresh(problem, seeds)
    draws = Draws(seeds, problem.model, len(problem.images), problem.training.batch_size)
    steps, every = problem.training.steps, max(1, problem.training.steps // 100)
    report(seeds, state.step, math.nan)
    if state.step == steps:
        return state.trained(seeds)
    state.begin(origin(devices.name(problem.images.device)))
    for step in range(state.step, steps):
        index, noise = draws.at(step, problem.images.device)
        state.descend(problem, problem.images[index], noise)
        if state.step % every == 0 or state.step == steps:
            state.log()
            report(seeds, state.step, state.last_loss)
            if state.failed.all():
                break
            if state.step == steps:
                state.failed |= _blown_up(problem, seeds, state, index, noise)
        if supervision.signal is not None:
            _stop(state, checkpoint, problem, supervision.signal)
        if checkpoint.due:
            checkpoint.save(state, problem)
    checkpoint.save(state, problem)
    return state.trained(seeds)


@torch.no_grad()
def _blown_up(problem, seeds, state, index, noise) -> Tensor:
    """Which members ended far worse than untrained networks do on the last batch [member]."""
    last, x = state.step - 1, problem.images[index]
    losses, _ = member_losses(problem, state.parameters, x, noise, last)
    fresh = _fresh(problem, seeds).parameters
    untrained, terms = member_losses(problem, fresh, x, noise, last)
    rows = torch.stack([losses, untrained, terms["distortion"]], dim=1).tolist()
    return torch.tensor([blown_up(*row) for row in rows], device=losses.device)


def _stop(state, checkpoint, problem, number) -> None:
    """Save and leave, as a signal asks."""
    kept = checkpoint.save(state, problem)
    done = f"step {state.step} of {problem.training.steps}"
    kept = "is saved; the same command goes on from there" if kept else "could not be saved"
    raise Stopped(f"stopped by {signal.Signals(number).name}; {done} {kept}", number)


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
        self.origins: list[dict] = []

    def begin(self, origin: dict) -> None:
        """Note where and with what the next steps are computed, unless it is as before."""
        same = {"from_step": None}
        if not self.origins or self.origins[-1] | same != origin | same:
            self.origins.append({"from_step": self.step, **origin})

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

    def trained(self, seeds: list[int]) -> Trained:
        """What has come of it."""
        return Trained(self.detached, self.failed.cpu(), self.table(seeds), self.origins)

    def table(self, seeds: list[int]) -> pd.DataFrame:
        """The history: seed, step and every term of the loss, in nats per image."""
        return pd.DataFrame(
            {"seed": seed, "step": step, **{name: t[i].item() for name, t in terms.items()}}
            for i, seed in enumerate(seeds)
            for step, terms in self.rows
        )


KEPT = ("step", "since", "window", "rows", "failed", "origins")


class Checkpoint:
    """Where the state of some members is kept while they train."""

    def __init__(self, folder: Path, seeds: list[int], seconds: float, supervision: Supervision):
        self.path = folder / f"seeds-{seeds[0]}-{seeds[-1]}.pt"
        self.seconds = seconds
        self.supervision = supervision
        self.next = time.monotonic() + seconds

    @property
    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() >= self.next

    def save(self, state: State, problem: Problem) -> bool:
        """Write the state, whole or not at all; a failure is a warning, and the training goes on.

        The next one is due after `seconds`, or later if saving would cost more than its share.
        """
        self.supervision.require_lock()
        began = time.monotonic()
        try:
            save(self.path, _content(state, problem))
            return True
        except OSError as error:  # a full disk, say; it may have room again by the next time
            warnings.warn(f"no checkpoint could be written: {error}", stacklevel=2)
            return False
        finally:
            now = time.monotonic()
            self.next = now + max(self.seconds, (now - began) / SAVING_SHARE)

    def resumed(self, problem: Problem) -> State | None:
        """The state of this very problem, or None; a damaged checkpoint is named."""
        if not self.path.exists():
            return None
        try:
            files.check_seal(self.path)
            saved = torch.load(self.path, map_location=problem.images.device, weights_only=True)
        except Exception as error:  # a damaged file fails in many ways; training can begin again
            warnings.warn(f"{error}; training begins anew", stacklevel=2)
            return None
        if not isinstance(saved, dict) or saved.get("fingerprint") != problem.fingerprint:
            return None
        state = State(saved["parameters"], problem.training)
        state.adam.load_state_dict(saved["adam"])
        for name in KEPT:
            setattr(state, name, saved[name])
        return state


def save(path: Path, content: dict) -> None:
    """Write tensors and plain data as torch does, sealed; an error of the disk is an OSError."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with files.sealed(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _content(state: State, problem: Problem) -> dict:
    """All that a checkpoint holds."""
    return {
        "fingerprint": problem.fingerprint,
        "parameters": state.detached,
        "adam": state.adam.state_dict(),
        **{name: getattr(state, name) for name in KEPT},
    }


def _fresh(problem: Problem, seeds: list[int]) -> State:
    members = [problem.model.initialise(generator(seed, INITIAL)) for seed in seeds]
    stacked = {
        name: torch.stack([m[name] for m in members]).to(problem.images.device)
        for name in members[0]
    }
    return State(stacked, problem.training)


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
