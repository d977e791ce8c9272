"""The model file: the parameters of a pack's members, and where they come from."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from disentbench.errors import UserError
from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE
from disentbench.storage import seals
from disentbench.storage.identities import Identity


class Saved(NamedTuple):
    """A model file: parameters [member, ...], which members diverged [member], and its origins.

    `fingerprint` is of the recipe, the code and the images, `origins` say where and with what code
    it was trained. `recipe` is the text of the pack's recipe, which files of before do not have,
    `history` that of the history as CSV where no file beside has it.
    """

    fingerprint: str
    parameters: Parameters
    failed: Tensor
    origins: list[dict]
    recipe: str = ""
    history: str = ""

    def member(self, i: int, device: torch.device) -> Parameters:
        """One member's parameters; NaN where it diverged, and so will be all that it encodes."""
        parameters = {name: stacked[i].to(device) for name, stacked in self.parameters.items()}
        return (
            {name: p * torch.nan for name, p in parameters.items()}
            if self.failed[i]
            else parameters
        )


def save(path: Path, content: dict, identity: Identity | None = None) -> None:
    """Write tensors and plain data as torch does, sealed; an error of the disk is an OSError."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with seals.sealed(path, identity) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: Path) -> Saved:
    """A model file, read as data."""
    seals.check_seal(path)
    try:
        saved = Saved(**torch.load(path, map_location="cpu", weights_only=True))
        if not (isinstance(saved.recipe, str) and isinstance(saved.history, str)):
            raise TypeError
        return saved
    except Exception as error:  # a mangled file fails in many ways, all of them the file's
        raise UserError(f"{path} cannot be read as a model: {type(error).__name__}") from None


def require_fit(saved: Saved, model: VAE, runs: int) -> None:
    """Refuse parameters that are not those of so many runs of this model."""
    expected = {
        name: (runs, *p.shape) for name, p in model.initialise(np.random.default_rng(0)).items()
    }
    try:
        shapes = {name: tuple(p.shape) for name, p in saved.parameters.items()}
        fits = shapes == expected and tuple(saved.failed.shape) == (runs,)
    except (AttributeError, TypeError):
        fits = False
    if not fits:
        raise UserError("the model file does not hold the parameters that the study's model has")
