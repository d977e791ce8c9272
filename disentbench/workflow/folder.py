"""The folder that a study is run in: one workflow at a time, and room for what it writes."""

import json
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
    written = ([*job.output, *filter(None, [job.benchmark])] for job in jobs)
    folders = {Path(name).parent for names in written for name in names}
    logs = [Path(name) for job in jobs for name in job.log]
    for make, paths in ((files.make_folder, folders), (files.make_room, logs)):
        for path in paths:
            try:
                make(path)
            except NotADirectoryError:
                raise
            except OSError:  # a full disk, say; the job that needs the room tells of it
                pass
