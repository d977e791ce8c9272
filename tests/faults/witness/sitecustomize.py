"""Every Python started by the tests imports this: a command then knows at which file to die.

It counts what a `disentbench` command does to files below results/: opens to write, makes, renames
and removes. In the folder that DISENTBENCH_FAULTS names, a file named for the process says before
which of these the process kills itself; it writes down that it does, and at its end how many there
were. So every instant between two changes of the disk has its turn, which a clock would miss.
"""

import atexit
import os
import signal
import sys
from pathlib import Path

CHANGES = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch(folder: Path, command: str) -> None:
    """Count the changes of this process, and kill it before the one that its file names."""
    done, fatal = 0, None

    def changed(event: str, arguments: tuple) -> None:
        nonlocal done, fatal
        if event not in CHANGES or not matters(event, *arguments):
            return
        if fatal is None:
            fatal = ordered(folder / str(os.getpid()))
        done += 1
        if done == fatal:
            note(folder / "killed", f"{os.getpid()} {command}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(changed)
    atexit.register(lambda: note(folder / "changes", f"{command} {done}\n"))


def matters(event: str, path, *others) -> bool:
    """Whether a change is of a file below results/; of opened ones, those that are written."""
    if isinstance(path, int) or "results/" not in os.fsdecode(path):
        return False
    return event != "open" or bool(others[1] & WRITING)


def ordered(path: Path) -> int:
    """Before which change to die; 0, which never comes, where nothing is ordered."""
    return int(path.read_text()) if path.exists() else 0


def note(path: Path, line: str) -> None:
    """Add a line to a file that several processes write."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, line.encode())
    os.close(file)


if folder := os.environ.get("DISENTBENCH_FAULTS"):
    _, program, command, *_ = [*sys.orig_argv, "", ""]
    if program.endswith("/disentbench"):
        watch(Path(folder), command)
