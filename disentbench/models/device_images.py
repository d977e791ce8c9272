"""A data set at hand of a device: batches are gathered, unpacked and rendered there."""

import warnings
from math import prod

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from disentbench.datasets import Dataset
from disentbench.models.pixel_noise import PixelNoise, keys_of_rows
from disentbench.storage.images import Images

USED_SHARE = 0.5  # of a GPU's free memory that images may fill; the rest is for training


class Resident:
    """Images on a device; indexing with [...] positions gives float32 [..., channel, h, w].

    Images stay bytes, binary ones packed, eight pixels to a byte (dSprites whole: 377 MB). On a CPU
    they are where `images` has them, perhaps mapped from a file; a GPU has a copy, unless it has no
    room for it: then each batch is carried over. A table says what each of the 256 bytes is: eight
    pixels, or a shade in [0, 1] (a GPU asked to divide by 255 multiplies by its rounded inverse,
    and would train on other pixels than a CPU).

    What a data set renders is rendered anew for each use, by keys: those of a row, by which models
    are judged, are always the same. Its material is on the device, bytes as shades in [0, 1].
    """

    def __init__(self, images: Images, device: torch.device, dataset: Dataset | None = None):
        self.device = device
        self.dataset = dataset if dataset is not None and dataset.renders else None
        self.stored_shape = images.shape
        self.shape = images.shape if self.dataset is None else self.dataset.image_shape
        self.binary = images.bits is not None
        rows = tensor_of(images.stored.reshape(len(images), -1))
        self.rows = rows.to(device) if fits(rows.nbytes, device) else rows
        byte = torch.arange(256)
        self.material = {
            name: (byte / 255)[torch.tensor(values).int()].to(device)
            for name, values in images.material.items()
        }
        eight = byte[:, None] >> torch.arange(7, -1, -1) & 1
        self.table = (eight.float() if self.binary else byte / 255).to(device)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        return self.seen(self.stored(index), keys_of_rows(index.to(self.device)))

    def stored(self, index: Tensor) -> Tensor:
        """The images at these positions [...] as they are stored, bytes [..., byte], on the device.

        The positions are where the images are.
        """
        rows = self.rows.index_select(0, index.flatten().to(self.rows.device))
        return rows.to(self.device).view(*index.shape, rows.shape[1])

    def seen(self, rows: Tensor, keys: Tensor) -> Tensor:
        """What a model sees of stored images [..., byte], rendered by keys [...] if they are."""
        x = self._unpacked(rows.reshape(-1, rows.shape[-1]))
        if self.dataset is not None:
            x = self.dataset.render(x, PixelNoise(keys.flatten()), self.material)
        return x.reshape(*rows.shape[:-1], *self.shape)

    def _unpacked(self, rows: Tensor) -> Tensor:
        """Bytes [image, byte] as values in [0, 1], [image, channel, height, width]."""
        channels, height, width = self.stored_shape
        values = self.table.index_select(0, rows.flatten().int())
        if self.binary:
            values = values.view(len(rows), 8 * rows.shape[1])[:, : prod(self.stored_shape)]
            return values.reshape(-1, *self.stored_shape)
        return values.view(-1, height, width, channels).permute(0, 3, 1, 2)


def tensor_of(rows: UInt8[np.ndarray, "image byte"]) -> Tensor:
    """The same memory as a tensor; of a file that is mapped to be read, too, as nobody writes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(rows)


def fits(size: int, device: torch.device) -> bool:
    """Whether so many bytes of images may lie on a device, beside what else it has to do."""
    if device.type != "cuda":
        return True
    return size <= USED_SHARE * torch.cuda.mem_get_info(device)[0]
