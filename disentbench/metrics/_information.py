"""Entropies of factors, binned mutual information, and the gap between the two best latents."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import entr

from disentbench.posterior.representation import lost

FLOAT32 = 1e38  # the largest number that float32 holds, and a range of which it can divide


def bin_codes(
    codes: Float[np.ndarray, "sample latent"], bins: int = 20
) -> Int[np.ndarray, "sample latent"]:
    """Equal-width bins, 0 .. bins-1, between each latent's extremes; a constant latent has one.

    The edges are float32, as in the study of 2019: codes on an edge fall where they fell there.
    Latents that float32 cannot hold for their offset are counted from their mean, those too large
    for it in units of their largest.
    """
    codes = codes - np.where(lost(codes), codes.mean(0), 0)
    largest = abs(codes).max(0)
    codes = (codes / np.where(largest > FLOAT32, largest, 1)).astype(np.float32)
    binned = np.empty(codes.shape, np.int64)
    for j, z in enumerate(codes.T):
        edges = np.linspace(z.min(), z.max(), bins + 1, dtype=np.float32)[:-1]
        binned[:, j] = np.digitize(z, edges) - 1
    return binned


def discretised(
    codes: Float[np.ndarray, "sample latent"],
    categories: Int[np.ndarray, "sample group"],
    bins: int = 20,
) -> Int[np.ndarray, "sample variable"]:
    """Each latent in bins, then the discrete groups in the classes that they have anyway."""
    return np.hstack([bin_codes(codes, bins), categories])


def mutual_information(
    a: Int[np.ndarray, "sample left"], b: Int[np.ndarray, "sample right"]
) -> Float[np.ndarray, "left right"]:
    """Plug-in mutual information, in nats, of every column of `a` with every column of `b`.

    What is independent, as a constant is of everything, has exactly 0.
    """
    shared = [_shared(x, y) for x in a.T for y in b.T]
    return np.array(shared, np.float64).reshape(a.shape[1], b.shape[1])


def _shared(x: Int[np.ndarray, " sample"], y: Int[np.ndarray, " sample"]) -> float:
    """sum p(x, y) log p(x, y) / p(x) p(y). Of counts, so that independence is log 1 in every cell.

    As a difference of entropies it would leave 1e-16 or so, which ratios take for information.
    """
    width = y.max() + 1
    joint = np.bincount(x * width + y, minlength=(x.max() + 1) * width).reshape(-1, width)
    product = np.outer(joint.sum(1), joint.sum(0))
    there = joint > 0
    terms = joint[there] * np.log(len(x) * joint[there] / product[there])
    return max(0.0, terms.sum() / len(x))


def joint_entropies(
    a: Int[np.ndarray, "sample left"], b: Int[np.ndarray, "sample right"]
) -> Float[np.ndarray, "left right"]:
    """Plug-in entropy, in nats, of every pair of a column of `a` and a column of `b`."""
    return np.array([entropies(x[:, None] * (b.max() + 1) + b) for x in a.T])


def entropies(classes: Int[np.ndarray, "sample column"]) -> Float[np.ndarray, " column"]:
    """Plug-in entropy of every column, in nats."""
    return np.array([entr(np.bincount(v) / len(v)).sum() for v in classes.T])


def top_two(
    values: Float[np.ndarray, "latent factor"],
) -> tuple[Float[np.ndarray, " factor"], Float[np.ndarray, " factor"]]:
    """The largest and the second largest value of every column; with one row, the second is 0."""
    padded = np.vstack([values, np.zeros_like(values[:1])]) if len(values) == 1 else values
    ordered = np.sort(padded, axis=0)
    return ordered[-1], ordered[-2]


def per_factor(
    values: Float[np.ndarray, " factor"], entropy: Float[np.ndarray, " factor"]
) -> Float[np.ndarray, " factor"]:
    """values / entropy; 0 for a factor of one class, of which there is nothing to know."""
    return np.divide(values, entropy, out=np.zeros(len(values)), where=entropy > 0)


def mean_over_factors(
    values: Float[np.ndarray, " factor"], factors: Int[np.ndarray, "sample factor"]
) -> float:
    """The mean over the factors that vary; 0 where none does."""
    varies = np.ptp(factors, axis=0) > 0
    return float(values[varies].mean()) if varies.any() else 0.0
