"""The faults: each is done to trainings that have just begun, and says how many it has hit."""

import re

from cluster import until
from watching import model, one_in_training, restarts, start, states, submit, trainings


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
