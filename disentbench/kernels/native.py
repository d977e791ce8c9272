"""Dense layers and convolutions of stride 2 on a processor with AVX-512, computed by native.c. It
is compiled where disentbench is installed; without a compiler there, or those instructions,
`serves` says no. All is computed by the one thread that calls; where PyTorch has more, the
library takes them.

Images are `fine` [image, channel, 2 h, 2 w] before a convolution and `coarse` [image, channel, h,
w] after it, and the other way round for a transposed one. Their channels are last in memory, and
they are all float32 or all bfloat16; weights [coarse's channels, fine's channels, kernel, kernel]
and biases are float32. `rectified` puts a ReLU behind, `like` zeros where it is not positive.
"""

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch
from torch import Tensor

from disentbench.architectures import Conv, Deconv, Dense

PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}
WIDTH = 16  # numbers of a vector, of which channels are multiples
FEW = 4  # channels that the fine image may have instead


@cache
def library() -> ctypes.CDLL | None:
    """The compiled library, or None where there is none."""
    paths = (Path(__file__).with_name(f"_native{suffix}") for suffix in EXTENSION_SUFFIXES)
    return next((ctypes.CDLL(str(path)) for path in paths if path.exists()), None)


@cache
def can(dtype: torch.dtype) -> bool:
    """Whether this processor computes a dtype natively."""
    found = library()
    return bool(found and dtype in PRECISIONS and found[f"can_{PRECISIONS[dtype]}"]())


def serves(layer: Dense | Conv | Deconv, weight: Tensor, bias: Tensor, x: Tensor) -> bool:
    """Whether a layer with such parameters and input is computed here, forward and back."""
    if torch.get_num_threads() > 1 or not can(x.dtype) or not fits(layer, weight, bias, x):
        return False
    coarse, fine = weight.shape[:2]
    match layer:
        case Dense() | Conv(_, 2, 2) | Deconv(_, 2, 2):
            return coarse % WIDTH == 0 and fine % WIDTH == 0
        case Conv(_, 4, 2) | Deconv(_, 4, 2):
            return coarse % WIDTH == 0 and (fine % WIDTH == 0 or fine <= FEW)
    return False


def fits(layer: Dense | Conv | Deconv, weight: Tensor, bias: Tensor, x: Tensor) -> bool:
    """Whether these shapes are a layer's; if they are not, the library says what is wrong."""
    coarse, fine, *kernel = weight.shape
    inputs, outputs = (coarse, fine) if isinstance(layer, Deconv) else (fine, coarse)
    if x.dim() != weight.dim() or x.shape[1] != inputs or len(bias) != outputs:
        return False
    if isinstance(layer, Dense):
        return kernel == []
    even = isinstance(layer, Deconv) or all(side % 2 == 0 for side in x.shape[2:])
    return even and kernel == [layer.kernel] * 2


# Convolutions.


class Shape(ctypes.Structure):
    """As in native.c."""

    _fields_ = [(name, ctypes.c_int) for name in ("n", "h", "w", "fine", "coarse", "kernel")]


def down(fine: Tensor, weight: Tensor, bias=None, *, rectified=False, like=None) -> Tensor:
    """coarse: fine convolved with the weight, and the bias added."""
    n, _, h, w = fine.shape
    coarse = empty(fine, n, len(weight), h // 2, w // 2)
    sizes = shape(coarse, weight)
    run("down", fine.dtype, sizes, fine, like, coarse, weight, bias, rectified)
    return coarse


def up(coarse: Tensor, weight: Tensor, bias=None, *, rectified=False, like=None) -> Tensor:
    """fine: coarse convolved with the weight, transposed, and the bias added."""
    n, _, h, w = coarse.shape
    fine = empty(coarse, n, weight.shape[1], 2 * h, 2 * w)
    sizes = shape(coarse, weight)
    if weight.shape[1] % WIDTH == 0:
        run("up", fine.dtype, sizes, coarse, like, fine, weight, bias, rectified)
        return fine
    run("up_to_few", fine.dtype, sizes, coarse, fine, weight, bias)
    fine = fine.relu_() if rectified else fine
    return fine if like is None else torch.ops.aten.threshold_backward(fine, like, 0)


def of_weight(fine: Tensor, coarse: Tensor, weight: Tensor) -> Tensor:
    """The weight's gradient, where coarse is the output's and fine the input, or the reverse."""
    gradient = torch.empty(weight.shape)
    run("of_weight", coarse.dtype, shape(coarse, weight), fine, coarse, gradient)
    return gradient


def shape(coarse: Tensor, weight: Tensor):
    """The sizes of a convolution, as they are passed."""
    n, _, h, w = coarse.shape
    return ctypes.byref(Shape(n, h, w, weight.shape[1], weight.shape[0], weight.shape[2]))


def empty(like: Tensor, *sizes: int) -> Tensor:
    """New images."""
    return torch.empty(sizes, dtype=like.dtype, memory_format=torch.channels_last)


# Dense layers.


def dense(x: Tensor, weight: Tensor, bias: Tensor, *, rectified=False) -> Tensor:
    """x W^T and the bias, [image, out], of x [image, in] and W [out, in]."""
    y = x.new_empty(len(x), len(weight))
    run("dense", x.dtype, len(x), *reversed(weight.shape), x, y, weight, bias, rectified)
    return y


def dense_to_x(g: Tensor, weight: Tensor, *, like=None) -> Tensor:
    """The gradient of x from that of y."""
    x = g.new_empty(len(g), weight.shape[1])
    run("dense_to_x", g.dtype, len(g), *reversed(weight.shape), g, like, x, weight)
    return x


def dense_of_weight(x: Tensor, g: Tensor, weight: Tensor) -> Tensor:
    """The gradient of W from that of y."""
    gradient = torch.empty(weight.shape)
    run("dense_of_weight", x.dtype, len(x), *reversed(weight.shape), x, g, gradient)
    return gradient


def run(name: str, dtype: torch.dtype, *arguments) -> None:
    """Run a function of native.c in a precision; of tensors it is given where they begin."""
    passed = (ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else a for a in arguments)
    if library()[f"{name}_{PRECISIONS[dtype]}"](*passed):
        raise MemoryError(f"no memory for a layer's {name}")
