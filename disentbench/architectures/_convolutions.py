"""Transposed convolutions, and images in memory, as a CPU is quick with them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

FEW = 4  # channels, as an image has


def transposed(x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """A transposed convolution; its bias apart, whose gradient costs the library too much."""
    bias = bias[:, None, None]
    channels, kernel = weight.shape[1:3]
    if (kernel, stride) == (4, 2) and channels <= FEW:
        return _ToImage.apply(x, weight) + bias
    return F.conv_transpose2d(x, weight, None, stride, padding).add_(bias)


class _ToImage(Function):
    """A transposed convolution of kernel 4 and stride 2 to few channels, where the library is slow:
    as a convolution of kernel 2 that gives blocks of 2 x 2 pixels. Its gradients are the library's.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> Tensor:
        inputs, outputs = weight.shape[:2]
        taps = weight.reshape(inputs, outputs, 2, 2, 2, 2).flip(2, 4)  # (of a block, in it) twice
        kernels = taps.permute(3, 5, 1, 0, 2, 4).reshape(4 * outputs, inputs, 2, 2)
        blocks = F.conv2d(x, channels_last(kernels), padding=1).permute(0, 2, 3, 1)
        apart = blocks.reshape(*blocks.shape[:3], 2, 2, outputs).transpose(2, 3)
        lines = apart.reshape(len(blocks), 2 * blocks.shape[1], 2 * blocks.shape[2], outputs)
        return lines[:, 1:-1, 1:-1].permute(0, 3, 1, 2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        gradient = channels_last(gradients[0])
        of_weight = torch.nn.grad.conv2d_weight(gradient, weight.shape, x, stride=2, padding=1)
        return F.conv2d(gradient, weight, stride=2, padding=1), of_weight


def channels_last(x: Tensor) -> Tensor:
    """x [image, channel, height, width] with its channels side by side in memory; else x."""
    if x.dim() != 4:
        return x
    last = x.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    return last.permute(0, 3, 1, 2)
