"""Layers as matrix products: under `torch.func.vmap` those of a pack become batched products, in
place of grouped convolutions.

A convolution of kernel 4 and stride 2 ties a small grid, its output, to a large image: every 2 x 2
square of small pixels reaches one 2 x 2 block of the padded large image. So it is a product over
(di, dj), the place in the square, and (pi, pj), the place in the block:

    large block [pi, pj, b] = sum over di, dj, s of small square [di, dj, s] W [s, b, 2 di + pi, ..]

A transposed convolution is this sum; a convolution is its adjoint, and the weight's gradient the
product of all squares with all blocks. Whatever is gathered lies on the side with fewer numbers.
Other kernels go the library's way.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from disentbench.architectures import Conv, Deconv, Dense
from disentbench.kernels import library, walk


def affine(layer, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """An affine layer's output."""
    match layer:
        case Dense():
            return x @ weight.T + bias
        case Conv(_, 4, 2):
            return images(Down.apply(pixels(x), weight) + bias)
        case Deconv(_, 4, 2):
            return images(Up.apply(pixels(x), weight) + bias)
        case Conv(_, kernel, stride) if kernel == stride:
            rows = weight.permute(2, 3, 1, 0).flatten(0, 2)  # [(row, column, channel), out]
            return images(blocks(pixels(x), stride) @ rows + bias)
    return library.affine(layer, x, weight, bias)


apply = partial(walk, affine)


def pixels(x: Tensor) -> Tensor:
    """[image, h, w, channel]."""
    return x.permute(0, 2, 3, 1)


def images(x: Tensor) -> Tensor:
    """[image, channel, h, w]."""
    return x.permute(0, 3, 1, 2)


class Bilinear(Function):
    """A product of x and a weight, which are all that its gradients need."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)


class Up(Bilinear):
    """The transposed convolution of x [image, h, w, s] with a weight [s, b, 4, 4]."""

    @staticmethod
    def forward(x, weight):
        return up(x, weight)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return down(g, weight), of_weight(x, g, weight)


class Down(Bilinear):
    """The convolution of x [image, 2 h, 2 w, b] with a weight [s, b, 4, 4]."""

    @staticmethod
    def forward(x, weight):
        return down(x, weight)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return up(g, weight) if ctx.needs_input_grad[0] else None, of_weight(g, x, weight)


def up(small: Tensor, weight: Tensor) -> Tensor:
    """[image, 2 h, 2 w, b] of [image, h, w, s]."""
    w = by_place(weight)
    if few(weight):
        return cropped(unblocked(met(small @ w.movedim(2, 0).flatten(1))))
    return cropped(unblocked(squares(padded(small)) @ w.flip(0, 1).flatten(3).flatten(0, 2)))


def down(large: Tensor, weight: Tensor) -> Tensor:
    """[image, h, w, s] of [image, 2 h, 2 w, b]: the adjoint of `up`."""
    w, inside = by_place(weight), blocks(padded(large), 2)
    if few(weight):
        return squares(inside) @ w.movedim(2, -1).flatten(0, 4)
    return cropped(met(inside @ w.flip(0, 1).flatten(3).flatten(0, 2).T))


def of_weight(small: Tensor, large: Tensor, weight: Tensor) -> Tensor:
    """The weight's gradient, from an input and its output's gradient."""
    s, b = weight.shape[:2]
    inside = blocks(padded(large), 2)
    if few(weight):
        of_places = squares(inside).flatten(0, 2).T @ small.flatten(0, 2)
        of_places = of_places.view(2, 2, 2, 2, b, s).movedim(-1, 2)
    else:
        of_places = squares(padded(small)).flatten(0, 2).T @ inside.flatten(0, 2)
        of_places = of_places.view(2, 2, s, 2, 2, b).flip(0, 1)
    return of_places.permute(2, 5, 0, 3, 1, 4).reshape(weight.shape)


def few(weight: Tensor) -> bool:
    """Whether the image's squares of blocks are fewer numbers than the small grid's squares."""
    s, b = weight.shape[:2]
    return 4 * b <= s


def by_place(weight: Tensor) -> Tensor:
    """The weight [s, b, 4, 4] as [di, dj, s, pi, pj, b]."""
    return weight.reshape(*weight.shape[:2], 2, 2, 2, 2).permute(2, 4, 0, 3, 5, 1)


def padded(x: Tensor) -> Tensor:
    """One more pixel, of zeros, on every side."""
    return F.pad(x, (0, 0, 1, 1, 1, 1))


def cropped(x: Tensor) -> Tensor:
    """The inverse of `padded`."""
    return x[:, 1:-1, 1:-1]


def blocks(x: Tensor, size: int) -> Tensor:
    """[image, h / size, w / size, (size, size, channel)]."""
    n, h, w, c = x.shape
    x = x.reshape(n, h // size, size, w // size, size, c)
    return x.transpose(2, 3).flatten(3)


def unblocked(x: Tensor) -> Tensor:
    """The image of these 2 x 2 blocks."""
    n, h, w, c = x.shape
    return x.reshape(n, h, w, 2, 2, c // 4).transpose(2, 3).reshape(n, 2 * h, 2 * w, c // 4)


def squares(x: Tensor) -> Tensor:
    """[image, h - 1, w - 1, (2, 2, channel)]: every pixel with its neighbours below and right."""
    return torch.cat([x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]], dim=-1)


def met(x: Tensor) -> Tensor:
    """[image, h + 1, w + 1, channel]: the adjoint of `squares`, what falls on a pixel added up."""
    parts = x.chunk(4, dim=-1)
    places = [(i, j) for i in range(2) for j in range(2)]
    return sum(
        F.pad(part, (0, 0, j, 1 - j, i, 1 - i)) for part, (i, j) in zip(parts, places, strict=True)
    )
