"""Layers computed: parameters made, and applied to inputs, as pure functions.

Parameters are a dict from names like `encoder.3.weight` to tensors, one entry a tensor.
"""

from functools import cache
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from disentbench.architectures import Conv, Deconv, Dense, Layer, ReLU, Reshape, Shape

Parameters = dict[str, Tensor]
AFFINE = (Dense, Conv, Deconv)
WEIGHTS = ("weight", "bias")
FEW = 4  # channels, as an image has


def padding(layer: Conv | Deconv) -> int:
    """What makes a stride halve or double the image exactly."""
    return (layer.kernel - layer.stride) // 2


def out_shape(layer: Layer, shape: Shape) -> Shape:
    """The shape that a layer makes of one input of this shape."""
    match layer:
        case Dense(units):
            return (units,)
        case Conv(channels, _, stride):
            return (channels, shape[1] // stride, shape[2] // stride)
        case Deconv(channels, _, stride):
            return (channels, shape[1] * stride, shape[2] * stride)
        case Reshape((-1,)):
            return (prod(shape),)
        case Reshape(new):
            return new
    return shape


def weight_shape(layer: Layer, shape: Shape) -> Shape | None:
    """The shape of a layer's weight, or None where it has none."""
    match layer:
        case Dense(units):
            return (units, shape[0])
        case Conv(channels, kernel, _):
            return (channels, shape[0], kernel, kernel)
        case Deconv(channels, kernel, _):
            return (shape[0], channels, kernel, kernel)
    return None


def initialise(
    layers: tuple[Layer, ...], shape: Shape, rng: np.random.Generator, prefix: str
) -> Parameters:
    """Weights and biases uniform within 1 / sqrt(fan in), as PyTorch's own layers begin."""
    parameters = {}
    for i, layer in enumerate(layers):
        if weight := weight_shape(layer, shape):
            bound = prod(weight[1:]) ** -0.5
            outputs = weight[1] if isinstance(layer, Deconv) else weight[0]
            for name, size in (("weight", weight), ("bias", (outputs,))):
                values = rng.uniform(-bound, bound, size).astype(np.float32)
                parameters[f"{prefix}.{i}.{name}"] = torch.from_numpy(values)
        shape = out_shape(layer, shape)
    return parameters


def apply(layers: tuple[Layer, ...], parameters: Parameters, x: Tensor, prefix: str) -> Tensor:
    """The layers' output for a batch x [image, ...]; computes in the dtype of x.

    Images have their channels side by side in memory, which a CPU's convolutions want.
    """

    x = channels_last(x)
    for i, layer in enumerate(layers):
        if isinstance(layer, AFFINE):
            weight, bias = (parameters[f"{prefix}.{i}.{name}"].to(x.dtype) for name in WEIGHTS)
            x = affine(layer, x, channels_last(weight), bias)
        elif isinstance(layer, ReLU) and i > 0 and isinstance(layers[i - 1], AFFINE):
            x = x.relu_()  # what was made here
        else:
            x = channels_last(plain(layer, x)) if isinstance(layer, Reshape) else plain(layer, x)
    return x


def plain(layer: Layer, x: Tensor) -> Tensor:
    """What a layer without a weight makes of x."""
    match layer:
        case Reshape(shape):
            return x.reshape(x.shape[0], *shape)
        case ReLU():
            return x.relu()
    return x.tanh()


def affine(layer: Dense | Conv | Deconv, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What a layer's weight and bias make of x.

    A CPU that has no products of bf16 would take many times as long to imitate them as it takes to
    multiply the same numbers in float32 and round what comes out, which is what others do.
    """
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not multiplies_bf16():
        return affine(layer, x.float(), weight.float(), bias.float()).to(x.dtype)
    match layer:
        case Dense():
            return F.linear(x, weight, bias)
        case Conv():
            return F.conv2d(x, weight, bias, layer.stride, padding(layer))
    return transposed(layer, x, weight, bias)


@cache
def multiplies_bf16() -> bool:
    """Whether this CPU has products of bf16 (AVX512-BF16, AMX, Arm's), as far as PyTorch tells."""
    able = getattr(torch.cpu, "get_capabilities", dict)()
    return any(there for name, there in able.items() if name.endswith("bf16"))


def transposed(layer: Deconv, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A transposed convolution; its bias apart, whose gradient costs the library too much."""
    bias = bias[:, None, None]
    if layer[1:] == (4, 2) and layer.channels <= FEW:
        return _ToImage.apply(x, weight) + bias
    return F.conv_transpose2d(x, weight, None, layer.stride, padding(layer)).add_(bias)


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
