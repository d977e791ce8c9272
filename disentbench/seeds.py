"""Random numbers as functions of (seed, purpose, position): alike in any order and in any pack."""

import zlib

import numpy as np


def generator(seed: int, purpose: int | str, position: int = 0) -> np.random.Generator:
    """The generator of a seed for one purpose, apart from those of all others.

    A purpose is a number or a name, such as a metric's; a position is, say, an epoch.
    """
    number = purpose if isinstance(purpose, int) else zlib.crc32(purpose.encode())
    return np.random.default_rng([seed, number, position])
