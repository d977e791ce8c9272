"""A variational autoencoder as pure functions: parameters in, posteriors and images out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from disentbench.architectures import Architecture, Dense, Layer, Shape
from disentbench.likelihoods import Likelihood
from disentbench.models import layers
from disentbench.models.layers import Parameters
from disentbench.posterior import Posterior, gaussian
from disentbench.recipe import Recipe

Apply = Callable[[tuple[Layer, ...], Parameters, Tensor, str], Tensor]
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


class Noise(NamedTuple):
    """What a sample of q(z | x) is made from: `normal` [image, latent] and, for each discrete
    group in turn, `gumbel` [image, all their classes]."""

    normal: Tensor
    gumbel: Tensor

    def to(self, device: torch.device) -> "Noise":
        return Noise(self.normal.to(device), self.gumbel.to(device))


@dataclass(frozen=True)
class VAE:
    """An architecture for images of a shape, with D Gaussian latents and discrete groups.

    `discrete` maps a group's name to its number of classes; `dtype` is what the networks compute
    in (parameters stay float32, and so do the posterior and the decoder's output), by `apply`;
    `initialisation` is the scheme of `layers.initialise`; `likelihood` says what the decoder's
    output means.
    """

    architecture: Architecture
    shape: Shape
    latents: int
    discrete: dict[str, int]
    likelihood: Likelihood
    dtype: torch.dtype = torch.float32
    apply: Apply = layers.apply
    initialisation: str = "torch"

    @property
    def classes(self) -> int:
        """The number of classes of all discrete groups together."""
        return sum(self.discrete.values())

    @property
    def code_size(self) -> int:
        """The width of a code: Gaussian latents and all classes."""
        return self.latents + self.classes

    @property
    def encoder(self) -> tuple[Layer, ...]:
        return (*self.architecture.encoder(), Dense(2 * self.latents + self.classes))

    @property
    def decoder(self) -> tuple[Layer, ...]:
        channels, *sides = self.shape
        return self.architecture.decoder((self.likelihood.outputs * channels, *sides))

    def initialise(self, rng: np.random.Generator) -> Parameters:
        """Fresh float32 parameters."""
        scheme, code = self.initialisation, (self.code_size,)
        encoder = layers.initialise(self.encoder, self.shape, rng, "encoder", scheme)
        return encoder | layers.initialise(self.decoder, code, rng, "decoder", scheme)

    def encode(self, parameters: Parameters, images: Tensor) -> Posterior:
        """q(z | x) of images [image, channel, height, width] in [0, 1]."""
        out = self.apply(self.encoder, parameters, images.to(self.dtype), "encoder").float()
        mean, logvar, logits = out.split((self.latents, self.latents, self.classes), dim=-1)
        groups = logits.split(tuple(self.discrete.values()), dim=-1) if self.discrete else ()
        return Posterior(mean, logvar, dict(zip(self.discrete, groups, strict=True)))

    def decode(self, parameters: Parameters, code: Tensor) -> Tensor:
        """What the likelihood takes, of codes [image, latents + classes]."""
        return self.apply(self.decoder, parameters, code.to(self.dtype), "decoder").float()


def vae_of(recipe: Recipe) -> VAE:
    """The model that a recipe trains."""
    return VAE(
        recipe.architecture,
        recipe.dataset.image_shape,
        recipe.latents,
        recipe.objective.structure().discrete,
        recipe.likelihood,
        DTYPES[recipe.training.precision],
        initialisation=recipe.training.initialisation,
    )


def sample(
    posterior: Posterior, noise: Noise, temperature: float | Tensor
) -> tuple[Tensor, Tensor]:
    """z of the Gaussian latents, and the whole code with the relaxed classes behind it.

    At temperature 0 a class is drawn exactly (the limit of the Concrete distribution).
    """
    z = gaussian.sample(posterior.mean, posterior.logvar, noise.normal)
    code, first = [z], 0
    for logits in posterior.logits.values():
        perturbed = logits.log_softmax(-1) + noise.gumbel[:, first : first + logits.shape[-1]]
        first += logits.shape[-1]
        code.append(relaxed(perturbed, temperature))
    return z, torch.cat(code, dim=-1)


def relaxed(perturbed: Tensor, temperature: float | Tensor) -> Tensor:
    """The Concrete sample from Gumbel-perturbed logits (Maddison et al. 2017, eq. 10)."""
    if not isinstance(temperature, Tensor) and temperature == 0:
        return F.one_hot(perturbed.argmax(-1), perturbed.shape[-1]).float()
    return (perturbed / temperature).softmax(-1)
