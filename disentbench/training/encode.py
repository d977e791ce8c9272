"""Posteriors of the evaluation images under every trained member of a pack."""

from collections.abc import Iterable, Iterator
from math import prod

import numpy as np
import torch
from torch import Tensor

from disentbench.models.device_images import Resident
from disentbench.models.layers import Parameters
from disentbench.models.model_file import Saved
from disentbench.models.vae import VAE, sample
from disentbench.posterior import Posterior
from disentbench.posterior.divergence import beyond
from disentbench.seeds import generator
from disentbench.storage.latents_file import Encoded
from disentbench.training.randomness import EVALUATION, Generators, noise

CHUNKS = {"cuda": 8192}  # images encoded at once, by the type of the device
CHUNK = 1024  # on any other
CHUNK_PIXELS = 64 * 64  # of such images; of larger ones there are fewer at once


@torch.inference_mode()
def encode(
    model: VAE, saved: Saved, images: Resident, seeds: range, device: torch.device
) -> Iterator[Encoded]:
    """q(z | x) and the distortion of one sample of every image, member after member."""
    chunk = CHUNKS.get(device.type, CHUNK) * CHUNK_PIXELS // max(CHUNK_PIXELS, prod(images.shape))
    chunk = max(1, chunk)
    for i, seed in enumerate(seeds):
        parameters, failed = saved.member(i, device), bool(saved.failed[i])
        rngs = generator(seed, EVALUATION, 0), generator(seed, EVALUATION, 1)
        chunks = [
            _encode_chunk(model, parameters, images[index], rngs)
            for index in torch.arange(len(images), device=device).split(chunk)
        ]
        posteriors, distortions = zip(*chunks, strict=True)
        posterior = _joined(posteriors)
        yield _judged(Encoded(seed, *posterior, np.concatenate(distortions), failed))


def _judged(run: Encoded) -> Encoded:
    """A run as it is, or, where it has diverged by what it encodes, marked and nothing but NaN."""
    if not run.failed and not beyond(run.mean, run.logvar, *run.logits.values(), run.distortion):
        return run
    return Encoded(
        seed=run.seed,
        mean=run.mean * np.nan,
        logvar=run.logvar * np.nan,
        logits={group: values * np.nan for group, values in run.logits.items()},
        distortion=run.distortion * np.nan,
        failed=True,
    )


def _encode_chunk(
    model: VAE, parameters: Parameters, x: Tensor, rngs: Generators
) -> tuple[Posterior, np.ndarray]:
    """q(z | x) and the distortion of a sample of it, the classes drawn exactly."""
    posterior = model.encode(parameters, x)
    drawn = noise(rngs, model, len(x)).to(x.device)
    _, code = sample(posterior, drawn, temperature=0.0)
    output = model.decode(parameters, code)
    return posterior, model.likelihood.distortion(output, x).cpu().numpy()


def _joined(chunks: tuple[Posterior, ...]) -> Posterior:
    """The chunks of one member's posterior as arrays."""

    def join(parts: Iterable[Tensor]) -> np.ndarray:
        return torch.cat(list(parts)).cpu().numpy()

    return Posterior(
        join(chunk.mean for chunk in chunks),
        join(chunk.logvar for chunk in chunks),
        {name: join(chunk.logits[name] for chunk in chunks) for name in chunks[0].logits},
    )
