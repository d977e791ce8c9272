"""Where the state of some members is kept while they train, so that a killed training goes on.

It may go on with fewer members side by side, as on a smaller GPU: theirs is taken out of the state
of all.
"""

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from disentbench.models import model_file
from disentbench.storage import seals
from disentbench.storage.layout import CheckpointFolder
from disentbench.storage.provenance import shared
from disentbench.training.interruption import Interruption
from disentbench.training.loss import Problem
from disentbench.training.optimiser import Moments, Player
from disentbench.training.state import State, settings

SAVING_SHARE = 0.02  # of the time, at most, goes into checkpoints
KEPT = ("step", "since", "window", "rows", "failed", "origins")


class StateFile(NamedTuple):
    """A checkpoint that is whole and of this very training: whose state it is, and how far on."""

    path: Path
    seeds: range
    step: int

    def holds(self, seeds: Sequence[int]) -> bool:
        """Whether the state of all these members is in it."""
        return seeds[0] in self.seeds and seeds[-1] in self.seeds


def state_files(folder: Path, fingerprint: str) -> list[StateFile]:
    """The checkpoints in a folder that can be resumed; damaged ones are named."""
    return [
        StateFile(path, seeds, saved["step"])
        for seeds, path in CheckpointFolder(folder).all_states()
        if (saved := _read(path, fingerprint))
    ]


class Checkpoint:
    """The file of some members; `fingerprint` is what a state must be of to be resumed.

    They are resumed from that one of the files `found` which is furthest on and holds them all.
    """

    def __init__(
        self,
        folder: Path,
        seeds: list[int],
        seconds: float,
        interruption: Interruption,
        fingerprint: str,
        *,
        found: Sequence[StateFile] = (),
    ):
        self.seeds = seeds
        self.found = [file for file in found if file.holds(seeds)]
        self.path = CheckpointFolder(folder).state(seeds)
        self.seconds = seconds
        self.interruption = interruption
        self.fingerprint = fingerprint
        self.next = time.monotonic() + seconds

    @property
    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() >= self.next

    def save(self, state: State) -> bool:
        """Write the state, whole or not at all; a failure is a warning, and the training goes on.

        The next one is due after `seconds`, or later if saving would cost more than its share.
        """
        self.interruption.require_lock()
        began = time.monotonic()
        try:
            model_file.save(self.path, content(state, self.fingerprint))
            return True
        except OSError as error:  # a full disk, say; it may have room again by the next time
            warnings.warn(f"no checkpoint could be written: {error}", stacklevel=2)
            return False
        finally:
            now = time.monotonic()
            self.next = now + max(self.seconds, (now - began) / SAVING_SHARE)

    def resumed(self, problem: Problem) -> State | None:
        """The state of these members, or None if no file holds it."""
        if not self.found:
            return None
        furthest = max(self.found, key=lambda file: file.step)
        saved = _read(furthest.path, self.fingerprint)
        if saved is None:
            return None
        first = furthest.seeds.index(self.seeds[0])
        state = restored(saved, slice(first, first + len(self.seeds)), problem)
        share = len(self.seeds) / len(furthest.seeds)
        state.origins = [shared(origin, share) for origin in state.origins]
        return state


def _read(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """What a checkpoint holds, on the host; None for one that is damaged or of another training."""
    try:
        seals.check_seal(path)
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways; training can begin again
        warnings.warn(f"{error}; training begins anew, or from another checkpoint", stacklevel=2)
        return None
    mine = isinstance(saved, dict) and saved.get("fingerprint") == fingerprint
    return saved if mine else None


def content(state: State, fingerprint: str) -> dict:
    """All that a checkpoint holds."""
    return {
        "fingerprint": fingerprint,
        "players": {
            name: {"parameters": player.detached, "moments": player.moments._asdict()}
            for name, player in state.players.items()
        },
        **{name: getattr(state, name) for name in KEPT},
    }


def restored(saved: dict[str, Any], members: slice, problem: Problem) -> State:
    """The state of some of the members whose checkpoint holds all this."""
    kept = _of_members(saved, members, problem.images.device)
    state = State(
        {
            name: Player(
                player["parameters"], settings(problem)[name], Moments(**player["moments"])
            )
            for name, player in kept["players"].items()
        }
    )
    for name in KEPT:
        setattr(state, name, kept[name])
    return state


def _of_members(kept: Any, members: slice, device: torch.device) -> Any:
    """The same with these members alone in every tensor [member, ...]; a scalar is of them all."""
    if isinstance(kept, Tensor):
        return kept[members].to(device, copy=True) if kept.ndim else kept.to(device)
    if isinstance(kept, dict):
        return {name: _of_members(value, members, device) for name, value in kept.items()}
    if isinstance(kept, list | tuple):
        return type(kept)(_of_members(value, members, device) for value in kept)
    return kept
