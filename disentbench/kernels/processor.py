"""Layers of one member on a CPU: our own convolutions where they serve, else the library's where
they are fast, and what they leave behind done in fewer passes over memory.

Activations have their channels last, and a ReLU works in place. The gradient of a transposed
convolution's bias, layers of few channels (images) and windows that do not overlap cost the library
several times what they need; here they are sums and matrix products. Gradients are written by hand,
so that nothing is kept or computed that they do not need.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from disentbench.architectures import Conv, Deconv, Dense, Layer, ReLU, Reshape, Tanh
from disentbench.kernels import Parameters, affine_tensors, native, padding

FEW = 4  # channels; as many as an image may have
LAST = torch.channels_last


def apply(layers: tuple[Layer, ...], parameters: Parameters, x: Tensor, prefix: str) -> Tensor:
    """The layers' output for a batch x [image, ...]; computes in the dtype of x."""
    tensors = affine_tensors(layers, parameters, prefix)
    return Network.apply(fused(layers), x, *(each for pair in tensors for each in pair))


def fused(layers: tuple[Layer, ...]) -> list[tuple[Layer, bool]]:
    """Each layer, and whether a ReLU follows that is computed with it: affine ones' are."""
    pairs: list[tuple[Layer, bool]] = []
    for layer, after in zip(layers, (*layers[1:], None), strict=True):
        if isinstance(layer, ReLU) and pairs and pairs[-1][1]:
            continue
        rectified = isinstance(layer, Dense | Conv | Deconv) and isinstance(after, ReLU)
        pairs.append((layer, rectified))
    return pairs


class Network(Function):
    """Some layers as one function of x and of the weight and the bias of each affine layer."""

    @staticmethod
    def forward(ctx, layers, x, *tensors):
        pairs = zip(tensors[::2], tensors[1::2], strict=True)
        ctx.stages = []
        for layer, rectified in layers:
            stage = staged(layer, rectified, pairs, x)
            x = stage.forward(x)
            ctx.stages.append(stage)
        shaped = (stage for stage in ctx.stages if not isinstance(stage, Reshaped))
        for stage, after in pairwise(shaped):
            if isinstance(stage, Native) and isinstance(after, Native):
                stage.leave_relu_to(after)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        gradients, stages = [], ctx.stages
        for i, stage in reversed(list(enumerate(stages))):
            g, of_tensors = stage.backward(g, to_x=i > 0 or ctx.needs_input_grad[1])
            gradients = [*of_tensors, *gradients]
        return None, g, *gradients


def staged(layer: Layer, rectified: bool, pairs, x: Tensor):
    """A layer as it is computed on such an input: it keeps what its gradient needs."""
    match layer:
        case Dense() | Conv() | Deconv():
            weight, bias = next(pairs)
            kind = Native if native.serves(layer, weight, bias, x) else Affine
            return kind(layer, weight, bias, rectified, x.dtype)
        case Reshape(shape):
            return Reshaped(shape)
        case Tanh():
            return Elementwise(torch.tanh, torch.ops.aten.tanh_backward)
        case ReLU():
            return Elementwise(torch.relu, below_zero_nothing)


class Affine:
    """A linear map with a bias and perhaps a ReLU, computed by a method that has

    prepared(x, weight)               both as the other two want them; these are kept
    forward(x, weight, bias)          the output
    gradients(g, x, weight, to_x)     of the output's gradient g: the input's, if asked for, and
                                      the weight's, both in the forms that came to `prepared`
    """

    def __init__(self, layer, weight: Tensor, bias: Tensor, rectified: bool, dtype: torch.dtype):
        self.method, self.rectified = method(layer, weight), rectified
        last = {"memory_format": LAST} if weight.dim() == 4 else {}
        self.weight, self.bias = weight.to(dtype, **last), bias.to(dtype)
        self.masters = weight.dtype

    def forward(self, x: Tensor) -> Tensor:
        self.x, self.weight = self.method.prepared(x, self.weight)
        y = self.method.forward(self.x, self.weight, self.bias)
        self.y = y.relu_() if self.rectified else None
        return y

    def backward(self, g: Tensor, to_x: bool) -> tuple[Tensor | None, list[Tensor]]:
        g = channels_last(g)
        if self.rectified:
            g = below_zero_nothing(g, self.y)
        of_x, of_weight = self.method.gradients(g, self.x, self.weight, to_x)
        of_bias = g.sum([0, *range(2, g.dim())])
        return of_x, [of_weight.to(self.masters), of_bias.to(self.masters)]


class Native:
    """A linear map with a bias and perhaps a ReLU, computed by native.c."""

    def __init__(self, layer, weight: Tensor, bias: Tensor, rectified: bool, dtype: torch.dtype):
        self.layer, self.masters = layer, weight.dtype
        self.weight, self.bias = weight.float().contiguous(), bias.float().contiguous()
        self.rectified = rectified
        self.behind_relu = False  # whether it computes the gradient of the ReLU before it

    def leave_relu_to(self, after: "Native") -> None:
        """Let the next one compute the gradient of this one's ReLU with that of its own input."""
        self.rectified, after.behind_relu = False, self.rectified

    def forward(self, x: Tensor) -> Tensor:
        self.x = channels_last(x)
        y = FORWARD[type(self.layer)](self.x, self.weight, self.bias, rectified=self.rectified)
        self.y = y if self.rectified else None
        return y

    def backward(self, g: Tensor, to_x: bool) -> tuple[Tensor | None, list[Tensor]]:
        g = channels_last(g)
        if self.rectified:
            g = below_zero_nothing(g, self.y)
        like = self.x if self.behind_relu else None
        of_x = TO_X[type(self.layer)](g, self.weight, like=like) if to_x else None
        of_weight = OF_WEIGHT[type(self.layer)](self.x, g, self.weight)
        of_bias = g.sum([0, *range(2, g.dim())])
        return of_x, [of_weight.to(self.masters), of_bias.to(self.masters)]


FORWARD = {Dense: native.dense, Conv: native.down, Deconv: native.up}
TO_X = {Dense: native.dense_to_x, Conv: native.up, Deconv: native.down}
OF_WEIGHT = {
    Dense: native.dense_of_weight,
    Conv: native.of_weight,
    Deconv: lambda x, g, weight: native.of_weight(g, x, weight),
}


class Reshaped:
    """The same numbers in another shape."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.before = x.shape
        return x.reshape(len(x), *self.shape)

    def backward(self, g, to_x):
        return g.reshape(self.before), []


class Elementwise:
    """A function whose gradient can be had from its output."""

    def __init__(self, function, gradient):
        self.function, self.gradient = function, gradient

    def forward(self, x):
        self.y = self.function(x)
        return self.y

    def backward(self, g, to_x):
        return self.gradient(g, self.y), []


def below_zero_nothing(g: Tensor, y: Tensor) -> Tensor:
    """g where y > 0, and zero elsewhere."""
    return torch.ops.aten.threshold_backward(g, y, 0)


def method(layer, weight: Tensor):
    """How an affine layer is computed."""
    few = weight.dim() == 4 and weight.shape[1] <= FEW
    match layer:
        case Dense():
            return Product()
        case Conv(_, 4, 2) if few:
            return FromFew()
        case Deconv(_, 4, 2) if few:
            return ToFew()
        case Conv(_, kernel, stride) if kernel == stride:
            return OfBlocks(stride)
        case Conv():
            return Convolution(layer)
    return Transposed(layer)


def channels_last(x: Tensor) -> Tensor:
    """x [image, channel, h, w] with its channels last in memory, or x [image, unit] contiguous."""
    return x.contiguous(memory_format=LAST) if x.dim() == 4 else x.contiguous()


def rows(x: Tensor) -> Tensor:
    """[pixels, channel] of x [image, channel, h, w]."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def images(x: Tensor, n: int, h: int, w: int) -> Tensor:
    """The inverse of `rows`."""
    return x.view(n, h, w, -1).permute(0, 3, 1, 2)


class Product:
    """x W^T, for x [image, in] and W [out, in]."""

    def prepared(self, x, weight):
        return x.contiguous(), weight

    def forward(self, x, weight, bias):
        return F.linear(x, weight, bias)

    def gradients(self, g, x, weight, to_x):
        return g @ weight if to_x else None, g.T @ x


class Convolution:
    """The library's convolution."""

    transposed = False

    def __init__(self, layer: Conv | Deconv):
        self.shape = (layer.stride, padding(layer))

    def prepared(self, x, weight):
        return channels_last(x), channels_last(weight)

    def forward(self, x, weight, bias):
        return F.conv2d(x, weight, bias, *self.shape)

    def gradients(self, g, x, weight, to_x):
        return self._gradient(g, x, weight, 0) if to_x else None, self._gradient(g, x, weight, 1)

    def _gradient(self, g, x, weight, of):
        """One gradient at a time: together they are slower."""
        stride, pad = self.shape
        shape = (None, [stride] * 2, [pad] * 2, [1, 1], self.transposed, [0, 0], 1)
        return torch.ops.aten.convolution_backward(g, x, weight, *shape, [of == 0, of == 1, False])[
            of
        ]


class Transposed(Convolution):
    """The library's transposed convolution."""

    transposed = True

    def forward(self, x, weight, bias):
        return F.conv_transpose2d(x, weight, bias, *self.shape)


class OfBlocks:
    """A convolution whose windows do not overlap: a product with rows [stride, stride, channel]."""

    def __init__(self, stride: int):
        self.stride = stride

    def prepared(self, x, weight):
        s, (n, c, h, w) = self.stride, x.shape
        self.size = (n, h // s, w // s)
        blocks = x.permute(0, 2, 3, 1).reshape(n, h // s, s, w // s, s, c).transpose(2, 3)
        return blocks.reshape(-1, s * s * c), rows(weight).reshape(len(weight), -1)

    def forward(self, x, weight, bias):
        return images(F.linear(x, weight, bias), *self.size)

    def gradients(self, g, x, weight, to_x):
        s, (n, h, w) = self.stride, self.size
        g = rows(g)
        to_weight = (g.T @ x).view(len(weight), s, s, -1).permute(0, 3, 1, 2)
        if not to_x:
            return None, to_weight
        blocks = (g @ weight).view(n, h, w, s, s, -1).transpose(2, 3)
        return images(blocks.reshape(n, s * h, s * w, -1), n, s * h, s * w), to_weight


class FromFew(Convolution):
    """Kernel 4 and stride 2 on an image: kernel 2 and stride 1 on the padded image's 2 x 2 blocks,
    which then are the channels."""

    def __init__(self):
        self.shape = (1, 0)

    def prepared(self, x, weight):
        w = weight.reshape(len(weight), -1, 2, 2, 2, 2).permute(0, 3, 5, 1, 2, 4)
        return blocks_of_padded(x), channels_last(w.reshape(len(weight), -1, 2, 2))

    def gradients(self, g, x, weight, to_x):
        blocks, w = super().gradients(g, x, weight, to_x)
        w = w.reshape(len(w), 2, 2, -1, 2, 2).permute(0, 3, 4, 1, 5, 2)
        return blocks if blocks is None else of_blocks(blocks), w.reshape(len(w), -1, 4, 4)


# Of an image padded by 1, the odd rows (1) are its rows 0, 2, ... and the even ones (0) the others.
PARITIES = [(i, j) for i in range(2) for j in range(2)]


def within(odd: int, size: int) -> slice:
    """Which blocks of 2 have a row of this parity that is not padding."""
    return slice(1 - odd, size + 1 - odd)


def blocks_of_padded(x: Tensor) -> Tensor:
    """[image, (2, 2, channel), h / 2 + 1, w / 2 + 1] of x [image, channel, h, w], padded by 1."""
    n, c, h, w = (x.shape[0], x.shape[1], x.shape[2] // 2, x.shape[3] // 2)
    blocks = x.new_zeros(n, h + 1, w + 1, 2, 2, c)
    for i, j in PARITIES:
        blocks[:, within(i, h), within(j, w), i, j] = x[:, :, 1 - i :: 2, 1 - j :: 2].movedim(1, 3)
    return blocks.flatten(3).permute(0, 3, 1, 2)


def of_blocks(blocks: Tensor) -> Tensor:
    """The image that has these blocks: the inverse of `blocks_of_padded`."""
    n, _, h, w = blocks.shape
    padded = blocks.view(n, 2, 2, -1, h, w).permute(0, 3, 4, 1, 5, 2)
    return padded.reshape(n, -1, 2 * h, 2 * w)[:, :, 1:-1, 1:-1]


class ToFew:
    """Transposed, kernel 4 and stride 2, to an image: a product gives the sixteen contributions of
    every input pixel, each as a plane, and the four that meet in an output pixel are added up.

    Planes are [2, 2, 2, 2, channel, image, h, w]: the block's row that an input pixel's
    contribution falls into, its parity, and the same of columns.
    """

    def prepared(self, x, weight):
        self.size = (x.shape[0], x.shape[2], x.shape[3])
        w = weight.reshape(*weight.shape[:2], 2, 2, 2, 2).permute(2, 3, 4, 5, 1, 0)
        return rows(x), w.reshape(-1, len(weight))

    def forward(self, x, weight, bias):
        n, h, w = self.size
        planes = (weight @ x.T).view(2, 2, 2, 2, -1, n, h, w)
        sums = x.new_zeros(2, 2, len(bias), n, h + 1, w + 1, dtype=torch.float32)
        for i, j in PARITIES:
            sums[..., i : i + h, j : j + w] += planes[i, :, j]
        y = sums.new_empty(n, len(bias), 2 * h, 2 * w)
        for i, j in PARITIES:
            part = sums[i, j, ..., within(i, h), within(j, w)]
            y[:, :, 1 - i :: 2, 1 - j :: 2] = part.transpose(0, 1)
        return y.add_(bias[:, None, None])

    def gradients(self, g, x, weight, to_x):
        n, h, w = self.size
        sums = x.new_zeros(2, 2, g.shape[1], n, h + 1, w + 1)
        for i, j in PARITIES:
            part = g[:, :, 1 - i :: 2, 1 - j :: 2]
            sums[i, j, ..., within(i, h), within(j, w)] = part.transpose(0, 1)
        planes = x.new_empty(2, 2, 2, 2, g.shape[1], n, h, w)
        for i, j in PARITIES:
            planes[i, :, j] = sums[..., i : i + h, j : j + w]
        planes = planes.view(len(weight), -1)
        to_weight = (planes @ x).view(2, 2, 2, 2, g.shape[1], -1).permute(5, 4, 0, 1, 2, 3)
        to_weight = to_weight.reshape(x.shape[1], -1, 4, 4)
        return images(planes.T @ weight, n, h, w) if to_x else None, to_weight
