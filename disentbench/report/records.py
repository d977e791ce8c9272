"""Where the numbers come from: each pack's provenance, and which of its runs diverged when."""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench.recipe import Pack
from disentbench.results.tidy import read_made
from disentbench.storage import hdf5, seals, tables
from disentbench.storage.layout import PackFolder, StudyFolder
from disentbench.storage.provenance import EFFORT, SPENT, unique
from disentbench.study import Study


class PackRecord(NamedTuple):
    """The provenance of a pack's latents and the seeds whose training diverged."""

    pack: Pack
    provenance: dict
    diverged: list[int]


def read_records(study: Study, files: StudyFolder, dataset: str | None = None) -> list[PackRecord]:
    """What made every pack, of one data set or of all, whose latents are there.

    Only small parts of the files are read.
    """
    packs = [pack for pack in study.packs if dataset in (None, pack.dataset)]
    paths = {pack: files.pack(pack).latents for pack in packs}
    return [_record(pack, path) for pack, path in paths.items() if path.exists()]


def _record(pack: Pack, path: Path) -> PackRecord:
    with hdf5.open_data(path) as file:
        provenance = hdf5.json_attribute(file, "provenance")
        failed = np.flatnonzero(hdf5.array(file, "failed"))
        seeds = hdf5.array(file, "seeds")
    return PackRecord(pack, provenance, [int(seeds[row]) for row in failed])


def history(files: PackFolder) -> pd.DataFrame | None:
    """The losses of a pack by step, or None where the file is gone."""
    path = files.history
    return tables.read_own_table(path) if path.exists() else None


def notes(files: PackFolder, seed: int, metric: str) -> list[str]:
    """What a metric had to say of a run of a pack, such as why a value is NaN."""
    path = files.detail(metric)
    if not path.exists():
        return []
    said = json.loads(seals.checked(path).read_text()).get("notes", {})
    return said.get(str(seed), {}).get(metric, [])


def step_of_divergence(losses: pd.DataFrame | None, seed: int) -> int | None:
    """The first logged step at which a term of this run is not finite."""
    if losses is None:
        return None
    run_losses = losses[losses["seed"] == seed]
    terms = run_losses.drop(columns=["seed", "step"]).dropna(axis=1, how="all")
    bad = run_losses.loc[~np.isfinite(terms).all(axis=1), "step"]
    return int(bad.min()) if len(bad) else None


def trainings(provenance: dict) -> list[dict]:
    """The parts of a pack's training, each with what made it; one, unless it was resumed."""
    return [making for making in provenance.get("trained", []) if isinstance(making, dict)]


def timed(making: dict) -> bool:
    """Whether a training says what it took."""
    spent = [making.get(key) for key in SPENT]
    return all(isinstance(value, int | float) and 0 < value < math.inf for value in spent)


def makings(encoded: list[PackRecord], scores: Path) -> list[dict]:
    """All that made the numbers: every pack's training, more than one if it was resumed elsewhere,
    its encoding, and the scoring, as the tidy table tells."""
    packs = [making for o in encoded for making in (*trainings(o.provenance), o.provenance)]
    return packs + _scorings(scores)


def _scorings(scores: Path) -> list[dict]:
    """What scored, where the tidy table is parquet and says it."""
    return read_made(scores).get("scored", [])


def distinct(made: list[dict], key: str) -> list[str]:
    """What the makings say under a key, each answer once."""
    return sorted({str(making.get(key, "not recorded")) for making in made})


def versions(made: list[dict]) -> dict[str, list[str]]:
    """The versions of each package over all makings."""
    pairs = dict.fromkeys(pair for making in made for pair in making.get("versions", {}).items())
    names = dict.fromkeys(name for name, _ in pairs)
    return {name: sorted(version for key, version in pairs if key == name) for name in names}


def resumed(encoded: list[PackRecord]) -> list[Pack]:
    """The packs whose training went on with other code, other versions or on another device.

    A part that differs in what it took alone is no other.
    """
    return [record.pack for record in encoded if len(_unlike(record)) > 1]


def _unlike(record: PackRecord) -> list[dict]:
    """The makings of a pack's training without where each began and what it took."""
    left_out = ("from_step", *EFFORT)
    return unique(
        {key: value for key, value in making.items() if key not in left_out}
        for making in trainings(record.provenance)
    )
