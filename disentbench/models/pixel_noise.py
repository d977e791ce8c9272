"""Uniform numbers for rendering images, on the device: functions of a key that is handed in.

Noise of every pixel is too much to be drawn on the host and carried over. A key for each image is
drawn there, and SplitMix64 (Steele, Lea and Flood 2014) makes the rest of it, with whole numbers
alone, so that every device computes the same.
"""

import zlib
from math import prod

import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
BITS = 24  # of a number from [0, 1): what float32 holds exactly


def signed(word: int) -> int:
    """64 bits as torch has them."""
    return word - 2**64 if word >= 2**63 else word


def shifted(z: Tensor, bits: int) -> Tensor:
    """Shifted to the right; torch's own shift would bring the sign in."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def mixed(z: Tensor) -> Tensor:
    """The finalizer of SplitMix64."""
    z = (z ^ shifted(z, 30)) * signed(FIRST)
    z = (z ^ shifted(z, 27)) * signed(SECOND)
    return z ^ shifted(z, 31)


def words(keys: Tensor, count: int) -> Tensor:
    """The first outputs of SplitMix64 begun at each key [..., count], 64 bits each."""
    places = torch.arange(1, count + 1, device=keys.device) * signed(GOLDEN)
    return mixed(keys[..., None] + places)


class PixelNoise:
    """What is drawn for images whose keys [image] are these, int64."""

    def __init__(self, keys: Tensor):
        self.keys = keys

    def __call__(self, name: str, *shape: int) -> Tensor:
        """Uniform numbers on [0, 1) [image, *shape]; of another name, others."""
        count = prod(shape)
        keys = mixed(self.keys ^ signed(zlib.crc32(name.encode()) * GOLDEN % 2**64))
        halves = words(keys, (count + 1) // 2).view(torch.int32)[:, :count]
        # 24 bits, the highest of each half.
        whole = (halves >> (32 - BITS)) & (2**BITS - 1)
        return (whole * 2.0**-BITS).view(-1, *shape)


def keys_of_rows(rows: Tensor) -> Tensor:
    """The keys with which images are judged, by their rows in the data set: alike for all runs."""
    return mixed(mixed(rows + signed(GOLDEN)))
