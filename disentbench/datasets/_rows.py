"""Some images of a file that is larger than memory, in its order, a block at a time."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Int

from disentbench.storage.images import BLOCK_BYTES, Pixels


def rows_kept(
    rows: Int[np.ndarray, " image"], image_bytes: int, read: Callable[[int, int], Pixels]
) -> Iterator[Pixels]:
    """The images that stand in these rows of a file, which ascend.

    `read(first, last)` gives those from `first` to before `last`, and is asked for no more than a
    block, and for none where no row is kept.
    """
    span = max(1, BLOCK_BYTES // image_bytes)
    for kept in np.split(rows, np.flatnonzero(np.diff(rows // span)) + 1):
        first, last = int(kept[0]), int(kept[-1]) + 1
        images = read(first, last)
        yield images if len(kept) == len(images) else images[kept - first]
