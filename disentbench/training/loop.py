"""The training of a pack: a loop that saves, reports and stops; state.py computes a step.

On a GPU the members are vectorised by `torch.func.vmap`, as many at once as its memory allows; on a
CPU each core trains one. Initial parameters, batch order and noise are functions of a member's seed
and the step, so that a member does not depend on its companions nor on interruptions.
"""

import hashlib
import math
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from disentbench import sources
from disentbench.errors import Stopped
from disentbench.models import packed
from disentbench.models.device_images import Resident
from disentbench.models.layers import Parameters
from disentbench.models.model_file import Saved
from disentbench.models.vae import vae_of
from disentbench.recipe import Recipe
from disentbench.storage.identities import Identity
from disentbench.storage.images import Images
from disentbench.storage.provenance import origin, summed
from disentbench.training import devices, parts, replay
from disentbench.training.checkpoint import Checkpoint, state_files
from disentbench.training.effort import Clock, Effort
from disentbench.training.interruption import Interruption
from disentbench.training.loss import MODEL, Problem
from disentbench.training.randomness import Batches, by_weights
from disentbench.training.state import State, blown_up, fresh

OnProgress = Callable[[list[int], int, float], None]  # seeds trained side by side, step, loss


class Trained(NamedTuple):
    """Parameters [member, ...], which members diverged [member], the history, and the origins.

    `origins` says where and with what code it was trained, from which step on, and what that took:
    more than one if a training was resumed elsewhere.
    """

    parameters: Parameters
    failed: Tensor
    history: pd.DataFrame
    origins: list[dict]


def made_of(recipe: Recipe, images: Images) -> Identity:
    """One word for the images and one for the code of a step, beside which the recipe stands."""
    code = sources.digest(*sources.training(*recipe.parts))
    return {"images": images.digest, "code": code}


def fingerprint(recipe: Recipe, images: Images) -> str:
    """What a checkpoint must agree with to be resumed: recipe, images, and code of a step."""
    parts = (recipe.text, *made_of(recipe, images).values())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def saved(recipe: Recipe, images: Images, trained: Trained) -> Saved:
    """What a model file holds of a training."""
    word = fingerprint(recipe, images)
    return Saved(word, trained.parameters, trained.failed, trained.origins, recipe.text)


def train(
    recipe: Recipe,
    images: Images,
    device: torch.device,
    checkpoints: Path,
    *,
    vectorise: bool | None = None,
    seconds_between_checkpoints: float = 60.0,
    report: OnProgress = lambda seeds, step, loss: None,
    interruption: Interruption | None = None,
    memory: parts.Memory | None = None,
) -> Trained:
    """Train a pack, resuming from what `checkpoints` holds.

    `vectorise` trains members as one, all that `memory` (None: the GPU's) has room for; by default
    on a GPU only. Raises Stopped, the state saved, after a signal that `interruption` has noted.
    """
    seeds = recipe.pack.seeds
    together = device.type == "cuda" if vectorise is None else vectorise
    resident = Resident(images, device, recipe.dataset)
    problem = problem_of(recipe, resident, together and len(seeds) > 1)
    problem = problem._replace(weighted=by_weights(recipe.dataset.weights(images.factors)))
    most = parts.most_members(problem, seeds, memory) if together else 1
    interruption, whose = interruption or Interruption(), fingerprint(recipe, images)
    found = state_files(checkpoints, whose)
    kept = (seconds_between_checkpoints, interruption, whose)
    effort = Effort(origin(devices.name(device)) | devices.processor(device), Clock())

    def trained(part: list[int]) -> Trained:
        checkpoint = Checkpoint(checkpoints, part, *kept, found=found)
        return _train_members(problem, part, checkpoint, report, interruption, effort=effort)

    cohorts = parts.cut(seeds, most, [file.seeds for file in found])
    done = _side_by_side(trained, cohorts, 1 if together else torch.get_num_threads())
    return Trained(
        {
            name: torch.cat([cohort.parameters[name] for cohort in done])
            for name in done[0].parameters
        },
        torch.cat([cohort.failed for cohort in done]),
        pd.concat([cohort.history for cohort in done], ignore_index=True),
        summed(origin for cohort in done for origin in cohort.origins),
    )


def _side_by_side(
    trained: Callable[[list[int]], Trained], cohorts: list[list[int]], threads: int
) -> list[Trained]:
    """Each cohort trained, as many at once as there are threads, which they share."""
    workers = min(threads, len(cohorts))
    if workers == 1:
        return [trained(seeds) for seeds in cohorts]
    share = {"initializer": torch.set_num_threads, "initargs": (threads // workers,)}
    with ThreadPoolExecutor(workers, **share) as pool:
        futures = [pool.submit(trained, seeds) for seeds in cohorts]
        try:
            return [future.result() for future in futures]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def problem_of(recipe: Recipe, images: Resident, together: bool) -> Problem:
    """What a recipe trains; members together have their convolutions computed at once on a GPU."""
    model = vae_of(recipe)
    if together:
        model = replace(model, apply=packed.apply_for(model, images.device))
    return Problem(model, recipe.objective, recipe.training, images)


def batches_of(problem: Problem, seeds: list[int]) -> Batches:
    """What is drawn for these seeds at each step; for a GPU, ahead of it."""
    return Batches(problem, seeds, ahead=problem.images.device.type == "cuda")


def _train_members(
    problem: Problem,
    seeds: list[int],
    checkpoint: Checkpoint,
    report: OnProgress,
    interruption: Interruption,
    *,
    effort: Effort,
) -> Trained:
    """Train these seeds side by side, from scratch or from their checkpoint, to the last step."""
    state = checkpoint.resumed(problem) or fresh(problem, seeds)
    draws = batches_of(problem, seeds)
    report(seeds, state.step, math.nan)
    if state.step == problem.training.steps:
        return _trained(state, seeds)
    effort.begin(state)
    recording = replay.recorded(state, problem, draws)
    while state.step < problem.training.steps:
        if state.advance(problem, draws, recording):
            report(seeds, state.step, state.last_loss)
            if state.failed.all():
                break
            if state.step == problem.training.steps:
                state.failed |= blown_up(state, problem, seeds, draws)
        if interruption.signal is not None:
            effort.end(state)
            _stop(state, checkpoint, problem, interruption.signal)
        if checkpoint.due:
            effort.note(state)
            checkpoint.save(state)
    effort.end(state)
    checkpoint.save(state)
    return _trained(state, seeds)


def _trained(state: State, seeds: list[int]) -> Trained:
    """What has come of it."""
    parameters = state.players[MODEL].detached
    return Trained(parameters, state.failed.cpu(), state.table(seeds), state.origins)


def _stop(state: State, checkpoint: Checkpoint, problem: Problem, number: int) -> None:
    """Save and leave, as a signal asks."""
    kept = checkpoint.save(state)
    done = f"step {state.step} of {problem.training.steps}"
    kept = "is saved; the same command goes on from there" if kept else "could not be saved"
    raise Stopped(f"stopped by {signal.Signals(number).name}; {done} {kept}", number)
