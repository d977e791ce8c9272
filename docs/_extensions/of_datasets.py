"""The data sets of the registry: what each holds, and how one comes by it."""

import inspect
from math import prod
from typing import Any

from _extensions.markdown import code, paragraphs, plain
from _extensions.of_options import bare
from disentbench import plugins
from disentbench.datasets import Dataset
from disentbench.datasets._grid import GridDataset

SHARED = ("correlate", "hold_out")  # of every grid; docs/data.md tells of them


def every() -> str:
    """A section for each data set."""
    return "\n".join(map(section, plugins.names("datasets")))


def section(name: str) -> str:
    """What a data set holds, its options, its source."""
    dataset = plugins.load("datasets", name)
    factors = tuple(dataset.values) if issubclass(dataset, GridDataset) else ()
    parts = [
        f"(dataset-{name})=\n### {plain(dataset.label)}",
        f"{code(name)}: {_contents(dataset)}. {_obtained(name, dataset)}",
        paragraphs(inspect.getdoc(dataset) or ""),
        bare(f"datasets/{name}", but=(*SHARED, *factors)),
        f"**Source.** {plain(dataset.reference)}",
    ]
    return "\n\n".join(parts) + "\n"


def _contents(dataset: type[Dataset]) -> str:
    """Number, shape and factors of the images, where they are not in the user's own file."""
    if not issubclass(dataset, GridDataset):
        return "any number of images of any size, in grey or colour, with factors or without"
    whole: Any = dataset.model_construct()
    channels, height, width = whole.image_shape
    colour = "in colour" if channels == 3 else "black and white" if whole.packed else "in grey"
    sizes = zip(whole.factors, whole.sizes, strict=True)
    factors = ", ".join(f"{plain(factor)} {size}" for factor, size in sizes)
    times = "" if whole.size == prod(whole.sizes) else ", several of each combination"
    return f"{whole.size:,} images of {height} × {width}, {colour}; factors {factors}{times}"


def _obtained(name: str, dataset: type[Dataset]) -> str:
    files = [download.name for download in getattr(dataset, "downloads", ())]
    if files:
        return (
            f"Read from {', '.join(map(code, files))}: `disentbench fetch {name}` downloads "
            f"{'it' if len(files) == 1 else 'them'}, or `path` says where "
            f"{'it is' if len(files) == 1 else 'they are'}."
        )
    if "path" in dataset.model_fields:
        return "Read from the file or folder that `path` names."
    return "Rendered here."
