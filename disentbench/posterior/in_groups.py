"""Codes in groups: of the latents that hold one vector, the first principal component.

Where a model has a vector for each factor, metrics that expect a number take this component: of the
vector over all images, centred and not scaled, as in the published code of VCT (Yang et al. 2022,
arXiv:2205.10093) and DisDiff (Yang et al. 2023, arXiv:2301.13721).
"""

import re
import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.posterior.representation import Representation, rounded

Groups = int | str | Iterable[Any]  # the size of each, their ranges, or the latents of each
ROWS = 2**16  # that are in float64 at a time


def in_groups(run: Representation, groups: Groups) -> Representation:
    """A representation with a latent for each group, of which none has a posterior.

    `groups` is how many latents make one, in their order, or which: lists, or text such as
    "0-15,16-31". Raises a UserError for groups that overlap, are empty or are not there.
    """
    members = latents_of(groups, run.mean.shape[1])
    mean = np.stack([_component(run.mean[:, group], run.failed) for group in members], axis=1)
    return replace(run, mean=rounded(mean), logvar=None, groups={}, companions=None, drawn=None)


def latents_of(groups: Groups, latents: int) -> list[list[int]]:
    """The latents of each group, of so many; those in no group are named in a warning."""
    if isinstance(groups, str):
        groups = _ranges(groups)
    if isinstance(groups, int | np.integer):
        groups = _blocks(groups, latents)
    members = [_members(place, group, latents) for place, group in enumerate(groups)]
    named = [latent for group in members for latent in group]
    if not named:
        raise UserError("there is no group; name the latents of at least one")
    if len(set(named)) < len(named):
        twice = next(latent for latent in named if named.count(latent) > 1)
        raise UserError(f"groups name latent {twice} twice; a latent may be in one group, once")
    if left := sorted(set(range(latents)) - set(named)):
        words = ", ".join(map(str, left[:10])) + (", ..." if len(left) > 10 else "")
        warnings.warn(f"latents in no group are left out: {words}", stacklevel=3)
    return members


def _ranges(text: str) -> int | list[range]:
    if text.isdecimal():
        return int(text)
    ranges = [re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part) for part in text.split(",")]
    if not all(ranges):
        raise UserError(
            f"groups are {shown(text)}; write 16 for blocks of 16 latents, or 0-15,16-31 for these"
        )
    return [range(int(r[1]), int(r[2] or r[1]) + 1) for r in ranges if r]


def _blocks(size: int, latents: int) -> list[range]:
    if size < 1 or latents % size:
        raise UserError(
            f"{latents} latents do not make groups of {size}; choose a size that divides them, or "
            "name the groups: 0-15,16-31"
        )
    return [range(first, first + size) for first in range(0, latents, size)]


def _members(place: int, group: Any, latents: int) -> list[int]:
    members = []
    for latent in group if isinstance(group, Iterable) else [group]:
        if not isinstance(latent, int | np.integer) or not 0 <= latent < latents:
            raise UserError(
                f"group {place} names latent {shown(latent)}; the latents are 0 to {latents - 1}"
            )
        members.append(int(latent))
    if not members:
        raise UserError(f"group {place} is empty; name the latents of each group, as in 0-15,16-31")
    return members


def _component(
    vectors: Float[np.ndarray, "image latent"], failed: bool
) -> Float[np.ndarray, " image"]:
    """The first principal component; its largest weight is positive, as its sign is free."""
    if failed:
        return np.full(len(vectors), np.nan)
    mean = vectors.mean(0, dtype=np.float64)
    parts = np.array_split(vectors, -(-len(vectors) // ROWS))
    scatter = sum((part - mean).T @ (part - mean) for part in parts)
    weights = np.linalg.eigh(scatter)[1][:, -1]
    weights *= np.sign(weights[abs(weights).argmax()])
    return np.concatenate([(part - mean) @ weights for part in parts])
