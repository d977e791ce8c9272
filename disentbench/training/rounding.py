"""What the last digits depend on, beside the device: threads, TF32 and the order of sums."""

import torch


def fix(threads: int | None) -> None:
    """Compute with so many threads on a CPU (None: all cores); on a GPU float32, in a fixed order.

    Left to itself, a GPU multiplies in TF32, with 10 bits of float32's 23, and sums in any order: a
    training that was killed would not end in the same numbers.
    """
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
