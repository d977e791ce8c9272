"""Networks computed: parameters made, and layers applied to inputs, as pure functions.

Parameters are a dict from names like `encoder.3.weight` to tensors, one entry a tensor.
"""

from functools import cache
from math import prod

import numpy as np
import torch
from torch import Tensor

from disentbench.architectures import Layer, Shape
from disentbench.architectures._convolutions import channels_last

Parameters = dict[str, Tensor]
WEIGHTS = ("weight", "bias")


def initialise(
    layers: tuple[Layer, ...],
    shape: Shape,
    rng: np.random.Generator,
    prefix: str,
    scheme: str = "torch",
) -> Parameters:
    """Weights and biases, each uniform within a bound that the scheme knows for their layer."""
    parameters = {}
    for i, layer in enumerate(layers):
        if weight := layer.weight_shape(shape):
            sizes, bounds = (weight, layer.bias_shape(shape)), SCHEMES[scheme](weight)
            for name, size, bound in zip(WEIGHTS, sizes, bounds, strict=True):
                values = rng.uniform(-bound, bound, size).astype(np.float32)
                parameters[f"{prefix}.{i}.{name}"] = torch.from_numpy(values)
        shape = layer.out_shape(shape)
    return parameters


def torch_bounds(weight: Shape) -> tuple[float, float]:
    """1 / sqrt(fan in) for both, as PyTorch's own layers begin."""
    bound = prod(weight[1:]) ** -0.5
    return bound, bound


def glorot_bounds(weight: Shape) -> tuple[float, float]:
    """sqrt(6 / (fan in + fan out)) for the weight, and no bias: Glorot and Bengio 2010, eq. 16.

    A fan is the number of channels or units on one side, times the area of the kernel.
    """
    return (6 / (sum(weight[:2]) * prod(weight[2:]))) ** 0.5, 0.0


SCHEMES = {"torch": torch_bounds, "glorot": glorot_bounds}  # of a weight's shape, for it and a bias


def apply(layers: tuple[Layer, ...], parameters: Parameters, x: Tensor, prefix: str) -> Tensor:
    """The layers' output for a batch x [image, ...]; computes in the dtype of x.

    Images have their channels side by side in memory, which a CPU's convolutions want.
    """
    x, fresh = channels_last(x), False  # made here, by a layer with a weight
    for i, layer in enumerate(layers):
        if weights := weights_of(parameters, f"{prefix}.{i}", x.dtype):
            x, fresh = weighted(layer, x, *map(channels_last, weights)), True
        else:
            out = layer.overwriting(x) if fresh else layer(x)
            x, fresh = out if out.shape == x.shape else channels_last(out), False
    return x


def weights_of(parameters: Parameters, layer: str, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The weight and bias of the layer of that name, in a dtype; nothing where it has none."""
    names = (f"{layer}.{kind}" for kind in WEIGHTS)
    return tuple(parameters[name].to(dtype) for name in names if name in parameters)


def weighted(layer: Layer, x: Tensor, *weights: Tensor) -> Tensor:
    """What a layer makes of x with its weight and bias.

    A CPU that has no products of bf16 would take many times as long to imitate them as it takes to
    multiply the same numbers in float32 and round what comes out, which is what others do.
    """
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not multiplies_bf16():
        return layer(x.float(), *(values.float() for values in weights)).to(x.dtype)
    return layer(x, *weights)


@cache
def multiplies_bf16() -> bool:
    """Whether this CPU has products of bf16 (AVX512-BF16, AMX, Arm's), as far as PyTorch tells."""
    able = getattr(torch.cpu, "get_capabilities", dict)()
    return any(there for name, there in able.items() if name.endswith("bf16"))
