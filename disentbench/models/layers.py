"""Layers computed: parameters made, and applied to inputs, as pure functions.

Parameters are a dict from names like `encoder.3.weight` to tensors, one entry a tensor.
"""

from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from disentbench.architectures import Conv, Deconv, Dense, Layer, ReLU, Reshape, Shape, Tanh

Parameters = dict[str, Tensor]


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
    """The layers' output for a batch x [image, ...]; computes in the dtype of x."""

    def weights(i: int) -> tuple[Tensor, Tensor]:
        weight, bias = (parameters[f"{prefix}.{i}.{kind}"] for kind in ("weight", "bias"))
        return weight.to(x.dtype), bias.to(x.dtype)

    for i, layer in enumerate(layers):
        match layer:
            case Dense():
                x = F.linear(x, *weights(i))
            case Conv():
                x = F.conv2d(x, *weights(i), layer.stride, padding(layer))
            case Deconv():
                x = F.conv_transpose2d(x, *weights(i), layer.stride, padding(layer))
            case Reshape(shape):
                x = x.reshape(x.shape[0], *shape)
            case ReLU():
                x = x.relu()
            case Tanh():
                x = x.tanh()
    return x
