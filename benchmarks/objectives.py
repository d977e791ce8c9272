"""What each objective does to the terms that it is made for, beside the VAE, over seeds.

    python benchmarks/objectives.py

Runs configs/objectives.yaml through the whole pipeline, or goes on where it stands, and writes its
section of benchmarks/RESULTS.md. It takes half an hour on two cores.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sections import machine, write

from disentbench.scoring.statistics import difference
from disentbench.storage.study_file import read_study

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "configs/objectives.yaml"
# The columns of the table, and their digits.
VALUES = {
    "distortion": ("distortion", 1),
    "rate": ("rate", 2),
    "total_correlation": ("exact TC", 2),
    "gaussian_total_correlation": ("TC of the means, as Gaussian", 2),
    "mig": ("MIG", 3),
}
COMPARED = ("total_correlation", "gaussian_total_correlation")


def main() -> None:
    table = ROOT / "results/objectives/scores.csv"
    command = [sys.executable, "-m", "snakemake", str(table.relative_to(ROOT)), "--cores", "all"]
    subprocess.run([*command, "--configfile", str(STUDY)], check=True, cwd=ROOT)
    write("Objectives: each beside the VAE", text(scores(pd.read_csv(table))))


def scores(tidy: pd.DataFrame) -> pd.DataFrame:
    """Every value [(objective, setting, seed), value] of a tidy table."""
    return tidy.pivot_table("value", ["objective", "setting", "seed"], "metric", sort=False)


def text(found: pd.DataFrame) -> str:
    """The section: means and standard deviations over seeds, and differences from the VAE."""
    study = read_study(STUDY)
    training, seeds = study.training, found.index.get_level_values("seed").nunique()
    rows = [row(found, *key) for key in found.index.droplevel("seed").unique()]
    titles = [title for title, _ in VALUES.values()]
    titles += [f"{VALUES[name][0]}, less the VAE's" for name in COMPARED]
    head = ["objective", "setting", *titles]
    lines = [head, ["---"] * len(head), *rows]
    return (
        f"Means and standard deviations over {seeds} seeds of configs/objectives.yaml, "
        f"{training.steps:,} steps of {training.batch_size}\nimages; differences from the VAE with "
        "Welch's 95 % interval. All in nats but MIG.\n\n"
        f"{machine(1)} `python benchmarks/objectives.py`\n\n"
        + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    )


def row(found: pd.DataFrame, objective: str, setting: str) -> list[str]:
    runs = found.loc[objective, setting]
    means = [
        f"{runs[name].mean():.{digits}f} ± {runs[name].std():.{digits}f}"
        for name, (_, digits) in VALUES.items()
    ]
    return [objective, setting, *means, *(less(runs[name], found, name) for name in COMPARED)]


def less(runs: pd.Series, found: pd.DataFrame, name: str) -> str:
    """The difference of these runs' mean from the VAE's, and its interval."""
    vae = found.loc["vae", "default"][name]
    if runs.equals(vae):
        return ""
    gap = difference(np.asarray(runs), np.asarray(vae))
    return f"{gap.mean:.2f} ({gap.low:.2f} to {gap.high:.2f})"


if __name__ == "__main__":
    main()
