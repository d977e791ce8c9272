"""What runs on the cluster, and what is seen of it."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from cluster import until
from witness.sitecustomize import RECORD, pack_of

STEPS, SEEDS_OF_A_PACK, PACKS = 1500, 2, 24
STARTED: list[subprocess.Popen] = []
WHOLE = STEPS * SEEDS_OF_A_PACK


class Process(NamedTuple):
    """What a process that trained has written down; times by the machine's clock."""

    pack: str
    steps: int
    first: float
    latest: float


def start(checkout, cluster, *arguments) -> subprocess.Popen:
    """Snakemake on the cluster, whose trainings write down what they do."""
    environment = cluster.environment | {
        "PYTHONPATH": f"{checkout}:{Path(__file__).parent / 'witness'}",
        "DISENTBENCH_WITNESS": str(checkout / "witness"),
    }
    profile = ("--workflow-profile", "workflow/profiles/test")
    return snakemake(checkout, environment, *profile, *arguments)


def snakemake(checkout, environment, *arguments) -> subprocess.Popen:
    """Snakemake in the copied checkout, whose own package its jobs import."""
    with (checkout / "snakemake.log").open("a") as log:
        run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--configfile", "faults.yaml", *arguments],
            cwd=checkout,
            env={"PYTHONPATH": str(checkout), **environment, "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    STARTED.append(run)
    return run


def submit(cluster, gpus: int) -> str:
    """An urgent job of somebody else's, which holds GPUs until it is cancelled."""
    asked = ("--partition=gpu", f"--gpus={gpus}", "--mem=100")
    return cluster.run("sbatch", "--parsable", *asked, "--output=/dev/null", "--wrap", "sleep 3600")


def trainings(cluster, state: str = "RUNNING") -> dict[str, str]:
    """The jobs of trainings in a state, by pack."""
    lines = cluster.run("squeue", "-h", "-t", state, "-o", "%i %k").splitlines()
    pairs = (line.split(" rule_train_wildcards_") for line in lines if "rule_train" in line)
    return {pack: job for job, pack in pairs}


def one_in_training(cluster, checkout) -> str:
    """The job of a training that has begun."""

    def found():
        begun = beginning(checkout)
        return next((job for pack, job in trainings(cluster).items() if pack in begun), None)

    return until(found, 300, "no training begins")


def beginning(checkout) -> set[str]:
    """Packs in training that have most of their steps before them."""
    now = time.monotonic()
    return {
        each.pack
        for each in processes(checkout)
        if now - each.latest < 1 and 50 < each.steps < WHOLE / 4
    }


def processes(checkout) -> list[Process]:
    """Every process that has taken a step."""
    files = [path for path in (checkout / "witness").iterdir() if path.stat().st_size]
    return [Process(path.name.split("@")[0], *RECORD.unpack(path.read_bytes())) for path in files]


def states(cluster) -> dict[str, str]:
    return {job["JobId"]: job["JobState"] for job in cluster.jobs()}


def restarts(cluster) -> dict[str, int]:
    return {job["JobId"]: int(job["Restarts"]) for job in cluster.jobs()}


def model(pack: str) -> str:
    """The model that the workflow makes of a pack."""
    objective, setting, seeds = re.fullmatch(r"faults_tiny_(\w+)_(beta-.+)_(.+)", pack).groups()
    return f"results/faults/tiny/{objective}/{setting}/seeds-{seeds}/model.pt"


def tail(checkout) -> str:
    """The end of what Snakemake has said."""
    return (checkout / "snakemake.log").read_text()[-2000:]


def say(text: str) -> None:
    print(f"\n{text}", end="", flush=True)


class Watch:
    """Looks every 0.2 s for packs for which two training commands are alive at once."""

    def __init__(self, checkout: Path):
        self.checkout = checkout
        self.shared: set[str] = set()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.ended.wait(0.2):
            packs = [self._pack(path) for path in Path("/proc").glob("[0-9]*")]
            self.shared |= {pack for pack in packs if pack and packs.count(pack) > 1}

    def _pack(self, process: Path) -> str | None:
        """The pack that a process trains, or waits to train, in this checkout."""
        try:
            if (process / "cwd").readlink() == self.checkout:
                return pack_of((process / "cmdline").read_text().split("\0"))
        except OSError:  # it has ended meanwhile
            pass
        return None
