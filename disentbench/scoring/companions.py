"""The other runs of a setting, for the metrics that compare runs.

Not all posteriors fit in memory: the files are read run by run, and of each run is kept what the
metrics' `summary` makes of it.
"""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disentbench import plugins
from disentbench.posterior import Posterior
from disentbench.posterior.from_files import read_together
from disentbench.storage.representation_files import AS_IT_IS, Reading

Kept = dict[str, Any]  # of a run, by metric
Seeded = Callable[[str], np.random.Generator]  # a metric's generator, alike for every run


def comparing(metrics: Sequence[str]) -> list[str]:
    """Those of the metrics that compare runs."""
    return [name for name in metrics if "companions" in plugins.needs(name)]


def compared(
    paths: Sequence[str | Path],
    metrics: Sequence[str],
    seeded: Seeded,
    reading: Reading = AS_IT_IS,
) -> dict[tuple[int, str], Kept] | None:
    """What these metrics keep of every run that did not diverge, by its file's place and its name.

    In the order of the names, however the runs are divided over the files. None where no metric
    compares runs, or where one of them has no posterior.
    """
    kept: dict[tuple[int, str], Kept] = {}
    if not metrics:
        return None
    for key, run in read_together(paths, reading):
        if run.posterior is None:
            return None
        if not run.failed:
            kept[key] = summaries(run.posterior, metrics, seeded)
    ordered = sorted(kept, key=lambda key: (len(key[1]), key[1], key[0]))  # 2 stands before 10
    return {key: kept[key] for key in ordered}


def summaries(posterior: Posterior, metrics: Sequence[str], seeded: Seeded) -> Kept:
    """What these metrics keep of one run."""
    return {name: _summary(name, posterior, seeded) for name in metrics}


def _summary(name: str, posterior: Posterior, seeded: Seeded) -> Any:
    summary = plugins.load("metrics", name).summary
    takes_rng = "rng" in inspect.signature(summary).parameters
    return summary(posterior, **({"rng": seeded(name)} if takes_rng else {}))
