"""A SLURM cluster on one machine, for tests: started by root in a folder of its own.

    python tests/slurm/cluster.py FOLDER    # up until Ctrl-C; says what to set in another terminal

Nothing under /etc is read or written; the daemons end with the cluster. Two nodes have CPUs (c1,
c2) and one has three pretended GPUs (g1). The partition low runs on all of them and gives way to
the other two, cpu and gpu. There is no accounting: `sacct` has nobody to ask.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

NODES = ("c1", "c2", "g1")
GPUS = 3
DAEMONS = ("munged", "slurmctld", "slurmd")

# A job that is requeued waits for as long as credentials are valid, by default 120 s. A step of a
# job is killed whole when its first process leaves (pgid), as on clusters that use cgroups. Jobs
# that have ended are remembered for an hour: the tests look at them.
CONF = """
ClusterName=disentbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=1
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=c1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=32000
NodeName=c2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=32000
NodeName=g1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[3]} CPUs=8 RealMemory=64000 \
Gres=gpu:pretended:{gpus}
PartitionName=cpu Nodes=c1,c2 Default=YES MaxTime=1-0 PriorityTier=10 PreemptMode=OFF
PartitionName=gpu Nodes=g1 MaxTime=1-0 PriorityTier=10 PreemptMode=OFF
PartitionName=low Nodes=ALL MaxTime=1-0 PriorityTier=1 PreemptMode=REQUEUE
"""
GRES = "NodeName=g1 Name=gpu Type=pretended File={folder}/dev/nvidia[0-{last}]\n"

# The SLURM executor gives its inner `srun` an environment without SLURM_CONF: say it again.
SRUN = '#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n'


def missing() -> str:
    """Why a cluster cannot be had here; nothing where it can."""
    if os.geteuid() != 0:
        return "a cluster's daemons must be started as root"
    absent = [name for name in (*DAEMONS, "sbatch", "srun") if not shutil.which(name)]
    return f"not installed: {', '.join(absent)}" if absent else ""


class Cluster:
    """Up for the length of a `with` block."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.daemons: dict[str, subprocess.Popen] = {}
        self.environment = os.environ | {
            "SLURM_CONF": f"{self.folder}/slurm.conf",
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
        }

    def __enter__(self) -> "Cluster":
        self._lay_out()
        try:
            self._start("munged", "munged", "--foreground", "--force", *self._munge_files())
            until((self.folder / "munge.socket").is_socket, 10, "munged gives no socket")
            self._start("slurmctld", "slurmctld", "-D")
            for node in NODES:
                self._boot(node)
            until(lambda: self._idle() == len(NODES), 30, "the nodes do not come up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        """Cancel every job, then end the daemons, the last one started first."""
        if len(self.daemons) > 1:
            self.run("scancel", "--user=root", check=False)
            with suppress(TimeoutError):
                until(lambda: not self.run("squeue", "-h", check=False), 60, "jobs do not end")
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
        self.daemons.clear()

    def run(self, *command: str, check: bool = True) -> str:
        """What a SLURM command says."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def jobs(self) -> list[dict[str, str]]:
        """What SLURM knows of every job: JobId, JobState, Restarts, Comment and so on."""
        lines = self.run("scontrol", "show", "job", "--oneliner").splitlines()
        return [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in lines
            if line.startswith("JobId=")
        ]

    def log(self) -> str:
        """What the controller has written."""
        return (self.folder / "log/slurmctld.log").read_text(errors="replace")

    def state(self) -> str:
        """Its jobs, its nodes and the end of its log, for whoever asks why nothing moves."""
        jobs, nodes = self.run("squeue", "-o", "%i %t %r %k"), self.run("sinfo", "-N", "-l")
        return f"{jobs}\n\n{nodes}\n\n{self.log()[-3000:]}"

    def fail(self, node: str) -> None:
        """A node loses its power: nothing of its jobs is left, and SLURM knows that it is down."""
        jobs = set(self.run("squeue", "-h", "-w", node, "-o", "%i").split())
        self.daemons[node].kill()
        self.daemons[node].wait()
        for step in self._steps(jobs):
            processes = [step, *step.children(recursive=True)]
            for process in processes:  # first the step, which would say how its job has ended
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(processes, timeout=20)
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=power")

    def restore(self, node: str) -> None:
        """It is switched on again."""
        self._boot(node)
        self.run("scontrol", "update", f"nodename={node}", "state=resume")

    def _lay_out(self) -> None:
        for name in (
            "state",
            "log",
            "bin",
            "dev",
            *(f"spool/{node}" for node in ("c1", "c2", "g1")),
        ):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*/")):
            path.chmod(0o755)
        for number in range(GPUS):  # a GPU must be a device: these are copies of /dev/null
            os.mknod(self.folder / f"dev/nvidia{number}", 0o020666, os.makedev(1, 3))
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self._write_configuration()

    def _write_configuration(self) -> None:
        names = {
            "host": socket.gethostname().split(".")[0],
            "folder": self.folder,
            "ports": _free_ports(4),
            "gpus": GPUS,
            "last": GPUS - 1,
            "srun": shutil.which("srun"),
        }
        (self.folder / "slurm.conf").write_text(CONF.format(**names))
        (self.folder / "gres.conf").write_text(GRES.format(**names))
        srun = self.folder / "bin/srun"
        srun.write_text(SRUN.format(**names))
        srun.chmod(0o755)

    def _munge_files(self) -> list[str]:
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        named = [f"--{option}={self.folder}/munge.{name}" for option, name in files.items()]
        return [*named, f"--log-file={self.folder}/log/munged.log"]

    def _boot(self, node: str) -> None:
        self._start(node, "slurmd", "-D", "-N", node)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / "log" / f"{name}.out").open("a") as out:
            self.daemons[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # a Ctrl-C is for us, and we end them in order
            )

    def _steps(self, jobs: set[str]) -> list[psutil.Process]:
        """The processes in which this cluster's nodes run the steps of jobs."""
        ours = self.environment["SLURM_CONF"]
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                step = re.match(r"slurmstepd: \[(\d+)\.", " ".join(process.cmdline()))
                if step and step[1] in jobs and process.environ().get("SLURM_CONF") == ours:
                    found.append(process)
        return found

    def _idle(self) -> int:
        nodes = self.run("sinfo", "-h", "-N", "-p", "low", "-t", "idle", "-o", "%N", check=False)
        return len(set(nodes.split()))


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on: two clusters, or two tests, do not meet."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def until(condition: Callable, seconds: float, otherwise: str) -> Any:
    """What a condition gives once it holds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{otherwise} within {seconds} s")
        time.sleep(0.2)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if missing():
        sys.exit(missing())
    with Cluster(Path(sys.argv[1])) as cluster:
        print(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}")
        print(f"export PATH={cluster.folder}/bin:$PATH", flush=True)
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # so that they wait for sigwait
        signal.sigwait(ends)
