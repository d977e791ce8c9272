"""Rows to fit on and rows to score on, which never overlap."""

import numpy as np
from jaxtyping import Int


def train_test(
    samples: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
    """Two thirds of the rows, at most 10,000, to fit on; of the others at most 5,000 to score."""
    rows = rng.permutation(samples)
    train = min(10_000, 2 * samples // 3)
    return rows[:train], rows[train : train + 5_000]


def varying(factors: Int[np.ndarray, "sample factor"]) -> Int[np.ndarray, " varying"]:
    """The factors with more than one class."""
    return np.flatnonzero(np.ptp(factors, axis=0) > 0)


class RowsByClass:
    """Draws rows of a table that share a class, each with the same probability."""

    def __init__(self, classes: Int[np.ndarray, " sample"]):
        self.order = np.argsort(classes, kind="stable")
        self.counts = np.bincount(classes)
        self.starts = np.cumsum(self.counts) - self.counts

    def draw(
        self, classes: Int[np.ndarray, "*shape"], rng: np.random.Generator
    ) -> Int[np.ndarray, "*shape"]:
        """For every entry of `classes`, a row of that class, with replacement."""
        place = (rng.random(classes.shape) * self.counts[classes]).astype(np.int64)
        return self.order[self.starts[classes] + place]
