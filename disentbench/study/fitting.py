"""Whether the parts of a study fit each other; a ValueError says which does not, and what would."""

from typing import Any

from disentbench import plugins
from disentbench.options import is_whole, shown
from disentbench.recipe import path_safe

# What a metric may need that a data set may lack, in words.
NEEDED = {"factors": "factors", "held_out": "combinations of classes that are held out (hold_out)"}


def measurable(metrics: list[str], dataset: Any) -> list[str]:
    """Those of the metrics whose needs a data set meets."""
    there = {"factors": dataset.varies, "held_out": dataset.holds_out}
    lacking = {need for need in NEEDED if not there[need]}
    return [metric for metric in metrics if not lacking & {*plugins.needs(metric)}]


def metrics(of_dataset: dict[str, list[str]], asked: list[str]) -> None:
    """Refuse metrics that no data set of a study has what they need for.

    `of_dataset` has those that can be measured on each. Of all that there are, those that cannot
    are left out in silence.
    """
    for name in (name for name, measured in of_dataset.items() if not measured):
        raise ValueError(
            f"none of the metrics can be measured on {name}, which has no factor that varies or "
            "holds nothing out; name one that needs neither, such as elbo"
        )
    measured = {metric for metrics in of_dataset.values() for metric in metrics}
    lacking = [metric for metric in asked if metric not in measured]
    if lacking and set(asked) != set(plugins.names("metrics")):
        needs = " and ".join(NEEDED[need] for need in plugins.needs(lacking[0]) if need in NEEDED)
        raise ValueError(
            f"metrics names {lacking[0]}, which needs {needs}: no data set of the study has that; "
            "leave it out"
        )


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
