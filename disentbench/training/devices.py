"""The device that a command computes on."""

import torch


def use(threads: int | None) -> torch.device:
    """The GPU where there is one, else the CPU with so many threads (None: all cores)."""
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


def name(device: torch.device) -> str:
    """A device in words: the GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
