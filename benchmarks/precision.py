"""Whether bf16 changes what a study finds: the demo's values over seeds, in float32 and in bf16.

    python benchmarks/precision.py

Trains two settings of configs/demo.yaml with more seeds, and twice as long, so that few end on the
plateau that all begin with, once in each precision, through the whole pipeline, and writes its
section of benchmarks/RESULTS.md. It takes half an hour on two cores.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from scipy import stats
from sections import machine, write

from disentbench.models.layers import multiplies_bf16

ROOT = Path(__file__).parent.parent
SEEDS, STEPS = 24, 1600
SETTINGS = {"vae": {}, "beta_tcvae": {"beta": 3}}
METRICS = ["elbo", "decomposition", "mig"]
PRODUCTS = {
    True: "This processor multiplies bf16.",
    False: "This processor has no bf16: products are of rounded numbers, in float32, and rounded.",
}
VALUES = ["elbo", "distortion", "rate", "total_correlation", "mig"]


def main() -> None:
    with TemporaryDirectory() as folder:
        found = {each: scores(each, Path(folder)) for each in ("float32", "bf16")}
    write("Precision: bf16 beside float32", text(found["float32"], found["bf16"]))


def scores(precision: str, folder: Path) -> pd.DataFrame:
    """Every value [(objective, seed), value] of the study in a precision."""
    study = yaml.safe_load((ROOT / "configs/demo.yaml").read_text())
    study |= {
        "study": precision,
        "objectives": SETTINGS,
        "seeds": f"0-{SEEDS - 1}",
        "pack": SEEDS // 4,
        "metrics": METRICS,
        "training": study["training"] | {"steps": STEPS, "precision": precision},
    }
    config = folder / f"{precision}.yaml"
    config.write_text(yaml.safe_dump(study))
    table = f"results/{precision}/scores.csv"
    command = [sys.executable, "-m", "snakemake", table, "--quiet", "--cores", "all"]
    for option, value in {
        "--snakefile": ROOT / "Snakefile",
        "--directory": folder,
        "--configfile": config,
    }.items():
        command += [option, str(value)]
    subprocess.run(command, check=True)
    long = pd.read_csv(folder / table)
    return long.pivot_table("value", ["objective", "seed"], "metric")[VALUES]


def text(exact: pd.DataFrame, rounded: pd.DataFrame) -> str:
    """The section of RESULTS.md."""
    rows = [
        row(objective, value, exact.loc[objective][value], rounded.loc[objective][value])
        for objective in SETTINGS
        for value in VALUES
    ]
    return TEXT.format(
        seeds=SEEDS,
        steps=STEPS,
        products=PRODUCTS[multiplies_bf16()],
        count=len(rows),
        machine=machine(1),
        rows="\n".join(line for line, _ in rows),
        least=min(p for _, p in rows),
        bound=0.05 / len(rows),
    )


def row(objective: str, value: str, exact: pd.Series, rounded: pd.Series) -> tuple[str, float]:
    """A line of the table, and the smaller of its two p-values."""
    difference = rounded.mean() - exact.mean()
    welch = stats.ttest_ind(rounded, exact, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    ks = stats.ks_2samp(exact, rounded).pvalue
    cells = [objective, value, spread(exact), spread(rounded)]
    cells += [f"{difference:+.4f} ({low:+.4f} to {high:+.4f})", f"{welch.pvalue:.2f}", f"{ks:.2f}"]
    return f"| {' | '.join(cells)} |", min(welch.pvalue, ks)


def spread(values: pd.Series) -> str:
    """Mean and standard deviation."""
    return f"{values.mean():.4f} ({values.std():.4f})"


TEXT = """\
Two settings of configs/demo.yaml, {seeds} seeds each, trained for {steps:,} steps and encoded in
float32 and in bf16 (networks in bf16; parameters, posterior, loss and scores in float32).
{products}
Mean and standard deviation over seeds, the difference of the means with its 95 % interval, and the
p-values of Welch's test of the means and of the Kolmogorov-Smirnov test of the distributions. ELBO,
distortion, rate and total correlation in nats.

{machine} `python benchmarks/precision.py`

| objective | value | float32 | bf16 | difference | Welch | KS |
|---|---|---|---|---|---|---|
{rows}

The least of the p-values is {least:.3f}; of {count} rows with two tests each one would take
p < {bound:.4f} as evidence of a change at the level of 5 % (Bonferroni over the rows).
"""


if __name__ == "__main__":
    main()
