"""Tables of codes and factors as the metrics take them."""

import inspect
from dataclasses import replace
from functools import partial

import numpy as np

from disentbench import plugins
from disentbench.posterior.representation import Representation
from disentbench.scoring.companions import comparing, summaries
from disentbench.seeds import generator

METRICS = plugins.names("metrics")
SIZES = (3, 4, 5)


def parameters(name):
    """What a metric asks for."""
    return inspect.signature(plugins.load("metrics", name).compute).parameters


def representation(mean, factors, logvar=None):
    """These codes with all that any metric asks for."""
    mean = np.asarray(mean, np.float32)
    logvar = np.full(mean.shape, -4.0, np.float32) if logvar is None else logvar
    distortion = np.linspace(50, 60, len(mean)).astype(np.float32)
    held_out = np.arange(len(mean)) % 3 == 0
    run = Representation(mean, factors, logvar, distortion=distortion, held_out=held_out)
    return in_company(run)


def in_company(run):
    """With another run beside it, which knows the same and half as much again of noise."""
    noise = np.random.default_rng(9).standard_normal(run.mean.shape)
    other = run.mean + run.mean.std(0) / 2 * noise
    posterior = run.posterior._replace(mean=np.float32(other))
    return replace(
        run, companions=[summaries(posterior, comparing(METRICS), partial(generator, 0))]
    )


def noisy(seed=0, latents=4):
    """Latents that know a little of each factor, on a table that is no grid."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, SIZES, (600, 3))
    factors[:300, 1] = factors[:300, 0]
    mean = (factors - 2) @ rng.standard_normal((3, latents)) + rng.standard_normal((600, latents))
    return representation(mean, factors)


def metric_of(value):
    """The metric that gives this value."""
    return next(n for n in METRICS if value in {v.name for v in plugins.load("metrics", n).values})
