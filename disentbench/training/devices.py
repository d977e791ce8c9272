"""The device that a command computes on: a GPU to itself, where one is free.

Whoever computes on a GPU holds its lock, which ends with its holder, even a killed one. Only GPUs
that PyTorch sees are taken, so CUDA_VISIBLE_DEVICES and a scheduler's choice are obeyed. The locks
are a user's own: those of other users, and of processes with another temporary directory, are not
seen, and their GPUs may be shared.
"""

import ctypes
import os
import platform
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from disentbench.errors import UserError
from disentbench.training import rounding

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
PLENTY = 1 << 30  # bytes


@contextmanager
def use(threads: int | None) -> Iterator[torch.device]:
    """A GPU where there is one, until the block ends; else the CPU with so many threads.

    A GPU is PyTorch's current device meanwhile, and running out of its memory is a UserError.
    """
    keep_memory()
    rounding.fix(threads)
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    with ExitStack() as held:
        device = torch.device("cuda", _take(held))
        held.enter_context(torch.cuda.device(device))
        try:
            yield device
        except torch.OutOfMemoryError:
            raise UserError(_exhausted(device)) from None


def keep_memory() -> None:
    """Let memory that is freed stay with the process, where the C library can be told so (glibc).

    A training frees and takes the same megabytes at every step; given back to the system between,
    they come anew page by page, which took a fifth of a step. They lie in large pages, where the
    system has them, if there are no tensors yet.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # PyTorch reads it where it first allocates
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(MMAP_THRESHOLD, PLENTY)
        mallopt(TRIM_THRESHOLD, PLENTY)


def name(device: torch.device) -> str:
    """A device in words: the GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def processor(device: torch.device) -> dict[str, str | int]:
    """The model of what computes, and on a CPU how many threads compute."""
    if device.type == "cuda":
        return {"processor": name(device)}
    return {"processor": _cpu(), "threads": torch.get_num_threads()}


@cache
def _cpu() -> str:
    """The CPU's model, as Linux names it; elsewhere its architecture."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, model = line.partition(":")
            if key.strip() == "model name" and model.strip():
                return " ".join(model.split())
    return platform.processor() or platform.machine()


def _take(held: ExitStack) -> int:
    """The index of a free GPU, whose lock `held` keeps; else of the one with most free memory."""
    gpus = range(torch.cuda.device_count())
    try:
        for index in gpus:
            with suppress(Timeout):
                held.enter_context(_lock(index).acquire(timeout=0))
                return index
    except (NotImplementedError, OSError) as error:  # a full disk, say
        warnings.warn(f"no GPU can be locked ({error}); it may be shared", stacklevel=2)
    return max(gpus, key=lambda index: torch.cuda.mem_get_info(index)[0])


def _lock(index: int) -> FileLock:
    """The lock of a GPU, which has one name whatever its index is in a process."""
    path = _folder() / f"{torch.cuda.get_device_properties(index).uuid}.lock"
    return FileLock(path, thread_local=False, fallback_to_soft=False)


def _folder() -> Path:
    """Where the locks of this user are; one that somebody else has laid there is refused."""
    folder = Path(tempfile.gettempdir(), f"disentbench-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UserError(
            f"{folder} is no folder of yours, and the locks of GPUs go there; remove it, or name"
            " another temporary directory in TMPDIR"
        )
    return folder


def _exhausted(device: torch.device) -> str:
    """What to say when a GPU's memory does not do."""
    ours = torch.cuda.memory_reserved(device)
    free, total = torch.cuda.mem_get_info(device)
    return (
        f"{device} ({name(device)}) has run out of memory: of its {total / 1e9:.1f} GB this process"
        f" has {ours / 1e9:.1f}, and {free / 1e9:.1f} are free; another process may have taken the"
        " rest. Run this again when there is more, or on another GPU: a training goes on from its"
        " last checkpoint. A smaller `pack:` in the study needs less"
    )
