"""The device that a command computes on."""

import ctypes
import os

import torch

from disentbench.errors import UserError

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
PLENTY = 1 << 30


def use(threads: int | None) -> torch.device:
    """The GPU where there is one, else the CPU with so many threads (None: all cores)."""
    if threads:
        torch.set_num_threads(threads)
    keep_memory()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def named(kind: str) -> torch.device:
    """The device of a kind, cpu or cuda; a UserError where there is none."""
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no GPU here; use --device cpu")
    return torch.device(kind)


def keep_memory() -> None:
    """Let memory that is freed stay with the process, where the C library can be told so (glibc),
    and lie in large pages, where the system has them; to be called before there are tensors.

    A training frees and takes the same megabytes at every step; given back to the system between,
    they would come anew page by page.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by PyTorch at its first allocation
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(MMAP_THRESHOLD, PLENTY)
        mallopt(TRIM_THRESHOLD, PLENTY)


def name(device: torch.device) -> str:
    """A device in words: the GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
