"""A study on a SLURM cluster that fails in every way it knows gives what an undisturbed one gives.

The study is first run on this machine alone. Then it goes through the cluster with the profile that
users have. While its trainings run, one is requeued, one is cancelled and one is told that its time
is up; the node with the GPUs goes down; Snakemake is killed and started again beside the jobs that
it has left behind; and an urgent job takes the GPUs.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from cluster import Cluster, missing, until
from witness.sitecustomize import RECORD, pack_of

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(missing()), reason=missing())]

ROOT = Path(__file__).parents[2]
STRENGTHS = [1, 1.5, 2, 3, 4, 6]
STEPS, SEEDS_OF_A_PACK, PACKS = 1500, 2, 24
STARTED: list[subprocess.Popen] = []
WHOLE = STEPS * SEEDS_OF_A_PACK


class Process(NamedTuple):
    """What a process that trained has written down; times by the machine's clock."""

    pack: str
    steps: int
    first: float
    latest: float


class Disturbed(NamedTuple):
    """What is left to look at after the faults."""

    exit_code: int
    processes: list[Process]
    shared: set[str]  # packs for which two training commands were alive at once
    faults: dict[str, int]
    jobs: list[dict[str, str]]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout with a study of 24 packs and the profile, made for a small cluster."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("workflow", "configs", "disentbench"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "Snakefile", folder)
    study = yaml.safe_load((ROOT / "configs/smoke.yaml").read_text())
    del study["objectives"]["vae"]
    study["objectives"]["beta_tcvae"]["beta"] = STRENGTHS
    study["objectives"]["hfvae"]["beta"] = STRENGTHS
    study |= {"study": "faults", "seeds": f"0-{2 * SEEDS_OF_A_PACK - 1}", "metrics": ["mig"]}
    study["training"]["steps"] = STEPS
    (folder / "faults.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    write_profile(folder)
    (folder / "witness").mkdir()
    return folder


def write_profile(checkout):
    """The users' profile, its partition filled in: trainings and encodings can be preempted."""
    profile = yaml.safe_load((checkout / "workflow/profiles/slurm/config.yaml").read_text())
    for rule in ("train", "encode"):
        profile["set-resources"][rule]["slurm_partition"] = "low"
    profile |= {"jobs": 4, "slurm-init-seconds-before-status-checks": 1, "latency-wait": 10}
    (checkout / "workflow/profiles/test").mkdir()
    (checkout / "workflow/profiles/test/config.yaml").write_text(yaml.safe_dump(profile))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as up:
        yield up
        for run in STARTED:
            run.kill()


@pytest.fixture(scope="module")
def undisturbed(checkout):
    """The scores of the study, run on this machine alone."""
    began = time.monotonic()
    run = snakemake(checkout, os.environ, "--cores", "2", "results/faults/scores.csv")
    if run.wait():
        pytest.fail(tail(checkout), pytrace=False)
    scores = (checkout / "results/faults/scores.csv").read_bytes()
    (checkout / "results").rename(checkout / "results-undisturbed")
    say(f"undisturbed, on this machine: {time.monotonic() - began:.0f} s")
    return scores


@pytest.fixture(scope="module")
def disturbed(checkout, undisturbed, cluster):
    """The study on the cluster, disturbed in every way while its trainings run."""
    began = time.monotonic()
    with Watch(checkout) as watch:
        try:
            exit_code, faults = disturb(cluster, checkout, watch)
        except TimeoutError as error:
            pytest.fail(f"{error}\n\n{tail(checkout)}\n\n{cluster.state()}", pytrace=False)
    say(f"disturbed, on the cluster: {time.monotonic() - began:.0f} s")
    for fault, count in faults.items():
        say(f"trainings {fault}: {count}")
    return Disturbed(exit_code, processes(checkout), watch.shared, faults, cluster.jobs())


def test_every_fault_happened(disturbed):
    assert min(disturbed.faults.values()) >= 1, disturbed.faults


def test_all_runs_finish_with_the_scores_of_an_undisturbed_study(checkout, undisturbed, disturbed):
    assert disturbed.exit_code == 0, tail(checkout)
    assert (checkout / "results/faults/scores.csv").read_bytes() == undisturbed
    assert (checkout / "results/faults/report/index.html").exists()


def test_no_pack_is_trained_by_two_processes_at_once(disturbed):
    by_pack = defaultdict(list)
    for process in disturbed.processes:
        by_pack[process.pack].append(process)
    assert len(by_pack) == PACKS
    for trained in by_pack.values():
        trained.sort(key=lambda process: process.first)
        for before, after in pairwise(trained):
            assert before.latest < after.first, (before, after)


def test_interrupted_trainings_go_on_from_their_checkpoints(disturbed):
    last = {each.pack: each.steps for each in sorted(disturbed.processes, key=lambda p: p.latest)}
    resumed = [pack for pack, steps in last.items() if steps < WHOLE]
    taken = sum(process.steps for process in disturbed.processes)
    say(f"packs resumed: {len(resumed)}; steps: {taken} for {WHOLE * PACKS}")
    assert resumed


def test_training_and_encoding_ask_for_a_gpu_and_nothing_else_does(disturbed):
    asked = defaultdict(set)
    for job in disturbed.jobs:
        if match := re.match(r"rule_(\w+?)(_wildcards_|$)", job.get("Comment", "")):
            asked[match[1]].add(job.get("TresPerJob"))
    gpu = {rule for rule, asks in asked.items() if asks == {"gres:gpu:1"}}
    assert gpu == {"train", "encode"}
    assert all(asks == {None} for rule, asks in asked.items() if rule not in gpu)
    assert set(asked) - gpu >= {"data", "score", "levels", "audit", "collect", "report"}


# The faults. Each is done to trainings that have just begun, and says how many it has hit.


def disturb(cluster, checkout, watch) -> tuple[int, dict[str, int]]:
    """Run the study through all of them: Snakemake's exit code, and what each fault has hit."""
    neighbour = submit(cluster, gpus=1)  # two GPUs of three are left: two trainings at once
    run = start(checkout, cluster)
    faults = {
        "requeued": requeue(cluster, checkout),
        "cancelled": cancel(cluster, checkout),
        "told to end before their time limit": warn(cluster, checkout),
        "hit by a node that went down": take_a_node_down(neighbour, cluster, checkout),
    }
    left, run = kill_snakemake(run, neighbour, cluster, checkout, watch)
    faults["left behind by a killed Snakemake"] = left
    faults["preempted"] = preempt(cluster, checkout)
    exit_code = run.wait()
    return exit_code, faults | {"run side by side with one left behind": len(watch.shared)}


def requeue(cluster, checkout) -> int:
    """What an administrator, or a failing prolog, does to a job."""
    job = one_in_training(cluster, checkout)
    cluster.run("scontrol", "requeue", job)
    until(lambda: restarts(cluster)[job] == 1, 30, f"job {job} is not requeued")
    return 1


def cancel(cluster, checkout) -> int:
    job = one_in_training(cluster, checkout)
    cluster.run("scancel", job)
    until(lambda: states(cluster)[job] == "CANCELLED", 60, f"job {job} is not cancelled")
    return 1


def warn(cluster, checkout) -> int:
    """The signal that the profile asks for, two minutes before the time limit, comes at once."""
    job = one_in_training(cluster, checkout)
    cluster.run("scancel", "--signal=TERM", job)
    until(lambda: states(cluster)[job] == "FAILED", 60, f"job {job} does not heed a signal")
    return 1


def take_a_node_down(neighbour, cluster, checkout) -> int:
    """All jobs of the node are lost; it comes back, and the neighbour with it."""
    one_in_training(cluster, checkout)
    hit = trainings(cluster).values()
    cluster.fail("g1")
    until(lambda: not trainings(cluster), 60, "jobs go on running on a node that is down")
    cluster.restore("g1")
    until(lambda: states(cluster)[neighbour] == "RUNNING", 60, "the neighbour does not come back")
    return sum(f"JobId={job} due to failure of node g1" in cluster.log() for job in hit)


def kill_snakemake(run, neighbour, cluster, checkout, watch):
    """Its jobs stay; a second Snakemake, which begins with their packs, must not disturb them.

    Those that wait are held in the queue. When a job of the second starts with the pack of one of
    them, that one is let go, before all others, to the GPU that the neighbour leaves.
    """
    waiting = until(lambda: hold(cluster), 300, "no training waits")
    run.kill()
    assert run.wait() == -9
    left = waiting | trainings(cluster)
    run = start(checkout, cluster, "--prioritize", *map(model, waiting))
    packs = until(lambda: waiting.keys() & trainings(cluster).keys(), 300, "no second job comes")
    first = waiting.pop(packs.pop())
    cluster.run("scontrol", "release", first)
    cluster.run("scontrol", "update", f"jobid={first}", f"priority={2**32 - 10}")
    cluster.run("scancel", neighbour, *waiting.values())
    until(lambda: watch.shared, 120, "no training of the first meets one of the second")
    return len(left), run


def hold(cluster) -> dict[str, str]:
    """The trainings that wait, which now wait until they are let go."""
    waiting = trainings(cluster, "PENDING")
    for job in waiting.values():
        cluster.run("scontrol", "hold", job, check=False)  # it may have just begun
    return dict(waiting.items() & trainings(cluster, "PENDING").items())


def preempt(cluster, checkout) -> int:
    """An urgent job takes every GPU for a moment, then one of them for good."""
    one_in_training(cluster, checkout)
    urgent = submit(cluster, gpus=3)
    until(lambda: states(cluster)[urgent] == "RUNNING", 120, "the urgent job does not start")
    cluster.run("scancel", urgent)
    submit(cluster, gpus=1)
    return len(re.findall(r"preempted JobId=\d+ has been requeued", cluster.log()))


# What runs, and what is seen of it.


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
