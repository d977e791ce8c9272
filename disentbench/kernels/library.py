"""Layers by PyTorch's own functions."""

from functools import partial

import torch.nn.functional as F
from torch import Tensor

from disentbench.architectures import Conv, Deconv, Dense
from disentbench.kernels import padding, walk


def affine(layer, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """An affine layer's output."""
    match layer:
        case Dense():
            return F.linear(x, weight, bias)
        case Conv():
            return F.conv2d(x, weight, bias, layer.stride, padding(layer))
        case Deconv():
            return F.conv_transpose2d(x, weight, bias, layer.stride, padding(layer))


apply = partial(walk, affine)
