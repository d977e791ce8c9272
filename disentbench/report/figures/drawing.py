"""What training saw, where it does not draw all images alike: in numbers and words, no figure."""

from math import prod
from typing import Any, NamedTuple

import pandas as pd

from disentbench.datasets import _drawing, _drawn
from disentbench.datasets._drawing import Classes, Condition
from disentbench.datasets._grid import GridDataset, grid
from disentbench.report import comparisons, tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure
from disentbench.report.runs import Block
from disentbench.report.text import count, fixed, places

MEASURED = ("distortion", "elbo", "mig")  # by the metric held_out, of either part
PARTS = ("seen", "held_out")
MOST = 6  # classes that a condition lists


class Correlated(NamedTuple):
    """Two factors that training saw correlated, and how much they were in what it draws."""

    first: str
    second: str
    sigma: float
    inverse: bool
    correlation: float
    mutual_information: float
    never_drawn: float  # of the pairs of classes, the share

    @property
    def cells(self) -> list[str]:
        """As it stands on the page."""
        numbers = (fixed(self.correlation, 2), fixed(self.mutual_information, 2))
        numbers += (_percent(self.never_drawn),)
        return [f"{self.sigma:g}", "yes" if self.inverse else "no", *numbers]


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The correlations, what is expected never to be drawn, and scores of what was held out."""
    dataset = report.study.dataset(block.dataset)
    if not isinstance(dataset, GridDataset) or not dataset.is_weighted:
        return None
    training = report.study.training
    correlated = pairs(dataset, training.steps * training.batch_size)
    if correlated:
        name = report.folder.table(f"{block.dataset}_correlations")
        table = tables.placed(pd.DataFrame(correlated), block.dataset, report.settings)
        tables.write_csv(name, table)
    return {
        "drawn": drawn(dataset, training.steps, training.batch_size),
        "pairs": correlated,
        "held_out": held_out(dataset),
        "scores": _scores(report, block) if dataset.hold_out else None,
    }


def pairs(dataset: GridDataset, draws: int) -> list[Correlated]:
    """Every correlated pair of a data set, by the classes that so many draws take of it."""
    combinations = grid(dataset.sizes)
    weights = dataset.weights(combinations)
    assert weights is not None  # of a data set that correlates or holds out
    names, correlated = list(dataset.factors), []
    for each in dataset.correlate:
        joint = _drawn.joint(combinations, weights, *map(names.index, each.factors))
        never = _drawn.never_drawn(joint.table.ravel(), draws)
        numbers = joint.correlation, joint.mutual_information, never
        correlated.append(Correlated(*each.factors, each.sigma, each.inverse, *numbers))
    return correlated


def drawn(dataset: GridDataset, steps: int, batch: int) -> str:
    """How many combinations of classes a training is expected never to draw."""
    combinations = grid(dataset.sizes)
    weights = dataset.weights(combinations)
    assert weights is not None
    share = _drawn.never_drawn(weights, steps * batch)
    among = ", those held out among them," if dataset.hold_out else ""
    return (
        f"Training draws images with replacement by weights. Of the "
        f"{count(len(combinations), 'combination')} of classes {_percent(share)}{among} are "
        f"expected never to be drawn in {count(steps, 'step')} of {count(batch, 'image')}. "
        "What is measured is measured on all images alike, unless a part of them is named."
    )


def _percent(share: float) -> str:
    if 0 < share < 0.0005:
        return "less than 0.1\u00a0%"
    return f"{fixed(100 * share, 1)}\u00a0%"


def held_out(dataset: GridDataset) -> str:
    """Which combinations were held out, in words; empty where none was."""
    if not dataset.hold_out:
        return ""
    share = _drawing.share_held_out(dataset.factors, dataset.hold_out)
    total = prod(dataset.sizes)
    conditions = ", or ".join(_words(dataset, condition) for condition in dataset.hold_out)
    number = fixed(round(share * total), 0)
    return (
        f"Held out of training, and never drawn: {number} of {count(total, 'combination')}, those "
        f"in which {conditions}."
    )


def _words(dataset: GridDataset, condition: Condition) -> str:
    """A condition as a person says it."""
    return " and ".join(
        f"{name} is {_classes(dataset, name, classes)}" for name, classes in condition.items()
    )


def _classes(dataset: GridDataset, name: str, classes: Classes) -> str:
    """Classes by name or number; those next to each other, of those kept, as a span."""
    called = dataset.names.get(name) or tuple(map(str, range(len(dataset.values[name]))))
    kept = dataset.factors[name]
    if len(classes) > 2 and kept.index(classes[-1]) - kept.index(classes[0]) == len(classes) - 1:
        return f"{called[classes[0]]} to {called[classes[-1]]}"
    words = [called[each] for each in classes]
    if len(words) > MOST:
        words = [*words[: MOST - 1], f"{len(words) - MOST + 1} more"]
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _scores(report: Report, block: Block) -> dict[str, Any] | None:
    """What each objective's best setting scores on either part; None where it was not measured."""
    values = [f"{value}_{part}" for value in MEASURED for part in PARTS]
    if not set(values) <= report.columns.keys() or not block.best:
        return None
    means = block.summary.mean.loc[block.best, values]
    table = tables.placed(means.reset_index(), block.dataset, report.settings)
    tables.write_csv(report.folder.table(f"{block.dataset}_held_out"), table)
    decimals = [places(means[value], most=3) for value in values]
    titles = [report.columns[f"{value}_seen"].value for value in MEASURED]
    return {
        "titles": [(value.label.partition(",")[0], value.unit) for value in titles],
        "rows": [
            (
                comparisons.title(report.settings, key),
                [fixed(mean, n) for mean, n in zip(means.loc[key], decimals, strict=True)],
            )
            for key in block.best
        ],
    }


figure = Figure(section, heading="What training saw", nav="Drawn", place=5, template="drawing.html")
