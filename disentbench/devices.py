"""The device that a command computes on."""

import torch


def use(threads: int | None) -> torch.device:
    """The GPU where there is one, else the CPU with so many threads (None: all cores)."""
    if threads:
        torch.set_num_threads(threads)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name(device: torch.device) -> str:
    """A device in words: the GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
