"""How layers are computed: three ways.

    apply(layers, parameters, x, prefix) -> the layers' output for a batch x [image, ...]

library    PyTorch's own functions, which `torch.func.vmap` turns into grouped convolutions
processor  one member on a CPU: channels last, gradients written by hand, in C where that serves
products   a pack on a GPU: convolutions as matrix products, which vmap turns into batched ones

All compute the same within rounding, in the dtype of x. Parameters are a dict from names like
`encoder.3.weight` to tensors; in the weight of a Conv or a Deconv the spatial dimensions come last,
as in PyTorch.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from disentbench.architectures import Conv, Deconv, Dense, Layer, ReLU, Reshape, Tanh

Parameters = dict[str, Tensor]
Apply = Callable[[tuple[Layer, ...], Parameters, Tensor, str], Tensor]


def fastest(device: torch.device, together: bool) -> Apply:
    """The way for a device, with one member or with several vectorised."""
    from disentbench.kernels import library, processor, products  # noqa: PLC0415 - they import this

    if device.type == "cpu":
        return library.apply if together else processor.apply
    return products.apply if together else library.apply


def walk(affine: Callable, layers, parameters: Parameters, x: Tensor, prefix: str) -> Tensor:
    """Apply layers one after another, the affine ones by affine(layer, x, weight, bias)."""
    dtype, tensors = x.dtype, iter(affine_tensors(layers, parameters, prefix))
    for layer in layers:
        match layer:
            case Dense() | Conv() | Deconv():
                weight, bias = (each.to(dtype) for each in next(tensors))
                x = affine(layer, x, weight, bias)
            case ReLU():
                x = x.relu()
            case Tanh():
                x = x.tanh()
            case Reshape(shape):
                x = x.reshape(x.shape[0], *shape)
    return x


def affine_tensors(layers, parameters: Parameters, prefix: str) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each affine layer in turn."""
    names = [f"{prefix}.{i}" for i in range(len(layers))]
    return [
        (parameters[f"{name}.weight"], parameters[f"{name}.bias"])
        for name in names
        if f"{name}.weight" in parameters
    ]


def padding(layer: Conv | Deconv) -> int:
    """What makes a stride halve or double the image exactly."""
    return (layer.kernel - layer.stride) // 2
