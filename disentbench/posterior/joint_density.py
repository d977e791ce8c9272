"""The density of all latents together under the aggregate posterior, at samples of it.

q(z) = 1/N sum_n q(z | x_n), every image a component, never a subsample of them: tile by tile.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import log_softmax
from torch import Tensor

from disentbench.posterior import Posterior, gaussian
from disentbench.posterior.quadrature import FLOOR
from disentbench.posterior.rates import LOG_2PI


class Sample(NamedTuple):
    """z ~ q(z): the images that the samples came from, the noise, the latents, the classes."""

    rows: Int[np.ndarray, " sample"]
    noise: Float[np.ndarray, "sample latent"]
    z: Float[np.ndarray, "sample latent"]
    classes: dict[str, Int[np.ndarray, " sample"]]


def draw(posterior: Posterior, samples: int, rng: np.random.Generator) -> Sample:
    """Samples of q(z): every image equally often, up to a remainder drawn without replacement."""
    n = len(posterior.mean)
    remainder = rng.choice(n, samples % n, replace=False)
    rows = np.concatenate([np.tile(np.arange(n), samples // n), remainder])
    noise = rng.standard_normal((samples, posterior.mean.shape[1]))
    with np.errstate(over="ignore"):  # of such widths no density is asked
        z = gaussian.sample(posterior.mean[rows], posterior.logvar[rows].astype(np.float64), noise)
    gumbel = {
        g: logits[rows] + rng.gumbel(size=(samples, logits.shape[1]))
        for g, logits in posterior.logits.items()
    }
    return Sample(rows, noise, z, {g: values.argmax(1) for g, values in gumbel.items()})


def log_density(
    posterior: Posterior, sample: Sample, latents: list[int] | None = None
) -> Float[np.ndarray, " sample"]:
    """log q(z) at the samples over all components, or log q of only some of the latents.

    log q(z, x_n) is linear in [z^2, z, one-hot(k), 1], so a tile of it is one matrix product, in
    float64; of images whose width is less than a 1e-5th of their mean's distance from the centre,
    where (z - mean)^2 / sigma^2 cancels, the differences are taken one by one. The exponential of
    what remains is float32. Together they put log q(z) off by at most 2e-5.
    """
    chosen = slice(None) if latents is None else latents
    mean, logvar = (np.asarray(a, np.float64)[:, chosen] for a in posterior[:2])
    of_samples, of_images = _class_features(posterior, sample, latents is None)
    centre = mean.mean(0)
    narrow = (abs(mean - centre) > 1e5 * np.exp(logvar / 2)).any(1)
    with np.errstate(over="ignore"):
        away = np.exp(logvar[sample.rows] / 2) * sample.noise[:, chosen]
    parts = []
    if not narrow.all():
        # The offset goes first: beside a large one the noise of a narrow posterior has no digits.
        z = (mean - centre)[sample.rows] + away
        rows = np.hstack([*_powers(z), of_samples])
        columns = _coefficients(mean[~narrow] - centre, logvar[~narrow])
        columns = np.hstack([*columns, of_images[~narrow]])
        parts.append(log_mean_exp(rows, columns) + math.log(1 - narrow.mean()))
    if narrow.any():
        # z may be its image's mean to all digits, and so their difference is taken as drawn.
        images = mean[narrow], logvar[narrow], of_images[narrow]
        narrow_part = _by_differences((mean[sample.rows], away, of_samples), images)
        parts.append(narrow_part + math.log(narrow.mean()))
    return np.logaddexp.reduce(parts)


def _class_features(
    posterior: Posterior, sample: Sample, used: bool
) -> tuple[Float[np.ndarray, "sample class"], Float[np.ndarray, "image class"]]:
    """one-hot(k) [sample, class] and log q(k | x) [image, class] of all discrete groups."""
    groups = posterior.logits.items() if used else ()
    of_samples = [np.eye(logits.shape[1])[sample.classes[g]] for g, logits in groups]
    of_images = [log_softmax(logits, axis=1).clip(min=-1e4) for _, logits in groups]
    none = np.zeros((len(sample.rows), 0)), np.zeros((len(posterior.mean), 0))
    return np.hstack([none[0], *of_samples]), np.hstack([none[1], *of_images])


def _powers(
    z: Float[np.ndarray, "row latent"],
) -> tuple[
    Float[np.ndarray, "row latent"], Float[np.ndarray, "row latent"], Float[np.ndarray, "row 1"]
]:
    return z**2, z, np.ones((len(z), 1))


def _coefficients(
    mean: Float[np.ndarray, "row latent"], logvar: Float[np.ndarray, "row latent"]
) -> tuple[
    Float[np.ndarray, "row latent"], Float[np.ndarray, "row latent"], Float[np.ndarray, "row 1"]
]:
    precision = np.exp(-logvar)
    constant = -(mean**2 * precision + logvar + LOG_2PI).sum(1, keepdims=True) / 2
    return -precision / 2, mean * precision, constant


def log_mean_exp(
    rows: Float[np.ndarray, "row feature"],
    columns: Float[np.ndarray, "column feature"],
) -> Float[np.ndarray, " row"]:
    """log mean_c exp(rows_r . columns_c), tile by tile, in the memory of one tile."""
    left, right = (torch.as_tensor(x).double() for x in (rows, columns))
    side = 512  # a tile stays in the cache
    sums = [_log_sum_exp(tile, right.split(side)) for tile in left.split(side)]
    return (torch.cat(sums) - math.log(len(columns))).numpy()


def _log_sum_exp(rows: Tensor, tiles: Sequence[Tensor]) -> Tensor:
    product = torch.empty(len(rows), len(tiles[0]), dtype=torch.float64)
    single = torch.empty_like(product, dtype=torch.float32)
    largest = torch.full((len(rows), 1), -torch.inf, dtype=torch.float64)
    total = torch.zeros_like(largest)
    for tile in tiles:
        p, s = product[:, : len(tile)], single[:, : len(tile)]
        torch.mm(rows, tile.T, out=p)
        before, largest = largest, torch.maximum(largest, p.amax(1, keepdim=True))
        s.copy_(p.sub_(largest)).clamp_(min=FLOOR).exp_()
        total.mul_((before - largest).exp_()).add_(s.sum(1, keepdim=True))
    return (largest + total.log()).squeeze(1)


def _by_differences(
    samples: tuple[np.ndarray, ...], images: tuple[np.ndarray, ...]
) -> Float[np.ndarray, " sample"]:
    """log mean_n q(z, x_n) of samples (a mean, what lies between, classes) under such images."""
    split = [
        [torch.as_tensor(a, dtype=torch.float64).split(512) for a in arrays]
        for arrays in (samples, images)
    ]
    sums = []
    for at, away, of_sample in zip(*split[0], strict=True):
        tiles = [
            _log_normals(at, away, mean, logvar).add_(of_sample @ of_image.T).logsumexp(1)
            for mean, logvar, of_image in zip(*split[1], strict=True)
        ]
        sums.append(torch.stack(tiles).logsumexp(0))
    return (torch.cat(sums) - math.log(len(images[0]))).numpy()


def _log_normals(at: Tensor, away: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """log q(at + away | x_n) [sample, image], latent by latent."""
    total = -(logvar + LOG_2PI).sum(1).div(2).repeat(len(at), 1)
    for j in range(mean.shape[1]):
        off = (at[:, j, None] - mean[:, j]).add_(away[:, j, None]).div_((logvar[:, j] / 2).exp())
        total.addcmul_(off, off, value=-0.5)
    return total
