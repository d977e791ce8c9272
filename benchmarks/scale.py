"""What a study of 12,600 runs costs to plan, to collect and to report, in time and in memory.

    python benchmarks/scale.py

Writes made-up scores of every pack of configs/scale.yaml to a temporary folder, as rule score does,
with about as many bytes of detail, for a quarter, a half and all of the seeds. The section of
benchmarks/RESULTS.md is written anew.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from sections import machine, write

from disentbench import plugins
from disentbench.storage import seals
from disentbench.storage.provenance import origin
from disentbench.storage.study_file import read_study
from disentbench.study import Pack, Study

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "configs" / "scale.yaml"
LAST_SEEDS = (11, 24, 49)  # about a quarter, a half, all
BOUNDS = {"plan": (15, 300), "collect and report": (120, 2000)}  # seconds, MB
DIVERGED = 3  # the seed of the one run, of the first pack, that has no score at all


class Cost(NamedTuple):
    """Of one process and those it started: wall and CPU seconds, the largest one's memory in MB."""

    wall: float
    cpu: float
    peak: float


def main() -> None:
    rows, whole = [], read_study(STUDY)
    rows.append(("plan", runs(whole), planned(STUDY)))
    for last in LAST_SEEDS:
        study = read_study(whole.model_dump() | {"seeds": f"0-{last}"})
        with TemporaryDirectory() as folder:
            made_up(study, Path(folder))
            rows += [(what, runs(study), cost) for what, cost in gathered(study, Path(folder))]
    write("Scale: 12,600 runs", text(whole, rows))


def runs(study: Study) -> int:
    """How many runs a study has."""
    return sum(len(pack.seeds) for pack in study.packs)


def planned(study: Path) -> Cost:
    """The dry run of a study of which nothing is there, in a folder without results."""
    with TemporaryDirectory() as folder:
        for part in ("Snakefile", "workflow", "configs"):
            (Path(folder) / part).symlink_to(ROOT / part)
        return measured("snakemake", "-n", "--quiet", "--configfile", study, cwd=folder)


def gathered(study: Study, folder: Path) -> list[tuple[str, Cost]]:
    """The table of all scores, and the report on it."""
    table, page = folder / "scores.parquet", folder / "report" / "index.html"
    shared = (study.text, "--results", folder)
    collect = measured("disentbench", "collect", *shared, "--out", table.with_suffix(".csv"))
    report = measured("disentbench", "report", *shared, "--scores", table, "--out", page)
    return [("collect", collect), ("report", report)]


# A process counts the memory of the one that starts it as its own, until it is its own larger: so
# a small one starts it.
STARTER = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def measured(command: str, *arguments, cwd: str | Path = ROOT) -> Cost:
    """The cost of a command that lies beside this Python; what it says matters only if it fails."""
    words = [Path(sys.executable).parent / command, *arguments]
    starter = subprocess.run(
        [sys.executable, "-S", "-c", STARTER, *map(str, words)],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if starter.returncode:
        sys.exit(starter.stderr)
    wall, cpu, peak = map(float, starter.stdout.split())
    return Cost(wall, cpu, peak * 1024 / 1e6)  # Linux counts in KiB


def made_up(study: Study, results: Path) -> None:
    """The score files of every pack and metric, with their details and checksums."""
    rng, made_by = np.random.default_rng(0), origin("cpu")
    for pack in study.packs:
        table = scores(study, pack, rng)
        if pack is study.packs[0]:
            table.loc[DIVERGED] = np.nan
        folder = results / study.study / pack.path / "scores"
        folder.mkdir(parents=True)
        for metric in study.metrics_on(pack.dataset):
            tidy, detail = folder / f"{metric}.csv", folder / f"{metric}.json"
            long = table[names(metric)].rename_axis("run").stack(future_stack=True)
            long.rename_axis(["run", "metric"]).rename("value").to_csv(tidy)
            runs = {
                str(seed): {metric: {"made up": rng.normal(size=50).tolist()}}
                for seed in pack.seeds
            }
            detail.write_text(json.dumps({"runs": runs, "provenance": made_by}))
            seals.write_sums(tidy, detail)


def names(metric: str) -> list[str]:
    """The values of a metric."""
    return [value.name for value in plugins.load("metrics", metric).values]


def scores(study: Study, pack: Pack, rng: np.random.Generator) -> pd.DataFrame:
    """Every value [seed, value] of a pack: fractions about a mean of its own, the terms in nats.

    The terms sum to the rate, and to the ELBO with the distortion. A hundredth of the values of
    SAP is missing.
    """
    columns = [name for metric in study.metrics for name in names(metric)]
    shape, seeds = (len(pack.seeds), len(columns)), pd.Index(pack.seeds)
    a, b = rng.uniform(2, 6, (2, 1, shape[1]))
    table = pd.DataFrame(rng.beta(a, b, shape), seeds, columns)
    table.loc[rng.uniform(size=len(seeds)) < 0.01, "sap"] = np.nan
    table["active_units"] = rng.integers(3, 11, len(seeds)).astype(float)
    table["total_correlation"] = table["tc_between_groups"] + table["tc_within_groups"]
    parts = table["index_code_mi"] + table["total_correlation"] + table["dimension_wise_kl"]
    table["rate"], table["distortion"] = parts, rng.uniform(20, 40, len(seeds))
    table["elbo"] = -table["distortion"] - table["rate"]
    table.loc[:, table.columns.str.endswith("_se")] *= 0.01
    return table


def text(study: Study, rows: list[tuple[str, int, Cost]]) -> str:
    """The section of RESULTS.md."""
    table = "\n".join(
        f"| {what} | {count:,} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:.0f} |"
        for what, count, cost in rows
    )
    return TEXT.format(
        packs=len(study.packs),
        values=sum(len(names(metric)) for metric in study.metrics),
        machine=machine(1),
        table=table,
        bounds="\n".join(bound(*total) for total in totals(rows).items()),
        more=rows[-1][1] / rows[1][1],
        collect=growth("collect", rows),
        report=growth("report", rows),
    )


def totals(rows: list[tuple[str, int, Cost]]) -> dict[str, Cost]:
    """The cost of planning, and of collecting and reporting together, of the whole study."""
    (_, most, plan), *others = rows
    collect, report = (cost for _, count, cost in others if count == most)
    both = Cost(
        collect.wall + report.wall, collect.cpu + report.cpu, max(collect.peak, report.peak)
    )
    return {"plan": plan, "collect and report": both}


def bound(what: str, cost: Cost) -> str:
    """A line of the bounds: what they are, and how much of them was used."""
    seconds, memory = BOUNDS[what]
    parts = (cost.cpu / seconds, cost.peak / memory)
    verdict = "within" if max(parts) <= 1 else "**beyond**"
    used = ", ".join(f"{part:.2f}" for part in parts)
    return f"| {what} | {seconds} s, {memory:,} MB | {used} | {verdict} |"


def growth(what: str, rows: list[tuple[str, int, Cost]]) -> float:
    """The CPU time of the whole study over that of the smallest."""
    costs = [cost.cpu for name, _, cost in rows if name == what]
    return costs[-1] / costs[0]


TEXT = """\
A study of 12,600 runs in {packs} packs with {values} values each, configs/scale.yaml, with made-up
scores and without trained models: its dry run (`snakemake -n --quiet`), the table of all scores
(`disentbench collect`, CSV and parquet), and the report on it. The smaller studies have fewer seeds
in the same packs. Memory is that of the largest process.

{machine} `python benchmarks/scale.py`

| what | runs | wall, s | CPU, s | peak memory, MB |
|---|---|---|---|---|
{table}

| the whole study | bound | used of it, CPU time and memory | |
|---|---|---|---|
{bounds}

Each of them is one process with one thread, whose CPU time is the wall time that it takes where
nothing else runs. {more:.1f} times the runs cost {collect:.1f} times the CPU time to collect and
{report:.1f} times to report: a report's time goes into its figures, whose number does not depend on
that of the seeds.
"""


if __name__ == "__main__":
    main()
