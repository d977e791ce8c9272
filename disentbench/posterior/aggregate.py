"""The aggregate posterior q(z) = 1/N sum_n q(z | x_n), exactly: every image is a component.

    E[KL(q(z | x) || p(z))] = I(x; z) + TC + sum_j KL(q(z_j) || p(z_j))
    TC = TC between the blocks of latents + sum over blocks of TC within

The one-dimensional q(z_j) and q(z_j | v) are integrated on a grid. Only the joint entropy (and
that of a block of several latents) needs samples of z; the components are never subsampled.
Everything is in nats; p(z) is standard normal, and uniform for a discrete group.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import entr

from disentbench.errors import UserError
from disentbench.posterior import Posterior
from disentbench.posterior.joint_density import Sample, draw, log_density
from disentbench.posterior.quadrature import Draws, Marginal, computable, marginal
from disentbench.posterior.rates import (
    LOG_2PI,
    class_probabilities,
    in_float64,
    noise_entropy,
    variable_rates,
)


class Decomposition(NamedTuple):
    """The terms of the rate, nats per image, and the standard error that sampling z gives them."""

    rate: float
    index_code_mi: float
    total_correlation: float
    dimension_wise_kl: float
    tc_between_groups: float
    tc_within_groups: float
    rate_se: float
    index_code_mi_se: float
    total_correlation_se: float
    dimension_wise_kl_se: float
    tc_between_groups_se: float
    tc_within_groups_se: float
    of_variables: dict[str, Float[np.ndarray, " variable"]]


def decompose(
    posterior: Posterior,
    groups: dict[str, list[int]],
    *,
    samples: int = 10_000,
    rng: np.random.Generator,
) -> Decomposition:
    """The terms of the rate; Esmaeili et al. 2019 (arXiv:1804.02086), eq. 6, over all the images.

    A block is a named group of latents, a discrete group, or a latent that no group names. Without
    groups TC within is 0. The terms sum to `rate` exactly. Errors of the grids stay below 1e-3,
    however narrow or wide the posteriors; beyond what float64 holds all but the rate are NaN, with
    a warning. Raises a UserError for fewer than 2 samples.
    """
    if samples < 2:
        raise UserError(f"samples is {samples}; the standard error of what is sampled needs 2")
    posterior = in_float64(posterior)
    blocks = [list(b) for g, b in groups.items() if g not in posterior.logits and len(b) > 1]
    sample = draw(posterior, samples, rng)
    marginals = [
        marginal(m, v, draws=Draws(sample.rows, noise))
        for m, v, noise in zip(posterior.mean.T, posterior.logvar.T, sample.noise.T, strict=True)
    ]
    entropies = np.array([m.entropy[0] for m in marginals] + _class_entropies(posterior))
    sampled = _sampled_entropies(posterior, marginals, blocks, sample)
    rate, marginal_kl = variable_rates(posterior), dimension_wise_kl(posterior, entropies)
    tc = entropies.sum() - sampled.joint
    tc_within = sum(entropies[b].sum() for b in blocks) - sampled.inside
    result = Decomposition(
        rate=rate.sum(),
        index_code_mi=sampled.joint - noise_entropy(posterior),
        total_correlation=tc,
        dimension_wise_kl=marginal_kl.sum(),
        tc_between_groups=tc - tc_within,
        tc_within_groups=tc_within,
        rate_se=0.0,
        index_code_mi_se=sampled.joint_se,
        total_correlation_se=sampled.joint_se,
        dimension_wise_kl_se=0.0,
        tc_between_groups_se=sampled.difference_se,
        tc_within_groups_se=sampled.inside_se,
        of_variables={"rate": rate, "dimension_wise_kl": marginal_kl},
    )
    check_bounds(result, len(posterior.mean))
    return result


class _Sampled(NamedTuple):
    """H(z), the sum of the H(z_g) of blocks, and standard errors of those and their difference."""

    joint: float
    inside: float
    joint_se: float
    inside_se: float
    difference_se: float


def _sampled_entropies(
    posterior: Posterior,
    marginals: list[Marginal],
    blocks: list[list[int]],
    sample: Sample,
) -> _Sampled:
    if not computable(posterior.logvar):
        return _Sampled(*[math.nan] * len(_Sampled._fields))
    controls = _controls(posterior, marginals, sample)
    joint = -log_density(posterior, sample)
    densities = (log_density(posterior, sample, b) for b in blocks)
    inside = 0.0 - sum(densities, 0.0)
    h_joint, joint_se = _controlled_mean(joint, controls)
    h_inside, inside_se = _controlled_mean(inside, controls)
    _, difference_se = _controlled_mean(inside - joint, controls)
    return _Sampled(h_joint, h_inside, joint_se, inside_se, difference_se)


def dimension_wise_kl(
    posterior: Posterior, entropies: Float[np.ndarray, " variable"]
) -> Float[np.ndarray, " variable"]:
    """KL(q(z_j) || p(z_j)) of every latent, then discrete group, given the entropies of q(z_j)."""
    mean, logvar, logits = in_float64(posterior)
    with np.errstate(over="ignore"):
        scalars = (LOG_2PI + (mean**2 + np.exp(logvar)).mean(0)) / 2
    discrete = [math.log(values.shape[1]) for values in logits.values()]
    return np.concatenate([scalars, discrete]) - entropies


def mutual_information(
    posterior: Posterior, factors: Int[np.ndarray, "image factor"]
) -> Float[np.ndarray, "variable factor"]:
    """I(z_j; v_k) = H(z_j) - H(z_j | v_k) under q(z | x), by quadrature; then discrete groups."""
    mean, logvar, _ = in_float64(posterior)
    classes, counts = _columns(factors)
    entropies = [marginal(m, v, classes).entropy for m, v in zip(mean.T, logvar.T, strict=True)]
    entropies += [entr(_by_class(p, factors)).sum(1) for p in class_probabilities(posterior)]
    return np.array([_gained(h, counts) for h in entropies])


def _gained(
    entropies: Float[np.ndarray, " column"], counts: list[Int[np.ndarray, " _"]]
) -> list[float]:
    """H - H given the factor, for every factor; of all images first, then given each class."""
    given = np.split(entropies[1:], np.cumsum([len(c) for c in counts])[:-1])
    return [entropies[0] - h @ c / c.sum() for h, c in zip(given, counts, strict=True)]


def _controls(
    posterior: Posterior, marginals: list[Marginal], sample: Sample
) -> Float[np.ndarray, "draw control"]:
    """Functions of a sample whose mean is known to be zero: what they explain is no longer error.

    They are log q(z_j), known from the grid, the squared noise, and the log width of the image's
    posterior; log q(k) and log q(k | x) for a discrete group.
    """
    known = [m.log_density + m.entropy[0] for m in marginals]
    width = posterior.logvar[sample.rows] - posterior.logvar.mean(0)
    controls = [*known, *(sample.noise**2 - 1).T, *width.T]
    for k, p in zip(sample.classes.values(), class_probabilities(posterior), strict=True):
        q = p.mean(0)
        controls.append(np.log(np.maximum(q, 1e-300))[k] + entr(q).sum())
        of_image = np.log(np.maximum(p[sample.rows, k], 1e-300))
        controls.append(of_image + entr(p).sum(1).mean())
    return np.stack(controls, axis=1)


def _controlled_mean(
    values: Float[np.ndarray, " draw"] | float, controls: Float[np.ndarray, "draw control"]
) -> tuple[float, float]:
    """The mean by regression on controls of mean zero, and its standard error."""
    values = np.broadcast_to(values, len(controls))
    if len(values) < 10 * (controls.shape[1] + 1):
        return values.mean(), values.std() / math.sqrt(len(values))
    design = np.column_stack([np.ones(len(values)), controls])
    coefficients, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    residual = values - design @ coefficients
    degrees = len(values) - rank
    return coefficients[0], math.sqrt(residual @ residual / degrees / len(values))


def _class_entropies(posterior: Posterior) -> list[float]:
    return [entr(p.mean(0)).sum() for p in class_probabilities(posterior)]


def check_bounds(result: Decomposition, images: int) -> None:
    """Warn of an MI outside 0 .. log N and of a TC below 0, by more than their errors."""
    mi, tc = result.index_code_mi, result.total_correlation
    slack = 3 * result.total_correlation_se + 1e-3
    if mi < -slack or mi > math.log(images) + slack:
        message = f"index-code MI of {mi:.4g} nats is outside 0 .. log N = {math.log(images):.4g}"
        warnings.warn(f"{message} by more than its error", stacklevel=3)
    if tc < -slack:
        message = f"total correlation of {tc:.4g} nats is below zero by more than its error"
        warnings.warn(message, stacklevel=3)


def _columns(
    factors: Int[np.ndarray, "image factor"],
) -> tuple[Int[np.ndarray, "image factor"], list[Int[np.ndarray, " _"]]]:
    """A column of the densities for each class of each factor, from 1 on; the classes' sizes."""
    counts = [np.bincount(v) for v in factors.T]
    starts = np.cumsum([1] + [len(c) for c in counts])[:-1]
    return factors.astype(np.int64) + starts, counts


def _by_class(
    p: Float[np.ndarray, "image class"], factors: Int[np.ndarray, "image factor"]
) -> Float[np.ndarray, "column class"]:
    """Mean class probabilities of a discrete group, of all images and given each factor's class."""
    means = [p.mean(0, keepdims=True)]
    for v in factors.T:
        member = np.eye(v.max() + 1)[v]
        means.append(member.T @ p / np.maximum(member.sum(0), 1)[:, None])
    return np.concatenate(means)
