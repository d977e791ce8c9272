"""Where the state of some members is kept while they train, so that a killed training goes on."""

import time
import warnings
from pathlib import Path

import torch

from disentbench.models import model_file
from disentbench.storage import seals
from disentbench.storage.layout import CheckpointFolder
from disentbench.training.interruption import Interruption
from disentbench.training.loss import Problem
from disentbench.training.state import Moments, State

SAVING_SHARE = 0.02  # of the time, at most, goes into checkpoints
KEPT = ("step", "since", "window", "rows", "failed", "origins")


class Checkpoint:
    """The file of some members; `fingerprint` is what a state must be of to be resumed."""

    def __init__(
        self,
        folder: Path,
        seeds: list[int],
        seconds: float,
        interruption: Interruption,
        fingerprint: str,
    ):
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
        """The state of this very problem, or None; a damaged checkpoint is named."""
        if not self.path.exists():
            return None
        try:
            seals.check_seal(self.path)
            saved = torch.load(self.path, map_location=problem.images.device, weights_only=True)
        except Exception as error:  # a damaged file fails in many ways; training can begin again
            warnings.warn(f"{error}; training begins anew", stacklevel=2)
            return None
        if not isinstance(saved, dict) or saved.get("fingerprint") != self.fingerprint:
            return None
        state = State(saved["parameters"], problem)
        state.moments = Moments(**saved["moments"])
        for name in KEPT:
            setattr(state, name, saved[name])
        return state


def content(state: State, fingerprint: str) -> dict:
    """All that a checkpoint holds."""
    return {
        "fingerprint": fingerprint,
        "parameters": state.detached,
        "moments": state.moments._asdict(),
        **{name: getattr(state, name) for name in KEPT},
    }
