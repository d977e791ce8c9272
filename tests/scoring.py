"""Calling a metric by name: its positional parameters say what it takes from a representation."""

import inspect
from zlib import crc32

import numpy as np

from disentbench import plugins
from disentbench.metrics import Score
from disentbench.representation import Representation


def score(name: str, representation: Representation, **options) -> Score:
    compute = plugins.load("metrics", name).compute
    parameters = inspect.signature(compute).parameters.values()
    inputs = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if any(p.name == "rng" for p in parameters):
        options["rng"] = np.random.default_rng([0, crc32(name.encode())])
    return compute(*(getattr(representation, i) for i in inputs), **options)
