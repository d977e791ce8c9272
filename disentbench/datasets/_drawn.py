"""What comes of drawing by weights, to be told: no image is drawn by it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Joint(NamedTuple):
    """How two factors are drawn together: Pearson's correlation of their classes, I in nats, and
    the probability of each pair of classes."""

    correlation: float
    mutual_information: float
    table: Float[np.ndarray, "first second"]


def joint(
    factors: Int[np.ndarray, "image factor"],
    drawn: Float[np.ndarray, " image"],
    first: int,
    second: int,
) -> Joint:
    """How two factors, by their places, go together where images are drawn with these weights."""
    a, b = factors[:, first], factors[:, second]
    shape = a.max() + 1, b.max() + 1
    cells = np.bincount(np.ravel_multi_index((a, b), shape), drawn, shape[0] * shape[1])
    table = cells.reshape(shape)
    rows, columns = table.sum(1), table.sum(0)
    there = np.nonzero(table)
    apart = np.log(rows[there[0]]) + np.log(columns[there[1]])
    information = table[there] @ (np.log(table[there]) - apart)
    return Joint(_correlation(table, rows, columns), max(0.0, float(information)), table)


def _correlation(
    table: Float[np.ndarray, "first second"],
    rows: Float[np.ndarray, " first"],
    columns: Float[np.ndarray, " second"],
) -> float:
    """Pearson's correlation of the class numbers; NaN where one of them does not vary."""
    a, b = (np.arange(len(p)) - np.arange(len(p)) @ p for p in (rows, columns))
    spread = np.sqrt((a**2 @ rows) * (b**2 @ columns))
    return float(a @ table @ b / spread) if spread > 0 else float("nan")


def never_drawn(drawn: Float[np.ndarray, " combination"], draws: int) -> float:
    """The share of the combinations expected not to be met in so many draws with these weights.

    The mean of (1 - w)^draws, by way of its logarithm, which keeps the digits of small weights.
    """
    with np.errstate(divide="ignore"):  # a combination that is drawn every time
        return float(np.exp(draws * np.log1p(-drawn)).mean())
