"""A data set resident on a device: batches are gathered there, nothing passes through the host."""

from math import prod

import torch
from torch import Tensor

from disentbench.storage.images import Images


class Resident:
    """Images on a device; indexing with [...] positions gives float32 [..., channel, h, w].

    Images stay bytes, binary ones packed, eight pixels to a byte (dSprites whole: 377 MB). A table
    says what each of the 256 bytes is: eight pixels, or a shade in [0, 1] (a GPU asked to divide by
    255 multiplies by its rounded inverse, and would train on other pixels than a CPU).
    """

    def __init__(self, images: Images, device: torch.device):
        self.shape = images.shape
        self.device = device
        self.binary = images.bits is not None
        rows = images.stored if self.binary else images.stored.transpose(0, 3, 1, 2)
        self.rows = torch.from_numpy(rows.reshape(len(images), -1)).to(device)
        byte = torch.arange(256)
        eight = byte[:, None] >> torch.arange(7, -1, -1) & 1
        self.table = (eight.float() if self.binary else byte / 255).to(device)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        rows = self.rows.index_select(0, index.flatten())
        pixels = self.table.index_select(0, rows.flatten().int())
        if self.binary:
            pixels = pixels.view(len(rows), -1)[:, : prod(self.shape)]
        return pixels.reshape(*index.shape, *self.shape)
