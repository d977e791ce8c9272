"""Triton's part of packed.py: convolutions of stride 2 of all members of a pack in one call.

A weight [member, s, b, kernel, kernel] ties each pixel of a small image [height, width, s] to
kernel x kernel pixels, its taps, of a large one [2 height, 2 width, b]; s and b count channels.
With pad = (kernel - 2) / 2, and sums over what is not on the left,

    down        small[i, j, s] = sum large[2 i + ky - pad, 2 j + kx - pad, b] weight[s, b, ky, kx]
    up          large[y, x, b] = sum small[i, j, s] weight[s, b, ky, kx]
                    where y = 2 i + ky - pad and x = 2 j + kx - pad
    of_weight   d weight[s, b, ky, kx] = sum large[2 i + ky - pad, 2 j + kx - pad, b] small[i, j, s]

so that a convolution is `down` and its gradient by its input `up`, and a transposed convolution the
other way about. Each is a product of two matrices, of which the first is gathered from an image
block by block and never written out. Sums are in float32, never TF32, and in a fixed order.
"""

from math import prod
from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

LAUNCH = {"num_warps": 4, "num_stages": 3}


def down(
    large: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    positive: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """large [member, image, 2 h, 2 w, b] to small [member, image, h, w, s], plus the bias [member,
    s], rectified if so asked, and nought where `positive` [member, image, h, w, s] is not."""
    members, images, height, width, b = large.shape
    s, kernel = weight.shape[1], weight.shape[-1]
    size = images, height // 2, width // 2
    small = large.new_empty(members, *size, s)
    taps = weight.permute(0, 3, 4, 2, 1).contiguous()
    block = _block(large.dtype, s, kernel * kernel, b)
    grid = triton.cdiv(prod(size), block[0]), members, triton.cdiv(s, block[1])
    _down[grid](large, taps, bias, positive, small, *size, b, s, kernel, relu, *block, **LAUNCH)
    return small


def up(
    small: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    positive: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """small [member, image, h, w, s] to large [member, image, 2 h, 2 w, b], plus the bias [member,
    b], rectified if so asked, and nought where `positive` [member, image, 2 h, 2 w, b] is not."""
    members, images, height, width, s = small.shape
    b, reach = weight.shape[2], weight.shape[-1] // 2
    large = small.new_empty(members, images, 2 * height, 2 * width, b)
    taps, blocks = _by_block(weight), images * (height + reach - 1) * (width + reach - 1)
    block = _block(small.dtype, 4 * b, reach * reach, s)
    grid = triton.cdiv(blocks, block[0]), members, triton.cdiv(4 * b, block[1])
    size = images, height, width
    _up[grid](small, taps, bias, positive, large, *size, b, s, reach, relu, *block, **LAUNCH)
    return large


def _by_block(weight: Tensor) -> Tensor:
    """A weight as `_up` wants it: [member, (di, dj, s), (pi, pj, b)], ky = pi + 2 (reach - 1 - di)
    and kx likewise: what small[I - (reach - 1) + di, ..] gives to line pi of the block I."""
    members, s, b, kernel, _ = weight.shape
    reach = kernel // 2
    apart = weight.reshape(members, s, b, reach, 2, reach, 2).flip(3, 5)
    return apart.permute(0, 3, 5, 1, 4, 6, 2).contiguous()


def of_weight(small: Tensor, large: Tensor, kernel: int) -> Tensor:
    """The gradient [member, s, b, kernel, kernel] by a weight, in float32, from small [member,
    image, h, w, s] and large [member, image, 2 h, 2 w, b], of which one is a gradient."""
    members, images, height, width, s = small.shape
    b, rows = large.shape[-1], images * height * width
    k = kernel * kernel * b
    most = (64, 64, 32) if small.dtype == torch.float32 else (128, 64, 64)
    block = min(most[0], _power(k)), min(most[1], _power(s)), most[2]
    tiles = triton.cdiv(k, block[0]) * triton.cdiv(s, block[1])
    parts = max(1, min(16, 1024 // (tiles * members), rows // 512))
    share = triton.cdiv(triton.cdiv(rows, parts), block[2]) * block[2]
    sums = torch.empty(members, parts, k, s, device=small.device)
    numbers = images, height, width, parts, share, b, s, kernel, *block
    _of_weight[tiles, members, parts](large, small, sums, *numbers, **LAUNCH)
    return sums.sum(1).view(members, kernel, kernel, b, s).permute(0, 4, 3, 1, 2)


def _block(dtype: torch.dtype, columns: int, taps: int, channels: int) -> tuple[int, int, int]:
    """Rows, columns and depth of a block of a product, taps x channels deep.

    float32 is left to the ordinary cores, whose registers hold no larger block.
    """
    depth = _power(taps * channels)
    if dtype == torch.float32:
        return 64, min(64, _power(columns)), min(32, depth)
    return 128, min(128, _power(columns)), min(64 if channels >= 64 else 32, depth)


def _power(size: int) -> int:
    """The smallest power of two that holds so many, and of those that a tensor core takes."""
    return max(16, triton.next_power_of_2(size))


@triton.jit
@no_type_check
def _down(
    large: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    positive: tl.tensor,
    small: tl.tensor,
    images: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    B: tl.constexpr,
    S: tl.constexpr,
    KERNEL: tl.constexpr,
    RELU: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
) -> None:
    """small[r, s] = sum over k of large[taps of r]_k weight[k, s]: r is a pixel (image, i, j) of
    the small images, k one of the numbers (ky, kx, b) below its taps."""
    K: tl.constexpr = KERNEL * KERNEL * B
    member = tl.program_id(1).to(tl.int64)
    rows = images * height * width
    r = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    s = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    image, i, j = r // (height * width), (r // width) % height, r % width
    large += member * images * (4 * height * width * B)
    weight += member * (K * S)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for first in range(0, K, DEPTH):
        k = first + tl.arange(0, DEPTH)
        there = (r < rows)[:, None] & (k < K)[None, :]
        pixel = image[:, None], i[:, None], j[:, None]
        taps = _load_taps(large, pixel, k[None, :], there, height, width, B, KERNEL)
        known = (k < K)[:, None] & (s < S)[None, :]
        weights = tl.load(weight + k[:, None] * S + s[None, :], mask=known, other=0.0)
        total = tl.dot(taps, weights, total, input_precision="ieee")
    to = member * rows * S + r[:, None] * S + s[None, :]
    keep = (r < rows)[:, None] & (s < S)[None, :]
    _store(small, to, keep, total, bias, member * S + s, s < S, positive, RELU)


@triton.jit
@no_type_check
def _up(
    small: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    positive: tl.tensor,
    large: tl.tensor,
    images: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    B: tl.constexpr,
    S: tl.constexpr,
    REACH: tl.constexpr,
    RELU: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
) -> None:
    """large[r, n] = sum over k of small[square of r]_k weight[k, n]: r is a block (image, I, J) of
    2 x 2 pixels of the large images with their padding, n one of its numbers (pi, pj, b), and k one
    of the numbers (di, dj, s) of the REACH x REACH small pixels that alone have taps there."""
    K: tl.constexpr = REACH * REACH * S
    N: tl.constexpr = 4 * B
    member = tl.program_id(1).to(tl.int64)
    lines = height + REACH - 1
    columns = width + REACH - 1
    rows = images * lines * columns
    r = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    n = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    image, I, J = r // (lines * columns), (r // columns) % lines, r % columns
    small += member * images * (height * width * S)
    weight += member * (K * N)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for first in range(0, K, DEPTH):
        k = first + tl.arange(0, DEPTH)
        square = k // S
        i = I[:, None] - (REACH - 1) + (square // REACH)[None, :]
        j = J[:, None] - (REACH - 1) + (square % REACH)[None, :]
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
        there = inside & (r < rows)[:, None] & (k < K)[None, :]
        at = ((image[:, None] * height + i) * width + j) * S + (k % S)[None, :]
        pixels = tl.load(small + at, mask=there, other=0.0)
        known = (k < K)[:, None] & (n < N)[None, :]
        weights = tl.load(weight + k[:, None] * N + n[None, :], mask=known, other=0.0)
        total = tl.dot(pixels, weights, total, input_precision="ieee")
    place = n // B
    b = n % B
    y = 2 * I[:, None] + (place // 2)[None, :] - (REACH - 1)
    x = 2 * J[:, None] + (place % 2)[None, :] - (REACH - 1)
    to = ((image[:, None] * (2 * height) + y) * (2 * width) + x) * B + b[None, :]
    to += member * images * (4 * height * width * B)
    inside = (y >= 0) & (y < 2 * height) & (x >= 0) & (x < 2 * width)
    keep = inside & (r < rows)[:, None] & (n < N)[None, :]
    _store(large, to, keep, total, bias, member * B + b, n < N, positive, RELU)


@triton.jit
@no_type_check
def _of_weight(
    large: tl.tensor,
    small: tl.tensor,
    sums: tl.tensor,
    images: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    parts: tl.tensor,
    SHARE: tl.constexpr,
    B: tl.constexpr,
    S: tl.constexpr,
    KERNEL: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
) -> None:
    """sums[part, k, s] = sum over the r of a part of large[taps of r]_k small[r, s], with k and r
    as in `_down`; a part is SHARE pixels r."""
    K: tl.constexpr = KERNEL * KERNEL * B
    ACROSS: tl.constexpr = (S + COLUMNS - 1) // COLUMNS
    member = tl.program_id(1).to(tl.int64)
    part = tl.program_id(2)
    k = (tl.program_id(0) // ACROSS) * ROWS + tl.arange(0, ROWS)
    s = (tl.program_id(0) % ACROSS) * COLUMNS + tl.arange(0, COLUMNS)
    rows = images * height * width
    large += member * images * (4 * height * width * B)
    small += member * rows * S
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for first in range(0, SHARE, DEPTH):
        r = part * SHARE + first + tl.arange(0, DEPTH)
        image, i, j = r // (height * width), (r // width) % height, r % width
        there = (r < rows)[None, :] & (k < K)[:, None]
        pixel = image[None, :], i[None, :], j[None, :]
        taps = _load_taps(large, pixel, k[:, None], there, height, width, B, KERNEL)
        known = (r < rows)[:, None] & (s < S)[None, :]
        pixels = tl.load(small + r[:, None] * S + s[None, :], mask=known, other=0.0)
        total = tl.dot(taps, pixels, total, input_precision="ieee")
    to = (member * parts + part) * K * S + k[:, None] * S + s[None, :]
    tl.store(sums + to, total, mask=(k < K)[:, None] & (s < S)[None, :])


@triton.jit
@no_type_check
def _load_taps(
    large: tl.tensor,
    pixel: tl.tuple,
    k: tl.tensor,
    there: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    B: tl.constexpr,
    KERNEL: tl.constexpr,
) -> tl.tensor:
    """large[image, 2 i + ky - pad, 2 j + kx - pad, b] of small pixels (image, i, j) and numbers k =
    (ky, kx, b); nought beyond the image and where nothing is there."""
    PAD: tl.constexpr = (KERNEL - 2) // 2
    image, i, j = pixel
    tap = k // B
    y = 2 * i + tap // KERNEL - PAD
    x = 2 * j + tap % KERNEL - PAD
    inside = (y >= 0) & (y < 2 * height) & (x >= 0) & (x < 2 * width)
    at = ((image * (2 * height) + y) * (2 * width) + x) * B + k % B
    return tl.load(large + at, mask=inside & there, other=0.0)


@triton.jit
@no_type_check
def _store(
    out: tl.tensor,
    to: tl.tensor,
    keep: tl.tensor,
    total: tl.tensor,
    bias: tl.tensor,
    channel: tl.tensor,
    known: tl.tensor,
    positive: tl.tensor,
    RELU: tl.constexpr,
) -> None:
    """Store a block of sums, with what follows a convolution or is left of a ReLU's gradient."""
    if bias is not None:
        total += tl.load(bias + channel, mask=known, other=0.0).to(tl.float32)[None, :]
    if RELU:
        total = tl.maximum(total, 0.0)
    if positive is not None:
        activation = tl.load(positive + to, mask=keep, other=0.0).to(tl.float32)
        total = tl.where(activation > 0, total, 0.0)
    tl.store(out + to, total.to(out.dtype.element_ty), mask=keep)
