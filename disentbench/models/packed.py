"""The networks of a whole pack at once on a GPU, where the library's vectorised convolutions crawl.

`apply` does within `torch.func.vmap` what `layers.apply` does: it is called for one member, and its
convolutions are computed for all members by the kernels of _kernels.py. They have the channels of
an image side by side in memory, and so it stays between layers, seen as [channel, height, width].
"""

import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_batchedtensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx
from torch.func import vmap

from disentbench.architectures import Conv, Deconv, Layer, ReLU, Shape
from disentbench.models import layers
from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE, Apply

Convolve = Callable[[Tensor, Tensor, Tensor], Tensor]  # input, weight and bias of one member
# What the kernels are tried on: Triton compiles them apart for multiples of 16, as batches are.
MEMBERS, IMAGES = 2, 16
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}  # of one layer; TF32 is off by 3e-4


class Kind(NamedTuple):
    """A convolution, transposed or not, and the ReLUs beside it that it computes as well.

    With `relu` its output is rectified, and whoever takes that has to mask the gradient; with
    `rectified` its input is such an output, whose gradient is masked here.
    """

    transposed: bool
    relu: bool
    rectified: bool


def apply(network: tuple[Layer, ...], parameters: Parameters, x: Tensor, prefix: str) -> Tensor:
    """The layers' output for a batch x [image, ...] of one member, as `layers.apply` gives it."""
    if not is_batchedtensor(x):
        return layers.apply(network, parameters, x, prefix)
    for i, layer in enumerate(network):
        if within(network, i - 1):
            continue
        weights = layers.weights_of(parameters, f"{prefix}.{i}", x.dtype)
        if taken(layer):
            kind = Kind(isinstance(layer, Deconv), within(network, i), within(network, i - 2))
            x = MemberConvolution.apply(x, *weights, kind)
        else:
            x = layers.weighted(layer, x, *weights) if weights else layer(x)
    return x


def taken(layer: Layer) -> bool:
    """Whether the kernels compute this layer."""
    return isinstance(layer, Conv | Deconv) and layer.stride == 2 and layer.kernel in (2, 4)


def within(network: tuple[Layer, ...], i: int) -> bool:
    """Whether layer i is a convolution that computes the ReLU behind it, being before another."""
    three = network[i : i + 3] if i >= 0 else ()
    return len(three) == 3 and isinstance(three[1], ReLU) and taken(three[0]) and taken(three[2])


class MemberConvolution(Function):
    """A convolution of one member, which is one of all members within vmap.

    x [image, channel, height, width], a weight and a bias as the library has them, and a Kind.
    """

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, kind: Kind) -> Tensor:
        raise NotImplementedError("of one member alone, `layers.apply` computes the convolutions")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *operands: Any) -> tuple[Tensor, int]:
        *tensors, kind = operands
        x, weight, bias = (
            values.expand(info.batch_size, *values.shape) if dim is None else values.movedim(dim, 0)
            for values, dim in zip(tensors, in_dims[:3], strict=True)
        )
        out = PackConvolution.apply(x.movedim(2, -1).contiguous(), weight, bias.contiguous(), kind)
        return out.movedim(-1, 2), 0


class PackConvolution(Function):
    """A convolution of all members: x [member, image, height, width, channel], contiguous, a weight
    [member, ...], a bias [member, channel] and a Kind."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, kind: Kind) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.kind = kind
        convolve = kernels().up if kind.transposed else kernels().down
        return convolve(x, weight, bias, relu=kind.relu)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        back = kernels().down if ctx.kind.transposed else kernels().up
        positive = x if ctx.kind.rectified else None
        of_x = back(gradient, weight, positive=positive) if ctx.needs_input_grad[0] else None
        small, large = (x, gradient) if ctx.kind.transposed else (gradient, x)
        of_weight = kernels().of_weight(small, large, weight.shape[-1]).to(weight.dtype)
        return of_x, of_weight, gradient.sum((1, 2, 3)), None


def kernels() -> ModuleType:
    """Triton's part, which a machine without a GPU may not even import."""
    from disentbench.models import _kernels  # noqa: PLC0415

    return _kernels


# Whether the kernels can be trusted.


def apply_for(model: VAE, device: torch.device) -> Apply:
    """What computes the networks of a pack there: the kernels, if they stand the test of this very
    device and these very layers, else the library; it warns if they do not."""
    if not (any(map(taken, (*model.encoder, *model.decoder))) and available(device)):
        return layers.apply
    try:
        fault = "they give other numbers" if flawed(model, device) else None
    except Exception as error:  # a compiler, a driver and a device fail in many ways
        fault = f"{type(error).__name__}: {error}".splitlines()[0]
    if fault is None:
        return apply
    warnings.warn(
        f"the fast convolutions cannot be used here ({fault}); PyTorch's own are used, more slowly",
        stacklevel=2,
    )
    return layers.apply


def available(device: torch.device) -> bool:
    """Whether the device is a GPU for which Triton is there."""
    try:
        return device.type == "cuda" and kernels() is not None
    except Exception:  # not installed, or not for this machine
        return False


def flawed(model: VAE, device: torch.device) -> bool:
    """Whether a layer, computed by the kernels, is off by more than rounding."""
    code = (model.latents + model.classes,)
    return not all(
        agrees(layer, shape, fused, model.dtype, device)
        for network, start in ((model.encoder, model.shape), (model.decoder, code))
        for layer, shape in convolutions(network, start)
        for fused in (False, True)
    )


def convolutions(network: tuple[Layer, ...], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """The layers that the kernels compute, each with the shape of what it is given."""
    for layer in network:
        if taken(layer):
            yield layer, shape
        shape = layer.out_shape(shape)


def agrees(
    layer: Layer, shape: Shape, fused: bool, dtype: torch.dtype, device: torch.device
) -> bool:
    """Whether the kernels give a layer's output, and its gradients by input, weight and bias, as
    the library does in float64: of random images, and between two ReLUs if it is fused."""
    kind = Kind(isinstance(layer, Deconv), relu=fused, rectified=fused)
    network = (ReLU(), layer, ReLU()) if fused else (layer,)
    x, weight, bias, gradient = (values.to(device, dtype) for values in example(layer, shape))

    def ours(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return MemberConvolution.apply(x, weight, bias, kind)

    def theirs(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        name = f"network.{network.index(layer)}"
        return layers.apply(network, {f"{name}.weight": weight, f"{name}.bias": bias}, x, "network")

    exact = _outcome(theirs, *(values.double() for values in (x, weight, bias, gradient)))
    if fused:
        x, gradient = x.relu(), gradient * (exact[0] > 0)
    outcome = _outcome(ours, x, weight, bias, gradient)
    return all(map(_near, outcome, exact, [TOLERANCE[dtype]] * len(exact)))


def example(layer: Layer, shape: Shape) -> tuple[Tensor, ...]:
    """A layer's input, weight, bias and a gradient by its output, random, of all members."""
    rng = np.random.default_rng(0)
    sizes = shape, layer.out_shape(shape)
    x, gradient = (
        torch.from_numpy(rng.standard_normal((MEMBERS, IMAGES, *size), np.float32))
        for size in sizes
    )
    drawn = [layers.initialise((layer,), shape, rng, "layer") for _ in range(MEMBERS)]
    weight, bias = (
        torch.stack(values) for values in zip(*(d.values() for d in drawn), strict=True)
    )
    return x, weight, bias, gradient


def _outcome(
    convolve: Convolve, x: Tensor, weight: Tensor, bias: Tensor, gradient: Tensor
) -> tuple[Tensor, ...]:
    """The output for all members, and the gradients by x, weight and bias."""
    leaves = [values.detach().requires_grad_() for values in (x, weight, bias)]
    out = vmap(convolve)(*leaves)
    return (out.detach(), *torch.autograd.grad(out, leaves, gradient))


def _near(values: Tensor, exact: Tensor, tolerance: float) -> bool:
    """Whether values are off by no more than a share of their size; NaN is not."""
    return bool((values.double() - exact).norm() <= tolerance * exact.norm())
