"""Metrics of representations that somebody has in memory."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from disentbench.errors import UserError
from disentbench.metrics import Score
from disentbench.posterior.from_arrays import from_anywhere, represent
from disentbench.posterior.in_groups import Groups, in_groups
from disentbench.posterior.representation import Representation
from disentbench.scoring.companions import comparing, summaries
from disentbench.scoring.scores import (
    Code,
    asked_for,
    chosen,
    coded,
    measure,
    require_codes,
    wanted,
)
from disentbench.seeds import generator


def score(
    codes: ArrayLike,
    factors: ArrayLike | None = None,
    *,
    logvar: ArrayLike | None = None,
    metrics: Sequence[str] | None = None,
    code: Code = "mean",
    groups: Groups | None = None,
    seed: int = 0,
    seeds: Sequence[Any] | None = None,
    detail: bool = False,
) -> dict[Any, Any] | tuple[dict[Any, Any], dict[Any, Any]]:
    """Metrics of one representation, by the name of each value, or of several runs.

    `codes` [image, latent] are posterior means, `factors` [image, factor] classes, whole numbers or
    text, which some metrics do without; `logvar` (log sigma^2) adds the metrics of the posterior,
    and `code="sampled"` takes the metrics of the codes on one sample of it. Arrays, tensors on any
    device and tables of pandas will do. Without `metrics`, all that can be computed; a name alone
    or several are those asked for. Where a factor has a vector of latents, `groups` says which go
    together, 16 for every 16 of them or [[0, 1, 2], [3, 4]] or "0-2,3-4": each group is scored by
    its first principal component, which has no posterior, so that `logvar` adds nothing.

    Of `codes` [run, image, latent] the answer is a mapping from each run, by its place or by what
    `seeds` has there, to its values; metrics that compare runs compare these. With `detail` a
    second mapping has the arrays of which a metric is made: {metric: {name: array}}, by run of
    several. `disentbench list metrics` has each value's range, what is better, and its source.
    Raises a UserError (a ValueError) for arrays that do not fit and for names that do not exist.

    A code that is its factors has the largest gap between the two latents that know most of one:

    >>> import numpy as np, disentbench
    >>> factors = np.indices((3, 4)).reshape(2, -1).T.repeat(50, axis=0)
    >>> scores = disentbench.score(factors.astype(float), factors, metrics="mig,sap_r2")
    >>> {name: round(value, 6) for name, value in scores.items()}
    {'mig': 1.0, 'sap_r2': 1.0}
    """
    metrics = named(metrics)
    runs = _runs(from_anywhere(codes), factors, logvar, seeds)
    if groups is not None:
        require_codes(metrics, code)
        runs = [(name, in_groups(run, groups)) for name, run in runs]
    if len(runs) > 1:
        runs = with_companions(runs, asked_for(metrics), seed)
    scored = {name: _scored(coded(run, code, seed), metrics, seed) for name, run in runs}
    values = {
        name: {key: value for score in scores.values() for key, value in score.values.items()}
        for name, scores in scored.items()
    }
    details = {
        name: {metric: score.detail for metric, score in scores.items()}
        for name, scores in scored.items()
    }
    if np.ndim(codes) < 3:
        values, details = values[0], details[0]
    return (values, details) if detail else values


def named(metrics: Sequence[str] | None) -> Sequence[str] | None:
    """Metrics that are asked for: a name alone, or several with commas between, is a list, too."""
    return metrics.split(",") if isinstance(metrics, str) else metrics


def _runs(
    codes: np.ndarray, factors: Any, logvar: Any, seeds: Sequence[Any] | None
) -> list[tuple[Any, Representation]]:
    """Each run of arrays with its name, beside the others."""
    factors = None if factors is None else from_anywhere(factors)
    logvar = None if logvar is None else from_anywhere(logvar)
    if codes.ndim != 3:
        if seeds is not None:
            raise UserError(f"seeds name runs, and codes are {codes.shape}: [run, image, latent]")
        return [(0, represent(codes, factors, logvar=logvar))]
    names = list(range(len(codes)) if seeds is None else seeds)
    if len(set(names)) < len(names) or len(names) != len(codes):
        raise UserError(f"there are {len(codes)} runs; seeds must name each once, not {names}")
    if logvar is not None and logvar.shape != codes.shape:
        raise UserError(f"logvar is {logvar.shape} and codes {codes.shape}; they must agree")
    variances = [None] * len(codes) if logvar is None else logvar
    return [
        (name, _one_of_several(name, mean, factors, v))
        for name, mean, v in zip(names, codes, variances, strict=True)
    ]


def _one_of_several(
    name: Any, mean: np.ndarray, factors: np.ndarray | None, logvar: np.ndarray | None
) -> Representation:
    try:
        return represent(mean, factors, logvar=logvar)
    except UserError as error:
        raise UserError(f"run {name}: {error}") from None


def _scored(run: Representation, metrics: Sequence[str] | None, seed: int) -> dict[str, Score]:
    """What is wanted of each metric, by the name of its file."""
    scores = {name: measure(name, run, seed) for name in chosen(metrics, run)}
    return {
        name: Score(wanted(name, values, metrics), detail)
        for name, (values, detail) in scores.items()
    }


def with_companions(
    runs: list[tuple[Any, Representation]], metrics: Sequence[str], seed: int
) -> list[tuple[Any, Representation]]:
    """Each run beside the others, for those of the metrics that compare, if all have posteriors."""
    posteriors = [run.posterior for _, run in runs if run.posterior is not None]
    if len(posteriors) < len(runs):
        return runs
    seeded, names = partial(generator, seed), comparing(metrics)
    kept = [summaries(posterior, names, seeded) for posterior in posteriors]
    return [
        (name, replace(run, companions=kept[:i] + kept[i + 1 :]))
        for i, (name, run) in enumerate(runs)
    ]
