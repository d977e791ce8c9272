"""Every Python started by the tests imports this: a training then writes down its steps.

In the folder that DISENTBENCH_WITNESS names, each process that trains has a file of its own, named
for pack and process, with how many steps it has taken and when the first and the latest ended. The
clock is the machine's, so that the files of all processes can be compared. torch's own function is
counted: nothing of the package, its lock above all, is asked.
"""

import os
import struct
import sys
import time
from pathlib import Path

RECORD = struct.Struct("qdd")  # steps, first, latest


def pack_of(argv: list[str]) -> str | None:
    """The pack that a command trains, named as in the comments of SLURM's jobs."""
    if argv[2:3] != ["train"] or not argv[1].endswith("/disentbench"):
        return None
    return name_of(Path(argv[argv.index("--checkpoints") + 1]).parent)


def name_of(folder: Path) -> str:
    """The name of the pack in a folder, study_dataset_objective_setting_seeds."""
    *names, seeds = folder.parts[-5:]
    return "_".join([*names, seeds.removeprefix("seeds-")])


def watch(path: Path) -> None:
    """Have every step of Adam in this process written down."""
    from torch.optim import adam as module  # noqa: PLC0415

    step = module.adam  # whoever imports it hereafter has the counted one
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    steps, first = 0, None

    def counted(*arguments, **options) -> None:
        nonlocal steps, first
        step(*arguments, **options)
        now = time.monotonic()
        steps, first = steps + 1, now if first is None else first
        os.pwrite(file, RECORD.pack(steps, first, now), 0)

    module.adam = counted


if (folder := os.environ.get("DISENTBENCH_WITNESS")) and (pack := pack_of(sys.orig_argv)):
    watch(Path(folder) / f"{pack}@{os.getpid()}-{time.monotonic_ns()}")
