"""The terms of one minibatch, from which every objective is made.

Latents are D Gaussian scalars and any number of discrete groups. A minibatch estimator of the
aggregate posterior gives each pair (i, j) of the batch a weight in

    log q(z_i) ~ log sum_j exp(log W_ij + log q(z_i | x_j)),

the same weights, once, for the joint, for every group and for every scalar, whether it is Gaussian
or discrete. Discrete groups enter in closed form: expectations over q(k | x_i) are sums over the
classes.
"""

from collections.abc import Callable
from functools import cached_property, reduce
from math import log, pi
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from disentbench.objectives import Structure
from disentbench.posterior import Posterior, gaussian, terms

Weighing = float | Tensor  # a weight, or the value of its schedule


def differ(one: Weighing, other: Weighing) -> bool:
    """Whether two weights may differ, without waiting for a device to tell what they are."""
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        return one is not other
    return one != other


def log_weights(
    estimator: str | None, batch: int, data_size: int, device: torch.device | None = None
) -> Tensor:
    """log W [i, j] of a minibatch estimator of log q(z), for a batch of this many out of N images.

    mws    minibatch weighted sampling, 1 / (N M): Chen et al. 2018, eq. 5
    mss    minibatch stratified sampling: Chen et al. 2018, appendix C.2
    hfvae  1/N on the diagonal, (N-1) / (N (M-1)) off it: Esmaeili et al. 2019, appendix

    The latter two are of images drawn without replacement.
    On a single image every weight is a constant, and so would be all that is estimated.
    """
    M, N = batch, data_size
    if M < 2:
        raise ValueError(f"no estimate of log q(z) on a batch of {M}")
    match estimator:
        case "mws":
            return torch.full((M, M), -log(N * M), device=device)
        case "hfvae":
            weights = torch.full((M, M), (N - 1) / (N * (M - 1)), device=device)
        case "mss":
            weights = torch.full((M, M), 1 / (M - 1), device=device)
            stratified = (N - M + 1) / (N * (M - 1))
            for places in (weights.diagonal(1), weights.diagonal(1 - M)):
                places.fill_(stratified)  # (an assignment would copy the number to a GPU)
        case _:
            raise ValueError(f"no estimate of log q(z) by {estimator!r}")
    return weights.fill_diagonal_(1 / N).log()


def in_float64(posterior: Posterior) -> Posterior:
    """A posterior of float32 tensors, which the networks make, in float64.

    The gradients of z and of the means it was made from are noise / sigma each and cancel: in
    float32 they leave 6e-8 / sigma of themselves, and z = mean + sigma noise loses its last digits.
    """
    return tree_map(Tensor.double, posterior)


def log_normal(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Elementwise log N(z; mean, exp(logvar)); the square of what is scaled does not overflow."""
    return -0.5 * (log(2 * pi) + logvar + ((z - mean) * (-0.5 * logvar).exp()) ** 2)


def quadratic_features(z: Tensor, mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Features whose products are log-densities: left_i . right_j = log N(z_i; mean_j, var_j).

    Both are [latent, image, 3], so that every pair of a batch costs one multiplication of small
    matrices, forward and backward. The squares of z / sigma cancel: centred, and in float64, the
    products and their gradients are off by at most 1e-15 (range / sigma)^2, 1e-5 for a range of
    means of 10 and sigma 1e-4. (In float32 gradients would be off by a tenth at sigma 1e-3.)
    """
    centre = mean.detach().mean(0)
    z, mean, precision = z - centre, mean - centre, (-logvar).exp()
    constant = -0.5 * (log(2 * pi) + logvar + mean**2 * precision)
    left = torch.stack([-0.5 * z**2, z, torch.ones_like(z)], dim=-1)
    right = torch.stack([precision, mean * precision, constant], dim=-1)
    return left.transpose(0, 1), right.transpose(0, 1)


def chosen(features: Tensor, latents: list[int]) -> Tensor:
    """Some latents' features. (A list as an index would be copied to a GPU at every step.)"""
    if latents == list(range(len(features))):
        return features
    return torch.stack([features[latent] for latent in latents]) if latents else features[:0]


class Judged(NamedTuple):
    """What a critic says of codes [image, code]: `fixed` to the model, which descends through it
    and changes nothing of it, `learning` to the critic itself, which changes no code."""

    fixed: Callable[[Tensor], Tensor]
    learning: Callable[[Tensor], Tensor]


class Terms:
    """One minibatch: distortion, and the KL's terms as estimated on it, each when first asked for.

    All are scalars in nats per image. `z` [image, latent] is the sample of the Gaussian latents
    that was decoded, `code` [image, code] has the relaxed classes behind it; `posterior` holds
    tensors, float64 where a number matters (see `in_float64`). The estimates are biased by many
    nats: good to train with, never to report.

    What the objective has asked for is there: `critic`, the codes of a `second` batch [image,
    code], and `normals` by name.
    """

    def __init__(
        self,
        distortion: Tensor,
        posterior: Posterior,
        z: Tensor,
        structure: Structure,
        data_size: int,
        *,
        code: Tensor | None = None,
        second: Tensor | None = None,
        normals: dict[str, Tensor] | None = None,
        critic: Judged | None = None,
    ):
        self.distortion = distortion
        self.posterior = posterior
        self.z = z
        self.structure = structure
        self.data_size = data_size
        self.code = z if code is None else code
        self.second = second
        self.normals = normals or {}
        self._critic = critic

    @property
    def critic(self) -> Judged:
        """What the objective's critic says; a ValueError where it has declared none."""
        if self._critic is None:
            raise ValueError("this objective has no critic; its method `critic` declares one")
        return self._critic

    def weighted(
        self,
        index_code_mi: Weighing = 1.0,
        tc_between: Weighing = 1.0,
        tc_within: Weighing = 1.0,
        dimension_wise_kl: Weighing = 1.0,
    ) -> Tensor:
        """Distortion plus the weighted terms of the KL.

        The analytic KL carries the weight of the dimension-wise KL and an estimate is added only
        where a weight differs from it: least variance, and with equal weights no estimate at all.
        """
        loss = self.distortion + dimension_wise_kl * self.rate
        if differ(index_code_mi, dimension_wise_kl):
            loss = loss + (index_code_mi - dimension_wise_kl) * self.index_code_mi
        if differ(tc_between, dimension_wise_kl):
            loss = loss + (tc_between - dimension_wise_kl) * self.tc_between
        if differ(tc_within, dimension_wise_kl) and self.structure.groups:
            loss = loss + (tc_within - dimension_wise_kl) * self.tc_within
        return loss

    def computed(self) -> dict[str, Tensor]:
        """The terms that the loss has used, for the history."""
        names = (term.trained for term in (terms.RATE, *terms.ESTIMATED))
        used = {name: self.__dict__[name] for name in names if name in self.__dict__}
        return {"distortion": self.distortion, **used}

    @cached_property
    def rate(self) -> Tensor:
        """KL(q(z|x) || p(z)), analytic: standard normal scalars, uniform classes."""
        mean, logvar, _ = self.posterior
        scalars = gaussian.kl(mean, logvar).sum(-1).mean()
        discrete = [(logq.exp() * logq).sum(-1).mean() + log(logq.shape[-1]) for logq in self._logq]
        return sum(discrete, scalars)

    @cached_property
    def index_code_mi(self) -> Tensor:
        """I(x; z) = E log q(z|x) - log q(z)."""
        scalars = log_normal(self.z, *self.posterior[:2]).sum(-1).mean()
        discrete = sum((logq.exp() * logq).sum(-1).mean() for logq in self._logq)
        return scalars + discrete - self._log_joint

    @cached_property
    def tc_between(self) -> Tensor:
        """KL(q(z) || prod_g q(z_g)); with no groups named, the total correlation."""
        return self._log_joint - sum(self._log_groups) - sum(self._log_marginals)

    @cached_property
    def tc_within(self) -> Tensor:
        """sum_g KL(q(z_g) || prod_{j in g} q(z_j)); nought for a scalar or a discrete variable."""
        groups = self.structure.groups.values()
        differences = (self._log_group(group) - self._log_scalars(group) for group in groups)
        return sum(differences, self.z.new_zeros(()))

    @cached_property
    def _logq(self) -> list[Tensor]:
        """log q(k | x) [image, class] of each discrete group."""
        return [logits.log_softmax(-1) for logits in self.posterior.logits.values()]

    @cached_property
    def _weights(self) -> Tensor:
        M = self.z.shape[0]
        return log_weights(self.structure.estimator, M, self.data_size, self.z.device)

    @cached_property
    def _features(self) -> tuple[Tensor, Tensor]:
        return quadratic_features(self.z, self.posterior.mean, self.posterior.logvar)

    def _pairwise(self, latents: list[int]) -> Tensor:
        """log W_ij + log q(z_i | x_j) [i, j] over these latents together."""
        left, right = (chosen(f, latents).transpose(0, 1).flatten(1) for f in self._features)
        return self._weights + left @ right.T

    def _log_group(self, latents: list[int]) -> Tensor:
        """Batch mean of log q(z_g), these latents taken together."""
        return self._pairwise(latents).logsumexp(1).mean()

    def _log_scalars(self, latents: list[int]) -> Tensor:
        """Batch mean of sum_j log q(z_j) over these latents, each alone."""
        left, right = (chosen(f, latents) for f in self._features)
        return (self._weights + left @ right.transpose(1, 2)).logsumexp(2).sum(0).mean()

    @cached_property
    def _log_joint(self) -> Tensor:
        """log q(z) over all latents; discrete groups by enumeration of their joint classes."""
        everything = list(range(self.z.shape[1]))
        if not self._logq:
            return self._log_group(everything)
        logq = reduce(lambda a, b: (a[:, :, None] + b[:, None]).flatten(1), self._logq)
        return self._expected(self._pairwise(everything)[:, :, None], logq)

    @cached_property
    def _log_groups(self) -> list[Tensor]:
        """log q(z_g) of each named group and of every scalar that no group names."""
        groups = self.structure.groups.values()
        named = {latent for group in groups for latent in group}
        free = [latent for latent in range(self.z.shape[1]) if latent not in named]
        return [*(self._log_group(group) for group in groups), self._log_scalars(free)]

    @cached_property
    def _log_marginals(self) -> list[Tensor]:
        """E log q(k) of each discrete group."""
        return [self._expected(self._weights[:, :, None], logq) for logq in self._logq]

    @staticmethod
    def _expected(pairs: Tensor, logq: Tensor) -> Tensor:
        """Batch mean of log sum_j exp(pairs_ij) q(k | x_j), the mean over k ~ q(k | x_i) a sum."""
        return (logq.exp() * (pairs + logq).logsumexp(1)).sum(-1).mean()
