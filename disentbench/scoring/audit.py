"""An audit of the minibatch estimators: what they say of a posterior whose terms are known exactly.

In training, the index-code mutual information I(x; z), the total correlation TC and the
dimension-wise KL are estimated on a minibatch of M of the N images: `mws` and `mss` of Chen et al.
2018 (arXiv:1802.04942, eq. 5 and appendix C.2), `hfvae` of Esmaeili et al. 2019 (arXiv:1804.02086,
appendix). Beside the exact aggregate posterior of the same images one sees

- mws: log N above the batch mean (weights 1/M) in I, and (D-1) log N above it in TC, for D Gaussian
  latents; the dimension-wise KL pays D log N, and so the sum betrays nothing;
- mss and hfvae, nearly alike: off by nats. Where the batch holds none of the neighbours that an
  image's posterior overlaps, they count the image as told apart: I too high, TC too low, often
  below zero;
- the batch's size matters by its logarithm, so that no batch that fits is large enough for mws.

So train with them and report none of them.
"""

import warnings
from collections.abc import Sequence
from math import sqrt
from typing import get_args

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from disentbench.errors import UserError
from disentbench.metrics import STANDARD_ERROR
from disentbench.objectives import Estimator, Structure
from disentbench.objectives._terms import Terms, log_normal
from disentbench.posterior import Posterior, aggregate, gaussian, terms

ESTIMATORS = get_args(Estimator)
TERMS = [
    term.name
    for term in (terms.INDEX_CODE_MI, terms.TOTAL_CORRELATION, terms.DIMENSION_WISE_KL, terms.RATE)
]
COLUMNS = ["estimator", "batch_size", "term", "value", "se"]


def audit_posterior(
    posterior: Posterior,
    *,
    batch_sizes: Sequence[int] = (64, 256, 1024),
    repeats: int = 16,
    samples: int = 10_000,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The terms by every estimator at every batch size, then `exact`, whose batch is all N images.

    A row for each estimator, batch size and term: `value`, in nats per image, is the mean over
    `repeats` batches and `se` its standard error; the error of the exact terms is that of their
    `samples` of z. The first three terms sum to the rate, which of a batch is the Monte-Carlo one.
    Batch sizes beyond N are left out, with a warning if that leaves none.
    Raises a UserError for batches of one image and for fewer than 2 `repeats` or `samples`.
    """
    N = len(posterior.mean)
    sizes = _sizes(batch_sizes, N)
    if repeats < 2:
        raise UserError(
            f"repeats is {repeats}; the standard error of a mean over batches needs at least 2"
        )
    exact = aggregate.decompose(posterior, {}, samples=samples, rng=rng)
    estimates = {M: _estimates(posterior, M, repeats, rng) for M in sizes}
    rows = [
        (estimator, M, term, values.mean(), values.std(ddof=1) / sqrt(repeats))
        for e, estimator in enumerate(ESTIMATORS)
        for M in sizes
        for term, values in zip(TERMS, estimates[M][:, e].T, strict=True)
    ]
    rows += [("exact", N, t, getattr(exact, t), getattr(exact, t + STANDARD_ERROR)) for t in TERMS]
    return pd.DataFrame(rows, columns=COLUMNS)


def _sizes(batch_sizes: Sequence[int], N: int) -> list[int]:
    """The batch sizes that fit in N images, each once."""
    asked = list(dict.fromkeys(batch_sizes))
    if any(M < 2 for M in asked):
        raise UserError(
            f"batch sizes are {', '.join(map(str, asked))}; each needs at least 2 images, for an "
            "estimate from one image is the same constant whatever its posterior"
        )
    sizes = [M for M in asked if M <= N]
    if asked and not sizes:
        warnings.warn(
            f"no batch of {', '.join(map(str, asked))} fits in {N} images: the audit holds the "
            "exact terms alone; name a smaller batch size",
            stacklevel=3,
        )
    return sizes


def bias(table: pd.DataFrame) -> pd.DataFrame:
    """Estimate minus exact: the table without its exact rows, which are subtracted.

    A column `run` keeps runs apart; `se` holds the errors of both.
    """
    exact = table["estimator"] == "exact"
    of_term = [column for column in ("run", "term") if column in table]
    truth = table.loc[exact, [*of_term, "value", "se"]]
    both = table[~exact].merge(truth, on=of_term, suffixes=("", "_exact"))
    both["value"] -= both["value_exact"]
    both["se"] = np.hypot(both["se"], both["se_exact"])
    return both[list(table)]


def _estimates(
    posterior: Posterior, M: int, repeats: int, rng: np.random.Generator
) -> Float[np.ndarray, "repeat estimator term"]:
    """[repeat, estimator, term]; a batch is drawn without replacement, z once for each image."""
    N = len(posterior.mean)
    batches = (_batch(posterior, rng.choice(N, M, replace=False)) for _ in range(repeats))
    return np.array([_of_batch(batch, N, rng) for batch in batches])


def _batch(posterior: Posterior, rows: Int[np.ndarray, " row"]) -> Posterior:
    """The posteriors of some images as float64 tensors."""
    mean, logvar = (torch.tensor(a[rows], dtype=torch.float64) for a in posterior[:2])
    logits = {g: torch.tensor(a[rows]).double() for g, a in posterior.logits.items()}
    return Posterior(mean, logvar, logits)


def _of_batch(batch: Posterior, N: int, rng: np.random.Generator) -> list[list[float]]:
    """The terms on one batch by each estimator, all at the same z."""
    noise = torch.from_numpy(rng.standard_normal(batch.mean.shape))
    z = gaussian.sample(batch.mean, batch.logvar, noise)
    rate = _sampled_rate(batch, z)
    estimates = []
    kind = Apart if _is_narrow(batch) else Terms
    for estimator in ESTIMATORS:
        estimated = kind(torch.zeros(()), batch, z, Structure(estimator=estimator), N)
        mi, tc = float(estimated.index_code_mi), float(estimated.tc_between)
        estimates.append([mi, tc, rate - mi - tc, rate])
    return estimates


def _is_narrow(batch: Posterior) -> bool:
    """Whether the squares that `Terms` multiplies would cancel to all but their last digits."""
    away = (batch.mean - batch.mean.mean(0)).abs()
    return bool((away > 1e5 * (batch.logvar / 2).exp()).any())


class Apart(Terms):
    """Terms from the difference of every pair: slow, and right however narrow the posteriors."""

    def _pairwise(self, latents: list[int]) -> Tensor:
        return self._weights + sum(map(self._log_pairs, latents))

    def _log_scalars(self, latents: list[int]) -> Tensor:
        means = ((self._weights + self._log_pairs(j)).logsumexp(1).mean() for j in latents)
        return sum(means, self.z.new_zeros(()))

    def _log_pairs(self, j: int) -> Tensor:
        """log q(z_i | x_j) [i, j] of one latent."""
        mean, logvar, _ = self.posterior
        return log_normal(self.z[:, None, j], mean[:, j], logvar[:, j])


def _sampled_rate(batch: Posterior, z: Tensor) -> float:
    """E log q(z|x) - log p(z) at the samples; a discrete group's part is a sum over its classes."""
    prior = torch.zeros_like(z)
    gaussian = log_normal(z, batch.mean, batch.logvar) - log_normal(z, prior, prior)
    discrete = [
        np.log(logits.shape[1]) - torch.distributions.Categorical(logits=logits).entropy().mean()
        for logits in batch.logits.values()
    ]
    return float(gaussian.sum(1).mean() + sum(discrete))
