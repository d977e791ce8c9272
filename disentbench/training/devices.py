"""The device that a command computes on."""

import ctypes
import os

import torch

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
PLENTY = 1 << 30  # bytes


def use(threads: int | None) -> torch.device:
    """The GPU where there is one, else the CPU with so many threads (None: all cores)."""
    keep_memory()
    if threads:
        torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    # Left to itself, a GPU multiplies in TF32, with 10 bits of float32's 23, and sums in any order:
    # a training that was killed would not end in the same numbers.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    return torch.device("cuda")


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
