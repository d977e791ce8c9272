"""Random numbers as functions of (seed, purpose, position): alike in any pack, on any device,
and after any interruption. They are drawn on the host, in blocks, so that a GPU is never awaited.
"""

import numpy as np

INITIAL, ORDER, NORMAL, GUMBEL, EVALUATION = range(5)


def generator(seed: int, purpose: int, position: int = 0) -> np.random.Generator:
    """The generator of one member for one purpose at one position (an epoch, a block of steps)."""
    return np.random.default_rng([seed, purpose, position])
