"""Latents and discrete groups as the columns of numbers that a predictor takes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Columns(NamedTuple):
    """The columns, and of which variable each is: of a latent, or after those a discrete group."""

    values: Float[np.ndarray, "sample column"]
    variable: Int[np.ndarray, " column"]


def columns(
    codes: Float[np.ndarray, "sample latent"], categories: Int[np.ndarray, "sample group"]
) -> Columns:
    """A latent is a column; a discrete group has one for each class, as its order means nothing."""
    groups = [one_hot(group).astype(codes.dtype) for group in categories.T]
    variables = np.arange(codes.shape[1] + len(groups))
    widths = [1] * codes.shape[1] + [group.shape[1] for group in groups]
    return Columns(np.hstack([codes, *groups]), np.repeat(variables, widths))


def one_hot(classes: Int[np.ndarray, " sample"]) -> Float[np.ndarray, "sample class"]:
    """A 0-1 column for each class that occurs."""
    return (classes[:, None] == np.unique(classes)).astype(np.float64)
