"""How far a study is, as its files and locks say: what is done, runs, has failed or is missing.

Files say which settings made them, so what was made with others is told apart. What Snakemake would
make anew for another reason counts as done; `snakemake -n` knows. A training is seen to run
wherever it does, by its lock; other jobs on this machine alone.
Imports no torch: a study of thousands of files is answered at once.
"""

import json
import os
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from filelock import SoftFileLease

from disentbench.recipe import Pack, block_name
from disentbench.storage import expected, seals
from disentbench.storage.files import lives
from disentbench.storage.jobs import STAGES, Job, jobs
from disentbench.storage.layout import SEEDS, PackFolder, StudyFolder
from disentbench.storage.plain_data import printable
from disentbench.study import Study

STATES = ("done", "other", "running", "failed", "missing")
# A trainer touches its lock every ten seconds; the rest is for two clocks that disagree.
LOCK_SECONDS = 60
STOPPED = re.compile(r"disentbench \S+: stopped by |KeyboardInterrupt")
ERROR = re.compile(r"[\w.]+(Error|Exception)\b|Fatal |terminate called |.*: command not found$")


class PackProgress(NamedTuple):
    """How far an unfinished training is, in steps summed over the members of its pack."""

    pack: Pack
    running: bool
    done: int
    total: int
    rate: float | None  # steps a second since it was begun or resumed

    @property
    def left(self) -> int:
        return max(0, self.total - self.done)


class Failure(NamedTuple):
    """A job that has failed, in the words of its log."""

    stage: str
    log: Path
    words: str


class Status(NamedTuple):
    """Where a study stands."""

    study: str
    folder: Path
    jobs: dict[str, Counter]  # by stage, how many jobs are in each state
    trainings: list[PackProgress]  # those that are not done
    failures: list[Failure]
    other: list[str]  # files of other settings or of another run, and why they are
    code: Counter  # by stage, what other code has made than there is now
    cut: int  # runs that exist, but in packs of another size
    left: list[Job]  # what is not done

    @property
    def running(self) -> list[PackProgress]:
        return [training for training in self.trainings if training.running]

    @property
    def stopped(self) -> list[PackProgress]:
        """Those that go on where they were when they are run again."""
        return [training for training in self.trainings if training.done and not training.running]

    @property
    def timed(self) -> list[PackProgress]:
        return [training for training in self.running if training.rate]

    @property
    def seconds_left(self) -> float | None:
        """Until the last training ends, if no more run at once than now; a step is a step."""
        rate = sum(training.rate or 0.0 for training in self.timed)
        return sum(training.left for training in self.trainings) / rate if rate else None


class Folders(dict[Path, frozenset[str]]):
    """The names in each folder, listed once: far quicker than to ask for every file."""

    def __missing__(self, folder: Path) -> frozenset[str]:
        try:
            names = frozenset(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            names = frozenset()
        self[folder] = names
        return names

    def hold(self, path: Path) -> bool:
        return path.name in self[path.parent]


def status(study: Study, results: Path) -> Status:
    """Where a study stands below `results`, the folder above its own."""
    folders, written, now = Folders(), being_written(), time.time()
    folder = results / study.study
    counts = {stage: Counter() for stage in STAGES}
    standing = Status(study.study, folder, counts, [], [], [], Counter(), 0, [])
    missing = []
    for job in jobs(study, StudyFolder(folder)):
        state = _state(job, folders, standing)
        if state != "done":
            standing.left.append(job)
        if job.pack is not None and state != "done":
            training = _training(study, job.pack, PackFolder(job.output.parent), folders, now)
            standing.trainings.append(training)
            state = "running" if training.running else state
            missing += [job.pack] if state == "missing" else []
        elif state == "missing" and written and Path(os.path.realpath(job.output)) in written:
            state = "running"
        if state == "missing" and folders.hold(job.log) and (words := failure(job.log)):
            state = "failed"
            standing.failures.append(Failure(job.stage, job.log, words))
        standing.jobs[job.stage][state] += 1
    standing.failures.sort(
        key=lambda failure: STAGES.index(failure.stage)
    )  # the others follow from these
    return standing._replace(cut=sum(len(_cut(pack, folder, folders)) for pack in missing))


def _state(job: Job, folders: Folders, standing: Status) -> str:
    """Whether a job's output is there, and is what it must be; what is said of it is noted."""
    if not folders.hold(job.output):
        return "missing"
    said = seals.identity(job.output)
    if wrong := expected.differences(said, job.identity):
        standing.other.append(f"{job.output} {wrong[0]}")
        return "other"
    standing.code[job.stage] += (said or {}).get("code") != job.code
    return "done"


def _cut(pack: Pack, folder: Path, folders: Folders) -> set[int]:
    """Which of a pack's seeds are trained in packs of other seeds."""
    setting = (folder / pack.path).parent
    there = [re.fullmatch(SEEDS, name) for name in folders[setting]]
    spans = [range(int(m[1]), int(m[2]) + 1) for m in there if m]
    models = {span: PackFolder(setting / block_name(span)).model for span in spans}
    trained = [span for span, model in models.items() if folders.hold(model)]
    return {seed for seed in pack.seeds if any(seed in span for span in trained)}


def _training(
    study: Study, pack: Pack, files: PackFolder, folders: Folders, now: float
) -> PackProgress:
    lock, file = files.checkpoints.lock, files.checkpoints.progress
    running = folders.hold(lock) and is_held(lock, now)
    total = study.training.steps * len(pack.seeds)
    done, rate = progress(file) if folders.hold(file) else (0, None)
    return PackProgress(pack, running, min(done, total), total, rate if running else None)


def progress(file: Path) -> tuple[int, float | None]:
    """Steps done, and steps a second in the trainer's present session if it can be told."""
    with suppress(ArithmeticError, LookupError, OSError, TypeError, ValueError):
        content = json.loads(file.read_text())
        done, began, seconds = (float(content[key]) for key in ("done", "began", "seconds"))
        rate = (done - began) / seconds if seconds > 0 else 0
        return max(0, int(done)), rate if 0 < rate < float("inf") else None
    return 0, None


def is_held(lock: Path, now: float) -> bool:
    """Whether the holder of a trainer's lock lives, as far as can be seen from here."""
    try:
        if now - lock.stat().st_mtime > LOCK_SECONDS:
            return False
    except FileNotFoundError:  # it ended while we looked
        return False
    owner = SoftFileLease(lock).owner
    return owner is None or not _is_here(owner.hostname) or lives(owner.pid)


def _is_here(host: str) -> bool:
    """Whether a lock names this machine and, in a container, its own numbering of processes."""
    names = [socket.gethostname()]
    with suppress(OSError):
        names.append(f"{names[0]}?pidns-{os.stat('/proc/self/ns/pid').st_ino:x}")
    return host in names


def being_written() -> set[Path]:
    """What the commands that run on this machine are to write; nothing where there is no /proc."""
    paths: set[Path] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = [os.fsdecode(word) for word in (process / "cmdline").read_bytes().split(b"\0")]
            if any(Path(word).name in ("disentbench", "disentbench.cli") for word in words[:3]):
                folder = os.readlink(process / "cwd")
                paths |= {
                    Path(os.path.realpath(Path(folder, name)))
                    for option, name in pairwise(words)
                    if option in ("--out", "--latents")
                }
    return paths


def failure(log: Path) -> str | None:
    """The line in which a log says what went wrong; None if nothing did, or a signal ended it."""
    lines = _tail(log)
    if not lines or STOPPED.match(lines[-1]):
        return None
    if lines[-1].startswith("disentbench "):
        return lines[-1]
    if errors := [line for line in lines if ERROR.match(line)]:
        return errors[-1]
    return lines[-1] if any(line.startswith("Traceback ") for line in lines) else None


def _tail(log: Path, size: int = 8192) -> list[str]:
    """The last lines of a log that say something; nothing in them can steer a terminal."""
    if not log.is_file():  # a folder, or a pipe, which has no end
        return []
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        text = file.read().decode("utf-8", "replace")
    lines = (printable(line).rstrip() for line in text.splitlines())
    return [line for line in lines if line]
