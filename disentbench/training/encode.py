"""Posteriors of the evaluation images under every trained member of a pack.

An image has its noise by its place in the data set: the same, whichever others are encoded. Its
latents are then the same as well, but for the last digit where a product of few rows, those of a
last chunk say, is summed in another order.
"""

from collections.abc import Iterator
from math import prod

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from disentbench.models.device_images import Resident
from disentbench.models.layers import Parameters
from disentbench.models.model_file import Saved
from disentbench.models.vae import VAE, Noise, sample
from disentbench.posterior import Posterior
from disentbench.posterior.divergence import beyond
from disentbench.seeds import generator
from disentbench.storage.latents_file import Encoded
from disentbench.training.randomness import EVALUATION, noise

CHUNKS = {"cuda": 8192}  # images encoded at once, by the type of the device
CHUNK = 1024  # on any other
CHUNK_PIXELS = 64 * 64  # of such images; of larger ones there are fewer at once


@torch.inference_mode()
def encode(
    model: VAE,
    saved: Saved,
    images: Resident,
    seeds: range,
    device: torch.device,
    *,
    rows: Int[np.ndarray, " image"] | None = None,
) -> Iterator[Encoded]:
    """q(z | x) and the distortion of one sample of each image, member after member.

    Of the images at `rows`, in rising order; of every image where there are none.
    """
    places = np.arange(len(images)) if rows is None else rows
    most = CHUNKS.get(device.type, CHUNK)
    chunk = max(1, most * CHUNK_PIXELS // max(CHUNK_PIXELS, prod(images.shape)))
    for i, seed in enumerate(seeds):
        parameters, failed = saved.member(i, device), bool(saved.failed[i])
        rngs = generator(seed, EVALUATION, 0), generator(seed, EVALUATION, 1)
        run, passed = _unfilled(model, len(places), seed, failed), 0
        for first in range(0, len(places), chunk):
            at = places[first : first + chunk]
            between = noise(rngs, model, int(at[-1]) + 1 - passed)
            drawn = Noise(*(values[at - passed] for values in between))
            passed = int(at[-1]) + 1
            x = images[torch.as_tensor(at, device=device)]
            _fill(run, slice(first, first + chunk), *_encode_chunk(model, parameters, x, drawn))
        yield _judged(run)


def _unfilled(model: VAE, count: int, seed: int, failed: bool) -> Encoded:
    """Room for what so many images are encoded to.

    It is there before the first chunk: small results that stay between large ones that go would
    leave holes in memory, which nothing fits.
    """
    mean, logvar = (np.empty((count, model.latents), np.float32) for _ in range(2))
    logits = {name: np.empty((count, n), np.float32) for name, n in model.discrete.items()}
    return Encoded(seed, mean, logvar, logits, np.empty(count, np.float32), failed)


def _fill(run: Encoded, rows: slice, posterior: Posterior, distortion: Tensor) -> None:
    """Write what a chunk is encoded to in its place."""
    run.mean[rows], run.logvar[rows] = posterior.mean.cpu(), posterior.logvar.cpu()
    run.distortion[rows] = distortion.cpu()
    for name, values in posterior.logits.items():
        run.logits[name][rows] = values.cpu()


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
    model: VAE, parameters: Parameters, x: Tensor, drawn: Noise
) -> tuple[Posterior, Tensor]:
    """q(z | x) and the distortion of a sample of it, the classes drawn exactly."""
    posterior = model.encode(parameters, x)
    _, code = sample(posterior, drawn.to(x.device), temperature=0.0)
    output = model.decode(parameters, code)
    return posterior, model.likelihood.distortion(output, x)
