"""Whether the parts of a study fit each other; a ValueError says which does not, and what would."""

from typing import Any

from disentbench import plugins
from disentbench.options import is_whole, shown
from disentbench.recipe import path_safe


def images(name: str, dataset: Any, batch: int, network: Any) -> None:
    """Refuse a data set of too few images, or of images that an architecture does not take."""
    if not is_whole(dataset.size, 1, 10**9):
        raise ValueError(f"{name} says that it has {shown(dataset.size)} images")
    if dataset.size < 2:
        raise ValueError(f"datasets.{name} has one image, and nothing to measure; keep at least 2")
    if batch > dataset.size:
        raise ValueError(
            f"training.batch_size {batch} is larger than {name}'s {dataset.size} images; "
            f"use at most {dataset.size}"
        )
    plugins.named(f"architecture on {name}", network.check, dataset.image_shape)


def batch_size(name: str, structure: Any, batch: int) -> None:
    """Refuse a batch on which an estimate of q(z) is a constant: the objective would be the VAE."""
    least = max(structure.least_batch, 1 if structure.estimator is None else 2)
    if batch < least:
        raise ValueError(
            f"training.batch_size is {batch}, and objectives.{name} estimates q(z) from the images "
            f"of a batch; use at least {least}"
        )


def groups(name: str, structure: Any, latents: int) -> None:
    """Refuse groups of latents that there are not, or whose names cannot be in a file."""
    for group in (*structure.groups, *structure.discrete):
        plugins.named(f"objectives.{name}", path_safe, group)  # it names a part of latents.h5
    for group, members in structure.groups.items():
        if max(members) >= latents:
            raise ValueError(
                f"objectives.{name}.groups.{group} names latent {max(members)}; "
                f"the latents are 0 to {latents - 1}"
            )
