"""-log p(x | z) [image] of an image's values, in nats, summed over pixels and channels."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function


def bernoulli(logits: Tensor, images: Tensor) -> Tensor:
    """Of logits [image, ...] and values in [0, 1]."""
    return _Bernoulli.apply(logits, images)


def gaussian(mean: Tensor, scale: Tensor | float, images: Tensor) -> Tensor:
    """Of means and standard deviations, of each value or of all."""
    log_scale = scale.log() if isinstance(scale, Tensor) else math.log(scale)
    nats = ((images - mean) / scale).square() / 2 + log_scale + math.log(2 * math.pi) / 2
    return nats.flatten(1).sum(1)


def laplace(median: Tensor, scale: float, images: Tensor) -> Tensor:
    """Of medians and the mean distance from them."""
    nats = (images - median).abs() / scale + math.log(2 * scale)
    return nats.flatten(1).sum(1)


class _Bernoulli(Function):
    """sum over pixels of log(1 + exp(l)) - x l, of logits l and pixels x in [0, 1]."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, images: Tensor) -> Tensor:
        pixels = torch.addcmul(F.softplus(logits), logits, images, value=-1)
        return pixels.flatten(1).sum(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        logits, images = ctx.saved_tensors
        return (logits.sigmoid() - images) * gradients[0][:, None, None, None], None
