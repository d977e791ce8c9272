"""Where the numbers come from: each pack's provenance, and which of its runs diverged when."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentbench import hdf5
from disentbench.study import Pack, Study


class Origin(NamedTuple):
    """The provenance of a pack's latents and the seeds whose training diverged."""

    pack: Pack
    provenance: dict
    diverged: list[int]


def origins(study: Study, results: Path) -> list[Origin]:
    """Of every pack whose latents are there; only the small parts of the files are read."""
    folder = results / study.study
    there = [pack for pack in study.packs if (folder / pack.path / "latents.h5").exists()]
    return [_origin(pack, folder / pack.path / "latents.h5") for pack in there]


def _origin(pack: Pack, path: Path) -> Origin:
    with hdf5.open_data(path) as file:
        provenance = hdf5.json_attribute(file, "provenance")
        failed = np.flatnonzero(hdf5.array(file, "failed"))
        seeds = hdf5.array(file, "seeds")
    return Origin(pack, provenance, [int(seeds[row]) for row in failed])


def history(study: Study, results: Path, pack: Pack) -> pd.DataFrame | None:
    """The losses of a pack by step, or None where the file is gone."""
    path = results / study.study / pack.path / "history.csv"
    return pd.read_csv(path) if path.exists() else None


def step_of_divergence(losses: pd.DataFrame | None, seed: int) -> int | None:
    """The first logged step at which a term of this run is not finite."""
    if losses is None:
        return None
    own = losses[losses["seed"] == seed]
    terms = own.drop(columns=["seed", "step"]).dropna(axis=1, how="all")
    bad = own.loc[~np.isfinite(terms).all(axis=1), "step"]
    return int(bad.min()) if len(bad) else None


def distinct(found: list[Origin], key: str) -> list[str]:
    """What the packs say under a key of their provenance, each answer once."""
    return sorted({str(origin.provenance.get(key, "not recorded")) for origin in found})


def versions(found: list[Origin]) -> dict[str, list[str]]:
    """The versions of each package over all packs."""
    pairs = {pair for o in found for pair in o.provenance.get("versions", {}).items()}
    names = list(dict.fromkeys(n for o in found for n in o.provenance.get("versions", {})))
    return {name: sorted(version for key, version in pairs if key == name) for name in names}
