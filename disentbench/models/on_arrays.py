"""A trained model on NumPy's arrays: posteriors of images, and images of codes."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int

from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE
from disentbench.posterior import Posterior

Tiles = Float[np.ndarray, "image channel height width"]
Classes = Mapping[str, Int[np.ndarray, " image"]]  # of each discrete group


@torch.inference_mode()
def posterior_of(vae: VAE, parameters: Parameters, x: Tiles) -> Posterior:
    """q(z | x) of images in [0, 1]."""
    mean, logvar, logits = vae.encode(parameters, torch.from_numpy(np.ascontiguousarray(x)))
    return Posterior(mean.numpy(), logvar.numpy(), {name: g.numpy() for name, g in logits.items()})


@torch.inference_mode()
def images_of(
    vae: VAE, parameters: Parameters, z: Float[np.ndarray, "image latent"], classes: Classes
) -> Tiles:
    """The mean images of codes: Gaussian latents, and a class of each discrete group."""
    hot = [np.eye(size)[classes[group]] for group, size in vae.discrete.items()]
    code = torch.from_numpy(np.concatenate([z, *hot], axis=1).astype(np.float32))
    return vae.likelihood.mean(vae.decode(parameters, code)).numpy()


def likeliest(posterior: Posterior) -> dict[str, Int[np.ndarray, " image"]]:
    """The most probable class of each discrete group."""
    return {group: values.argmax(-1) for group, values in posterior.logits.items()}
