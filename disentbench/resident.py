"""A data set resident on a device: batches are gathered there, nothing passes through the host."""

from math import prod

import torch
from torch import Tensor

from disentbench.datasets import Images


class Resident:
    """Images on a device; indexing with [...] positions gives float32 [..., channel, h, w].

    Binary images stay packed, eight pixels to a byte (dSprites whole: 377 MB), and are unpacked by
    a table of the 256 bytes; others stay uint8 and are scaled to [0, 1].
    """

    def __init__(self, images: Images, device: torch.device):
        self.shape = images.shape
        self.device = device
        self.binary = images.bits is not None
        rows = images.bits if self.binary else images.pixels.transpose(0, 3, 1, 2)
        self.rows = torch.from_numpy(rows.reshape(len(images), -1)).to(device)
        byte = torch.arange(256, device=device)
        self.table = (byte[:, None] >> torch.arange(7, -1, -1, device=device) & 1).float()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        rows = self.rows[index]
        if not self.binary:
            return rows.reshape(*index.shape, *self.shape).float() / 255
        pixels = self.table[rows.int()].flatten(-2)
        return pixels[..., : prod(self.shape)].reshape(*index.shape, *self.shape)
