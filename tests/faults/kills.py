"""Killing the processes of a workflow at random: by the clock, or before a change of the disk."""

import os
import signal
import subprocess
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from checkout import LONGEST, Checkout

BETWEEN_LOOKS = 0.03  # seconds
KILLED = 0.85  # the share that dies of the processes of a command that has not had enough deaths
BY_CLOCK = 0.5  # the share of those that the clock kills; the rest dies before a change of the disk
# Whom the clock kills: the process, all of its group with Snakemake, or Snakemake alone.
VICTIMS = {"process": 0.8, "group": 0.14, "snakemake": 0.06}


class Usual(NamedTuple):
    """What an undisturbed process of each command does: changes of the disk, seconds."""

    changes: dict[str, int]
    seconds: dict[str, float]


class Fate(NamedTuple):
    """Who is killed at a time of the monotonic clock."""

    time: float
    victim: str


class Watch:
    """Sees the `disentbench` processes of a workflow come and go."""

    def __init__(self, checkout: Checkout):
        self.checkout = checkout
        self.alive: dict[int, tuple[str, float]] = {}  # process: command, since when
        self.lived: dict[str, list[float]] = defaultdict(list)

    def follow(self, run: subprocess.Popen) -> int:
        """Look until the workflow and all that it has started have ended; its exit code."""
        hangs = time.monotonic() + LONGEST
        while run.poll() is None or self.alive:
            self.look(run)
            if time.monotonic() > hangs:
                os.killpg(run.pid, signal.SIGKILL)
                raise TimeoutError(f"the workflow hangs: {self.checkout.words()[-2000:]}")
            time.sleep(BETWEEN_LOOKS)
        return run.returncode

    def look(self, run: subprocess.Popen) -> None:
        now, found = time.monotonic(), commands(run.pid)
        for pid in self.alive.keys() - found.keys():
            command, since = self.alive.pop(pid)
            self.lived[command].append(now - since)
            self.died(pid)
        for pid in found.keys() - self.alive.keys():
            self.alive[pid] = found[pid], now
            self.born(pid, found[pid], now)

    def born(self, pid: int, command: str, now: float) -> None:
        """Called for every new process."""

    def died(self, pid: int) -> None:
        """Called when one has ended."""

    def usual(self) -> Usual:
        """What is usual of each command, by what has been seen."""
        changes = defaultdict(list)
        for line in (self.checkout.witness / "changes").read_text().splitlines():
            command, count = line.split()
            changes[command].append(int(count))
        return Usual(
            {command: int(median(each)) for command, each in changes.items()},
            {command: median(each) for command, each in self.lived.items()},
        )


class Killer(Watch):
    """Kills processes until every command has had its share of deaths."""

    def __init__(
        self, checkout: Checkout, shares: dict[str, int], usual: Usual, rng: np.random.Generator
    ):
        super().__init__(checkout)
        self.shares, self.expected, self.rng = shares, usual, rng
        self.fates: dict[int, Fate] = {}
        self.by_clock: Counter[tuple[str, str]] = Counter()

    @property
    def deaths(self) -> Counter[tuple[str, str]]:
        """(how, command): how many died of it."""
        path = self.checkout.witness / "killed"
        lines = path.read_text().splitlines() if path.exists() else []
        how = "killed before a change of the disk"
        return self.by_clock + Counter((how, line.split()[1]) for line in lines)

    @property
    def missing(self) -> dict[str, int]:
        """The commands that have not had their share, and how many deaths each is short of."""
        left = dict(self.shares)
        for (_, command), count in self.deaths.items():
            left[command] = left.get(command, 0) - count
        return {command: count for command, count in left.items() if count > 0}

    def born(self, pid: int, command: str, now: float) -> None:
        if command not in self.missing or self.rng.random() > KILLED:
            return
        if self.rng.random() < BY_CLOCK:
            victim = self.rng.choice(list(VICTIMS), p=list(VICTIMS.values()))
            after = self.rng.uniform(0, self.expected.seconds[command])
            self.fates[pid] = Fate(now + after, victim)
        else:
            change = self.rng.integers(1, self.expected.changes[command], endpoint=True)
            self._order(pid).with_suffix(".new").write_text(str(change))
            self._order(pid).with_suffix(".new").rename(self._order(pid))

    def died(self, pid: int) -> None:
        self.fates.pop(pid, None)
        self._order(pid).unlink(missing_ok=True)

    def _order(self, pid: int) -> Path:
        """Where a process finds out before which change it dies."""
        return self.checkout.witness / str(pid)

    def look(self, run: subprocess.Popen) -> None:
        super().look(run)
        for pid in [pid for pid, fate in self.fates.items() if fate.time <= time.monotonic()]:
            victim = self.fates.pop(pid).victim
            if victim == "process":
                self._kill(pid)
            elif run.poll() is None:
                self.kill_snakemake(run, alone=victim == "snakemake")

    def _kill(self, pid: int) -> None:
        if runs(pid):
            os.kill(pid, signal.SIGKILL)
            self.by_clock["killed at any time", self.alive[pid][0]] += 1

    def kill_snakemake(self, run: subprocess.Popen, alone: bool = False) -> None:
        """All processes of the workflow, or Snakemake alone, whose jobs go on."""
        dying = [] if alone else [command for pid, (command, _) in self.alive.items() if runs(pid)]
        os.kill(run.pid, signal.SIGKILL) if alone else os.killpg(run.pid, signal.SIGKILL)
        self.by_clock["killed alone" if alone else "killed with its group", "snakemake"] += 1
        self.by_clock.update(("killed with Snakemake", command) for command in dying)
        run.wait()


def commands(session: int) -> dict[int, str]:
    """Process and command of every `disentbench` that runs in a session."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with suppress(OSError, IndexError):  # it has ended meanwhile
                if session_of(entry.path) == session:
                    words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
                    if words[1].endswith(b"/disentbench"):
                        found[int(entry.name)] = words[2].decode()
    return found


def session_of(process: str) -> int:
    return int(Path(process, "stat").read_text().rpartition(")")[2].split()[3])


def runs(pid: int) -> bool:
    """Whether a process has not ended, waited for or not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False
