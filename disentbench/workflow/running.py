"""What a study asks of the Snakemake that runs it: to be alone, and to say little. No torch."""

import json
import logging
import os
import socket
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from disentbench.errors import UserError
from disentbench.storage import files

HELD: list[FileLock] = []  # until this process ends
ENDING_SECONDS = 2.0  # one that has been told to end is waited for


def hold(study: str, folder: Path = Path(".snakemake")) -> None:
    """Keep a second workflow away from a study until this process ends, however it ends.

    The lock is the operating system's (flock), so it dies with the process, and the jobs do not
    inherit it: what was killed outright needs no unlocking. Where the file system has no such locks
    this is a warning. Raises a UserError that names who holds it.
    """
    path = folder / f"{study}.lock"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=ENDING_SECONDS)
    except Timeout:
        raise UserError(
            f"{_holder(path)} runs the study {study} in this folder; "
            "let it end or stop it, then run this again"
        ) from None
    except (NotImplementedError, OSError) as error:
        warnings.warn(f"{path} cannot be locked ({error}); run one at a time", stacklevel=2)
        return
    HELD.append(lock)
    since = datetime.now().isoformat(sep=" ", timespec="seconds")
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    with suppress(OSError):  # on a full disk the lock holds without a name
        path.write_text(json.dumps(owner), encoding="utf-8")


def _holder(path: Path) -> str:
    """Who holds a lock, in words."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8", errors="replace"))
        return f"process {int(owner['pid'])} on {owner['host']}, since {owner['since']},"
    except (OSError, ValueError, TypeError, KeyError):  # it has just begun, say
        return "another process"


def make_way(jobs: Iterable[Any]) -> None:
    """Make the folders of what Snakemake's jobs will write, and room for their logs.

    Raises a NotADirectoryError where a folder is something else, which Snakemake would find out too
    late. For what they write the commands make room themselves.
    """
    jobs = list(jobs)
    folders = {Path(name).parent for job in jobs for name in job.output}
    logs = [Path(name) for job in jobs for name in job.log]
    for make, paths in ((files.make_folder, folders), (files.make_room, logs)):
        for path in paths:
            try:
                make(path)
            except NotADirectoryError:
                raise
            except OSError:  # a full disk, say; the job that needs the room tells of it
                pass


class Progress(logging.Formatter):
    """A line for each job that has ended; all else as Snakemake has it."""

    def __init__(self, usual: logging.Formatter):
        super().__init__()
        self.usual = usual
        self.jobs: dict[int, str] = {}  # those that have begun, by Snakemake's number
        self.ended = ""

    def format(self, record: logging.LogRecord) -> str:
        if getattr(record, "event", None) != "progress":
            return self.usual.format(record)
        return f"{record.done} of {record.total} done: {self.ended}"

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is for the terminal; who begins and ends is noted."""
        event = getattr(record, "event", None)
        if event == "job_info":
            self.jobs[record.jobid] = " ".join([record.rule_name, *record.output[:1]])
        if event == "job_finished":
            self.ended = self.jobs.pop(record.job_id, "")
        return event not in FOR_THE_LOG and record.msg != "Select jobs to execute..."


FOR_THE_LOG = (
    *("workflow_started", "resources_info", "job_started", "job_info", "job_finished"),
    *("group_info", "shellcmd"),
)


def say_little(logger: logging.Logger) -> None:
    """Have Snakemake's terminal show what has ended or failed; its log file has it all."""
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler" and not isinstance(handler.formatter, Progress):
            progress = Progress(handler.formatter)
            handler.setFormatter(progress)
            handler.addFilter(progress)
