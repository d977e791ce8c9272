"""The losses of the best settings' runs by step, their quantiles, and the runs that diverged."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from disentbench.recipe import Pack
from disentbench.report import records
from disentbench.report.context import Report
from disentbench.report.runs import Block, median_seed

# Columns that are no term; in brackets, what the history has not.
OBJECTIVE, ESTIMATOR, IS_MEDIAN = "(objective)", "(estimator)", "(median)"
OWN = ("seed", "step", OBJECTIVE, ESTIMATOR, IS_MEDIAN)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
POINTS = 50  # of a line; a figure of a column's width shows no more
DIVERGED = 12  # runs whose losses are drawn


class Band(NamedTuple):
    """Quantiles over runs of a term, where at least half of these have a value."""

    steps: Float[np.ndarray, " step"]
    values: Float[np.ndarray, "step quantile"]  # at QUANTILES


class Lost(NamedTuple):
    """A run that diverged: its losses by step as long as they were finite, and what became of it.

    `noticed` is the first logged step at which a term is not finite; None if all stayed so.
    """

    pack: Pack
    seed: int
    losses: pd.Series
    noticed: int | None


class Histories(NamedTuple):
    """The losses of the best settings' runs, and runs that diverged, whatever their setting.

    `diverged` counts these, whether or not anything is left of their losses.
    """

    losses: pd.DataFrame
    lost: list[Lost]
    diverged: int


def read_histories(report: Report, block: Block) -> Histories:
    """What is left of the histories of a data set's best settings, and of what diverged.

    Packs of other settings are not read, but for the first runs that are known to have diverged.
    """
    made = records.read_records(report.study, report.files, block.dataset)
    known = {(record.pack, seed) for record in made for seed in record.diverged}
    tables, lost = [], []
    for pack in _best_packs(report, block):
        losses = records.history(report.files.pack(pack))
        if losses is None:
            continue
        failed = [seed for seed in pack.seeds if _diverged(losses, seed, (pack, seed) in known)]
        known |= {(pack, seed) for seed in failed}
        tables.append(_told(report, block, pack, losses[~losses["seed"].isin(failed)]))
    order = {pack: place for place, pack in enumerate(report.study.packs)}
    ordered = sorted(known, key=lambda run: (order[run[0]], run[1]))
    lost = [run for pack, seed in ordered[:DIVERGED] if (run := _lost(report, pack, seed))]
    losses = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return Histories(losses, lost, len(known))


def _best_packs(report: Report, block: Block) -> list[Pack]:
    """Every pack of each best setting, the best objective first."""
    order = {(block.dataset, *key): place for place, key in enumerate(block.best)}
    packs = [pack for pack in report.study.packs if pack.of in order]
    return sorted(packs, key=lambda pack: order[pack.of])


def _diverged(losses: pd.DataFrame, seed: int, known: bool) -> bool:
    return known or records.step_of_divergence(losses, seed) is not None


def _told(report: Report, block: Block, pack: Pack, losses: pd.DataFrame) -> pd.DataFrame:
    """The losses of a best setting's pack, and whose they are."""
    seed = median_seed(block, pack.objective, pack.setting, report.chosen)
    estimator = report.estimators[pack.objective, pack.setting] or ""
    told = {OBJECTIVE: pack.objective, ESTIMATOR: estimator, IS_MEDIAN: losses["seed"] == seed}
    return losses.assign(**told)


def _lost(report: Report, pack: Pack, seed: int) -> Lost | None:
    """What is left of a run that diverged, if its history is."""
    losses = records.history(report.files.pack(pack))
    if losses is None:
        return None
    run = losses[losses["seed"] == seed].set_index("step")["loss"].astype(float)
    finite = np.logical_and.accumulate(np.isfinite(run))
    return Lost(pack, seed, run[finite], records.step_of_divergence(losses, seed))


def band(runs: pd.DataFrame, term: str) -> Band:
    """The quantiles of a term over runs (seed, step, ...), on all steps that any of them logs."""
    table = runs.pivot(index="step", columns="seed", values=term)
    enough = table[table.notna().sum(axis=1) >= table.shape[1] / 2]
    enough = enough.iloc[thinned(len(enough))]
    return Band(enough.index.to_numpy(float), np.nanquantile(enough, QUANTILES, axis=1).T)


def thinned(rows: int) -> np.ndarray:
    """So many rows as can be seen, the first and the last among them."""
    return np.unique(np.linspace(0, rows - 1, min(rows, POINTS)).round().astype(int))
