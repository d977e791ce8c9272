"""A trained VAE in a notebook: images to posteriors, codes to images; saved and loaded."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from disentbench.api.numbers import require_whole
from disentbench.api.pixels import as_pictures, as_seen
from disentbench.errors import UserError
from disentbench.models import model_file, on_arrays
from disentbench.models.layers import Parameters
from disentbench.models.model_file import Saved
from disentbench.models.vae import VAE, vae_of
from disentbench.posterior import Posterior
from disentbench.posterior.from_arrays import from_anywhere
from disentbench.recipe import Recipe
from disentbench.seeds import generator
from disentbench.storage import expected
from disentbench.storage.identities import Identity

CPU = torch.device("cpu")
AT_ONCE = 1024  # images that are encoded or decoded together

Pictures = Float[np.ndarray, "image height width channel"]
Codes = Float[np.ndarray, "image latent"]
Chosen = Mapping[str, Int[np.ndarray, " image"]]  # a class of each discrete group


@dataclass(frozen=True, eq=False, repr=False)
class TrainedVAE:
    """One trained run, as `disentbench.train` and `disentbench.load` return it; on the CPU.

    `recipe` is all that it was trained with. Images are [image, height, width, channel], of one
    channel [image, height, width] will do: bytes from 0 to 255, floats from 0 to 1, or true and
    false. Whatever does not fit the model is refused with a UserError (a ValueError).

    >>> import disentbench
    >>> squares = {"of": "dsprites_small", "shape": 0, "posX": [0, 8], "posY": [0, 8]}
    >>> model = disentbench.train(dataset=squares, steps=2, batch_size=4, latents=3)
    >>> images = disentbench.data("dsprites_small", shape=0, posX=[0, 8], posY=[0, 8]).images
    >>> posterior = model.encode(images)
    >>> posterior.mean.shape, posterior.logvar.shape
    ((24, 3), (24, 3))
    >>> model.decode(posterior.mean).shape
    (24, 32, 32, 1)
    >>> model.sample(5, seed=1).shape
    (5, 32, 32, 1)
    >>> model.traverse(images[0], latents=[2, 0], steps=7).shape
    (2, 7, 32, 32, 1)
    """

    recipe: Recipe
    saved: Saved
    made_of: Identity  # words for the images and the code that it was trained with

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.recipe.pack.first

    @property
    def failed(self) -> bool:
        """Whether the training diverged; all that it encodes is then NaN."""
        return bool(self.saved.failed[0])

    @property
    def latents(self) -> int:
        """The number of Gaussian latents."""
        return self.recipe.latents

    @cached_property
    def history(self) -> pd.DataFrame:
        """The losses: seed, step and every term, in nats per image, averaged over a window.

        Empty where the file that was loaded has none beside it.
        """
        return history_of(self.saved.history)

    @cached_property
    def vae(self) -> VAE:
        """The network as pure functions of `parameters`, for those who know torch."""
        return vae_of(self.recipe)

    @cached_property
    def parameters(self) -> Parameters:
        """The weights by name, as tensors of torch."""
        return self.saved.member(0, CPU)

    def __repr__(self) -> str:
        pack = self.recipe.pack
        name = f"{pack.objective}/{pack.setting} on {pack.dataset}"
        return f"TrainedVAE({name}, seed {self.seed}, {self.latents} latents)"

    def encode(self, images: ArrayLike) -> Posterior:
        """The posterior q(z | x) of images: `mean` and `logvar` (log sigma^2) [image, latent].

        `logits` maps a discrete group's name to [image, class]; it is empty without such groups.
        """
        blocks = as_seen(images, self.vae.shape, AT_ONCE)
        parts = [on_arrays.posterior_of(self.vae, self.parameters, x) for x in blocks]
        return Posterior(
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.logvar for part in parts]),
            {k: np.concatenate([part.logits[k] for part in parts]) for k in self.vae.discrete},
        )

    def decode(self, z: ArrayLike, classes: Mapping[str, ArrayLike] | None = None) -> Pictures:
        """The mean images in [0, 1] of codes z [image, latent].

        A model with discrete groups needs the `classes` [image] of each, whole numbers from 0 on.
        """
        z = self._codes(z)
        chosen = self._classes(classes or {}, len(z))
        blocks = [slice(first, first + AT_ONCE) for first in range(0, len(z), AT_ONCE)]
        return np.concatenate(
            [self._decoded(z[rows], {k: v[rows] for k, v in chosen.items()}) for rows in blocks]
        )

    def sample(self, n: int, seed: int = 0) -> Pictures:
        """Images [image, height, width, channel] of n codes from the prior.

        That is standard normal, and uniform over the classes of a discrete group.
        """
        require_whole(1, n=n)
        require_whole(0, seed=seed)
        rng = generator(seed, "samples of the prior")
        z = rng.standard_normal((n, self.latents))
        groups = self.vae.discrete.items()
        return self.decode(z, {name: rng.integers(size, size=n) for name, size in groups})

    def traverse(
        self,
        image: ArrayLike,
        latents: Sequence[int] | None = None,
        *,
        steps: int = 7,
        end: float = 2.0,
    ) -> Float[np.ndarray, "latent step height width channel"]:
        """What an image [height, width, channel] becomes as one latent after another moves.

        Each goes from -end to end, in standard deviations of the prior, in so many steps; the
        others stay at the mean of the image's posterior, and discrete groups at its likeliest
        class. `latents` names those that move; without it, all do.
        """
        moved = list(range(self.latents)) if latents is None else list(latents)
        require_whole(1, steps=steps)
        if odd := [j for j in moved if j not in range(self.latents)]:
            raise UserError(f"there is no latent {odd[0]}; they are 0 to {self.latents - 1}")
        posterior = self.encode(from_anywhere(image)[None])
        z = np.tile(posterior.mean, (len(moved), steps, 1))
        for row, j in zip(z, moved, strict=True):
            row[:, j] = np.linspace(-end, end, steps)
        z = z.reshape(-1, self.latents)
        kept = on_arrays.likeliest(posterior)
        images = self.decode(z, {name: np.repeat(k, len(z)) for name, k in kept.items()})
        return images.reshape(len(moved), steps, *images.shape[1:])

    def save(self, path: str | Path) -> None:
        """Write one file, which `disentbench.load` reads: weights, recipe and history.

        It is the model.pt of the workflow, with the history inside.
        """
        identity = expected.of_pack(self.recipe, "model") | self.made_of
        model_file.save(Path(path), self.saved._asdict(), identity)

    def _codes(self, z: ArrayLike) -> Codes:
        codes = from_anywhere(z)
        fits = codes.ndim == 2 and codes.shape[1] == self.latents and len(codes)
        if not fits or codes.dtype.kind not in "fiu":
            raise UserError(
                f"z is {codes.dtype} {codes.shape}; this model takes numbers [image, "
                f"{self.latents}]"
            )
        return codes.astype(np.float32)

    def _classes(self, classes: Mapping[str, ArrayLike], rows: int) -> Chosen:
        """The class of each image in every discrete group of the model."""
        sizes = self.vae.discrete
        if set(classes) != set(sizes):
            given = ", ".join(map(str, classes)) or "no group"
            raise UserError(
                f"classes are given of {given}; the model's discrete "
                f"groups are {', '.join(sizes) or 'none'}"
            )
        chosen = {name: from_anywhere(values) for name, values in classes.items()}
        for name, values in chosen.items():
            whole = values.shape == (rows,) and values.dtype.kind in "iu"
            if not whole or not ((values >= 0) & (values < sizes[name])).all():
                raise UserError(
                    f"the classes of {name} must be whole numbers from 0 to {sizes[name] - 1}, "
                    f"one for each of {rows} images"
                )
        return chosen

    def _decoded(self, z: Codes, classes: Chosen) -> Pictures:
        return as_pictures(on_arrays.images_of(self.vae, self.parameters, z, classes))


def history_of(text: str) -> pd.DataFrame:
    """A history, of its text as CSV."""
    if not text:
        return pd.DataFrame(columns=["seed", "step", "loss"])
    try:
        return pd.read_csv(io.StringIO(text))
    except ValueError:
        raise UserError("the history of losses in the model file is no table") from None
