"""The images of a data set as arrays."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from disentbench import plugins
from disentbench.api.pixels import as_pictures
from disentbench.datasets import promised
from disentbench.errors import UserError
from disentbench.models.device_images import Resident
from disentbench.posterior.from_arrays import from_anywhere


class Labelled(NamedTuple):
    """Images in [0, 1] as models see them, and the class of each factor, 0 .. n-1."""

    images: Float[np.ndarray, "image height width channel"]
    factors: Int[np.ndarray, "image factor"]
    factor_names: tuple[str, ...]


def data(name: str, *, rows: ArrayLike | None = None, **options: Any) -> Labelled:
    """The images of a data set with their factors: all, or those at `rows`, from 0 on.

    `name` is one of `disentbench list datasets`, `options` are those that a study may give it.
    Images are float32 [image, height, width, channel]; factors [image, factor], of a data set
    without ground truth [image, 0]. Raises a UserError (a ValueError) for what does not exist.

    >>> import disentbench
    >>> images, factors, names = disentbench.data("dsprites_small", posX=[0, 8], posY=[0, 8])
    >>> images.shape, factors.shape
    ((72, 32, 32, 1), (72, 5))
    >>> names
    ('shape', 'scale', 'orientation', 'posX', 'posY')
    """
    dataset = plugins.make("datasets", name, options)
    stored = promised(dataset, dataset.images(), "what it gives")
    places = np.arange(len(stored)) if rows is None else from_anywhere(rows)
    whole = places.ndim == 1 and places.dtype.kind in "iu"
    if not whole or not ((places >= 0) & (places < len(stored))).all():
        raise UserError(f"rows must be whole numbers from 0 to {len(stored) - 1}, in one list")
    resident = Resident(stored, torch.device("cpu"), dataset)
    tiles = resident[torch.from_numpy(places.astype(np.int64))].numpy()
    return Labelled(as_pictures(tiles), stored.factors[places], stored.factor_names)
