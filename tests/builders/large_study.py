"""Finished studies of any size and of every kind of misfortune, made up without any training."""

from pathlib import Path

import numpy as np
import pandas as pd

from builders.studies import STUDY, made, rendered
from disentbench.report import runs as run_tables
from disentbench.study import Study

STRENGTHS = [0.5, 1, 2, 4, 8, 16, 32]
LONG = "an-objective_whose-name+has-exactly-sixty-letters-of-the-64-00"
PUBLISHED = ["mig", "mig_chen", "sap", "dci", "modularity", "decomposition", "elbo", "active_units"]
SWEEPS = {
    "vae": {},
    "beta_vae": {"beta": STRENGTHS},
    "beta_tcvae": {"beta": STRENGTHS},
    "factor_vae": {"gamma": STRENGTHS, "critic_units": 8},
    "info_vae": {"lambda_mmd": STRENGTHS},
    "dip_vae_i": {"lambda_od": STRENGTHS},
}
LOGGED = 100  # steps that a history holds


def sweeping(datasets: int = 2, seeds: int = 50, **changes) -> Study:
    """36 settings of six objectives on so many data sets, by so many seeds."""
    names = [f"shapes_{place}" for place in range(datasets)]
    of_each = dict.fromkeys(names, STUDY["datasets"]["tiny"])
    changes = {"objectives": SWEEPS, "metrics": PUBLISHED, "pack": min(seeds, 10)} | changes
    return made(study="sweep", datasets=of_each, seeds=f"0-{seeds - 1}", **changes)


def scores(of: Study) -> pd.DataFrame:
    """A score of every run: settings differ, seeds scatter, and the terms sum to the rate.

    Every value lies in its range.
    """
    index = run_tables.planned(of)
    rng = np.random.default_rng(0)
    setting = index.droplevel("seed").factorize()[0]
    better = rng.uniform(0.2, 0.7, setting.max() + 1)[setting]
    names = [value.name for metric in of.metrics for value in _values(metric)]
    draws = np.clip(better[:, None] + rng.normal(0, 0.05, (len(index), len(names))), 0.01, 0.99)
    table = pd.DataFrame(draws, index, names)
    return _bound(table, rng) if "decomposition" in of.metrics else table


def _values(metric: str) -> tuple:
    from disentbench import plugins  # noqa: PLC0415 - loaded when asked for, as the package does

    return plugins.load("metrics", metric).values


def _bound(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The table with terms that agree with each other; no objective has groups."""
    n = len(table)
    table["index_code_mi"] = rng.uniform(1, 3, n)
    table["tc_between_groups"] = table["total_correlation"] = rng.gamma(2, 0.5, n)
    table["tc_within_groups"] = 0.0
    table["dimension_wise_kl"] = rng.uniform(1, 2, n)
    parts = ["index_code_mi", "total_correlation", "dimension_wise_kl"]
    table["rate"] = table[parts].sum(axis=1)
    table["distortion"] = 60 - 3 * table["rate"] + rng.normal(0, 1, n)
    table["elbo"] = -table["distortion"] - table["rate"]
    table["active_units"] = rng.integers(1, 4, n).astype(float)
    return table


def with_histories(folder: Path, of: Study, logged: int = LOGGED) -> None:
    """The losses of every pack, in the columns that its objective logs, and nothing else of it."""
    decay = np.exp(-np.linspace(0, 5, logged))
    for place, pack in enumerate(of.packs):
        rng = np.random.default_rng(place)
        steps = np.tile(np.arange(1, logged + 1) * 100, len(pack.seeds))
        noise = rng.normal(1, 0.02, len(steps))
        table = pd.DataFrame({"seed": np.repeat(pack.seeds, logged), "step": steps})
        table["distortion"] = (40 + 600 * np.tile(decay, len(pack.seeds))) * noise
        table["rate"] = 8 * (1 - np.tile(decay, len(pack.seeds))) * noise
        table.insert(2, "loss", table["distortion"] + table["rate"])
        for column in _own_terms(pack.objective):
            table[column] = rng.uniform(0, 2, len(steps))
        path = folder / of.study / pack.path / "history.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False, float_format="%.6g")


def _own_terms(objective: str) -> tuple[str, ...]:
    """What an objective logs besides the terms that all have."""
    terms = {
        "beta_tcvae": ("tc_between",),
        "factor_vae": ("critic_loss", "critic_tc"),
        "info_vae": ("mmd",),
    }
    return terms.get(objective, ())


def failed(table: pd.DataFrame, objective: str) -> pd.DataFrame:
    """The scores where every run of an objective failed."""
    gone = table.index.get_level_values("objective") == objective
    return table.mask(pd.Series(gone, table.index), np.nan)


def reported(folder: Path, of: Study) -> str:
    """The page of such a study, with histories and without models."""
    with_histories(folder, of)
    return rendered(folder, of, scores(of))
