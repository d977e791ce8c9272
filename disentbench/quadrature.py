"""The density of one latent under the aggregate posterior, and given each factor's values.

A mixture of N one-dimensional Gaussians is summed up on a grid: no sampling error, and the cost of
a component does not depend on its width.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import entr

REACH = 7.0  # standard deviations beyond which a component is left out: 3e-12 of its mass
STEPS = 4  # grid points per standard deviation of the narrowest component
MOST_POINTS = 2**17
# exp is 10 to 30 times slower where its result underflows; e^-80 per component counts for nothing
FLOOR = -80.0


class Marginal(NamedTuple):
    """Densities of one latent on a grid: of all images first, then given each factor's values.

    `resolved` says that the grid is fine enough for the narrowest component.
    """

    grid: Float[np.ndarray, " point"]
    density: Float[np.ndarray, "point column"]
    resolved: bool

    @property
    def step(self) -> float:
        return self.grid[1] - self.grid[0]

    @property
    def entropy(self) -> Float[np.ndarray, " column"]:
        """Differential entropies; the trapezoid rule, whose error vanishes with the step.

        NaN where the grid does not resolve the components: better no number than a wrong one.
        """
        entropy = entr(self.density).sum(0) * self.step
        return entropy if self.resolved else np.full_like(entropy, np.nan)


def marginal(
    mean: Float[np.ndarray, " image"],
    logvar: Float[np.ndarray, " image"],
    classes: Int[np.ndarray, "image factor"] | None = None,
    *,
    device: str = "cpu",
) -> Marginal:
    """The density of one latent on a grid, and given the images of each column named in `classes`.

    Components are grouped by octaves of their width. The widest are laid on a coarse grid, which is
    refined before the next octave joins it: a component costs some 80 points whatever its width.
    """
    mean, sigma = np.asarray(mean, np.float64), np.exp(np.asarray(logvar, np.float64) / 2)
    narrowest = STEPS / MOST_POINTS * np.ptp(_ends(mean, sigma))
    if not (resolved := bool(sigma.min() >= narrowest)):
        warnings.warn(
            f"a latent's posteriors are as narrow as {sigma.min():.1e}, and a grid over its range "
            f"resolves {narrowest:.1e}: what its marginal enters is NaN",
            stacklevel=2,
        )
        sigma = np.maximum(sigma, narrowest)
    low, high = _ends(mean, sigma)
    octave = np.floor(np.log2(sigma / sigma.min())).astype(int)
    step = sigma.min() / STEPS * 2.0 ** octave.max()
    classes = np.zeros((len(mean), 0), int) if classes is None else classes
    width = int(classes.max(initial=0)) + 1
    points = math.ceil((high - low) / step) + 1
    density = torch.zeros(points, width, dtype=torch.float64, device=device)
    for o in range(octave.max(), -1, -1):
        rows = np.flatnonzero(octave == o)
        rows = rows[np.argsort(mean[rows], kind="stable")]
        for start in range(0, len(rows), 1024):
            tile = rows[start : start + 1024]
            _add(density, mean[tile] - low, sigma[tile], classes[tile], step)
        if o > 0:
            density, step = _refine(density), step / 2
    counts = np.bincount(classes.ravel(), minlength=width)
    counts[0] = len(mean)
    grid = low + step * np.arange(len(density))
    return Marginal(grid, density.cpu().numpy() / np.maximum(counts, 1), resolved)


def _ends(mean, sigma):
    return (mean - REACH * sigma).min(), (mean + REACH * sigma).max()


def _add(density, mean, sigma, classes, step):
    """Add the densities of a tile of components, sorted by mean, where it reaches."""
    reach = REACH * sigma.max()
    first = max(0, math.floor((mean[0] - reach) / step))
    last = min(len(density), math.ceil((mean[-1] + reach) / step) + 1)
    like = {"dtype": density.dtype, "device": density.device}
    mean, precision = torch.as_tensor(mean, **like), torch.as_tensor(1 / sigma, **like)
    point = torch.as_tensor(step * np.arange(first, last), **like)
    # The difference is float64, since a width may be a 1e-5th of the range; the rest is float32.
    bell = (point[:, None] - mean).mul_(precision).float()
    bell.square_().mul_(-0.5).clamp_(min=FLOOR).exp_()
    member = torch.zeros(len(mean), density.shape[1], device=density.device)
    member.scatter_(1, torch.as_tensor(classes, device=density.device), 1.0)
    member[:, 0] = 1.0
    member *= precision[:, None].float() / math.sqrt(2 * math.pi)
    density[first:last] += bell @ member


def _refine(density):
    """Halve the step; the midpoints by the six-point rule, 2e-5 off at four points per sigma."""
    padded = torch.nn.functional.pad(density, (0, 0, 2, 2))
    n = len(density) - 1
    a, b, c = (padded[i : i + n] + padded[5 - i : 5 - i + n] for i in range(3))
    fine = torch.empty(2 * n + 1, density.shape[1], dtype=density.dtype, device=density.device)
    fine[::2] = density
    fine[1::2] = ((3 * a - 25 * b + 150 * c) / 256).clamp_(min=0)
    return fine


def known_log_density(m: Marginal, z: Float[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
    """log q(z_j), linear between the grid's points, less its mean: the mean of that function."""
    log_q = np.log(m.density[:, 0].clip(min=1e-300))
    density, means = torch.as_tensor(m.density[:, :1]), []
    for _ in range(3):
        density = _refine(density)
        fine = density.numpy()[:, 0]
        x = np.linspace(m.grid[0], m.grid[-1], len(fine))
        means.append(fine @ np.interp(x, m.grid, log_q) / fine.sum())
    # The kinks at the points cost the rule an error in step^2, which Richardson's step removes.
    return np.interp(z, m.grid, log_q) - (4 * means[-1] - means[-2]) / 3
