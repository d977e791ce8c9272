"""Posteriors of the evaluation images under every trained member of a pack."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from disentbench import draws, files
from disentbench.divergence import beyond
from disentbench.errors import UserError
from disentbench.latents import Encoded
from disentbench.model import VAE, distortion, sample
from disentbench.networks import Parameters
from disentbench.representation import Posterior
from disentbench.resident import Resident

CHUNK = 1024  # images encoded at once


class Saved(NamedTuple):
    """A model file: parameters [member, ...], which members diverged [member], and its origins.

    `fingerprint` is of the recipe, `origins` say where and with what code it was trained.
    """

    fingerprint: str
    parameters: Parameters
    failed: Tensor
    origins: list[dict]

    def member(self, i: int, device: torch.device) -> Parameters:
        """One member's parameters; NaN where it diverged, and so will be all that it encodes."""
        own = {name: stacked[i].to(device) for name, stacked in self.parameters.items()}
        return {name: p * torch.nan for name, p in own.items()} if self.failed[i] else own


def load(path: Path) -> Saved:
    """A model file, read as data."""
    files.check_seal(path)
    try:
        return Saved(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a mangled file fails in many ways, all of them the file's
        raise UserError(f"{path} cannot be read as a model: {type(error).__name__}") from None


def require_fit(saved: Saved, model: VAE, runs: int) -> None:
    """Refuse parameters that are not those of so many runs of this model."""
    expected = {
        name: (runs, *p.shape) for name, p in model.initialise(np.random.default_rng(0)).items()
    }
    try:
        found = {name: tuple(p.shape) for name, p in saved.parameters.items()}
        fits = found == expected and tuple(saved.failed.shape) == (runs,)
    except (AttributeError, TypeError):
        fits = False
    if not fits:
        raise UserError("the model file does not hold the parameters that the study's model has")


@torch.inference_mode()
def encode(
    model: VAE, saved: Saved, images: Resident, seeds: range, device: torch.device
) -> Iterator[Encoded]:
    """q(z | x) and the distortion of one sample of every image, member after member."""
    for i, seed in enumerate(seeds):
        parameters, failed = saved.member(i, device), bool(saved.failed[i])
        rngs = tuple(draws.generator(seed, draws.EVALUATION, part) for part in range(2))
        chunks = [
            _encode_chunk(model, parameters, images[index], rngs)
            for index in torch.arange(len(images), device=device).split(CHUNK)
        ]
        posteriors, distortions = zip(*chunks, strict=True)
        yield _judged(Encoded(seed, _joined(posteriors), np.concatenate(distortions), failed))


def _judged(run: Encoded) -> Encoded:
    """A run as it is, or, where it has diverged by what it encodes, marked and nothing but NaN."""
    mean, logvar, logits = run.posterior
    if not run.failed and not beyond(mean, logvar, *logits.values(), run.distortion):
        return run
    nothing = Posterior(mean * np.nan, logvar * np.nan, {g: x * np.nan for g, x in logits.items()})
    return Encoded(run.seed, nothing, run.distortion * np.nan, True)


def _encode_chunk(model: VAE, parameters: Parameters, x: Tensor, rngs) -> tuple:
    """q(z | x) and the distortion of a sample of it, the classes drawn exactly."""
    posterior = model.encode(parameters, x)
    noise = draws.noise(rngs, model, len(x)).to(x.device)
    _, code = sample(posterior, noise, temperature=0.0)
    return posterior, distortion(model.decode(parameters, code), x).cpu().numpy()


def _joined(chunks: tuple[Posterior, ...]) -> Posterior:
    """The chunks of one member's posterior as arrays."""

    def join(parts) -> np.ndarray:
        return torch.cat(list(parts)).cpu().numpy()

    return Posterior(
        join(chunk.mean for chunk in chunks),
        join(chunk.logvar for chunk in chunks),
        {name: join(chunk.logits[name] for chunk in chunks) for name in chunks[0].logits},
    )
