"""A study on a SLURM cluster that fails in every way it knows gives what an undisturbed one gives.

The study is first run on this machine alone. Then it goes through the cluster with the profile that
users have. While its trainings run, one is requeued, one is cancelled and one is told that its time
is up; the node with the GPUs goes down; Snakemake is killed and started again beside the jobs that
it has left behind; and an urgent job takes the GPUs.
"""

import os
import re
import shutil
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from cluster import Cluster, missing
from disturbances import disturb
from watching import (
    PACKS,
    SEEDS_OF_A_PACK,
    STARTED,
    STEPS,
    WHOLE,
    Process,
    Watch,
    processes,
    say,
    snakemake,
    tail,
)

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(missing()), reason=missing())]

ROOT = Path(__file__).parents[2]
STRENGTHS = [1, 1.5, 2, 3, 4, 6]


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
