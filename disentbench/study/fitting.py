"""Whether the parts of a study fit each other; a ValueError says which does not, and what would."""

from math import prod
from typing import Any

import numpy as np

from disentbench import plugins
from disentbench.options import is_whole, shown
from disentbench.recipe import path_safe
from disentbench.study.evaluation import Evaluate

# What a metric may need that a data set may lack, in words.
NEEDED = {"factors": "factors", "held_out": "combinations of classes that are held out (hold_out)"}


def measurable(metrics: list[str], dataset: Any, evaluate: Evaluate) -> list[str]:
    """Those of the metrics whose needs a data set meets, in what is evaluated of it."""
    there = {"factors": dataset.varies, "held_out": _holds_out(dataset, evaluate)}
    lacking = {need for need in NEEDED if not there[need]}
    return [metric for metric in metrics if not lacking & {*plugins.needs(metric)}]


def _holds_out(dataset: Any, evaluate: Evaluate) -> bool:
    """Whether some but not all of the images that are evaluated were held out of training."""
    if not dataset.holds_out or evaluate.part == Evaluate():
        return dataset.holds_out
    grid = np.indices(dataset.sizes).reshape(len(dataset.sizes), -1).T
    factors = np.repeat(grid, dataset.size // len(grid), axis=0)
    held = dataset.held_out(factors[evaluate.rows(factors, tuple(dataset.factors))])
    return bool(0 < held.sum() < len(held))


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


def evaluated(datasets: dict[str, Any], evaluate: Evaluate, metrics: list[str]) -> None:
    """Refuse a part of the images that a data set does not have, or that cannot be measured."""
    known = list(dict.fromkeys(name for dataset in datasets.values() for name in dataset.factors))
    named = () if isinstance(evaluate.stride, int) else evaluate.stride
    if unknown := [name for name in named if name not in known]:
        raise ValueError(
            f"evaluate.stride names {shown(unknown[0])}, which is no factor of a data set of the "
            f"study; the factors are {', '.join(known) or 'none'}"
        )
    for name, dataset in datasets.items():
        if evaluate.chooses_on(dataset):
            _stride(name, dataset, evaluate, metrics)


def _stride(name: str, dataset: Any, evaluate: Evaluate, metrics: list[str]) -> None:
    """Refuse a stride on what is no grid, and one that leaves nothing to measure."""
    if not dataset.factors or dataset.size % prod(dataset.sizes):
        raise ValueError(
            f"evaluate.stride keeps every n-th class of a grid, and {name} does not have an image "
            "of every combination of classes; use evaluate.images"
        )
    if (left := evaluate.count(dataset)) < 2:
        raise ValueError(
            f"evaluate.stride leaves {left} image of {name}, and nothing to measure; take a "
            "smaller step"
        )
    needy = [metric for metric in metrics if "factors" in plugins.needs(metric)]
    if needy and dataset.varies and max(evaluate.classes(dataset)) < 2:
        raise ValueError(
            f"evaluate.stride leaves every factor of {name} one class, and {needy[0]} needs a "
            "factor that varies; take a smaller step"
        )


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
