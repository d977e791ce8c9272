"""What a trained run makes of images: rows of pictures, decoded from codes.

This is the part of the report that needs models, and with them torch.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image

from disentbench.models.device_images import Resident
from disentbench.models.layers import Parameters
from disentbench.models.model_file import Saved
from disentbench.models.on_arrays import Classes, Tiles, images_of, likeliest, posterior_of
from disentbench.models.vae import VAE, vae_of
from disentbench.posterior import Posterior
from disentbench.posterior.rates import variable_rates
from disentbench.recipe import Recipe
from disentbench.report.context import Report
from disentbench.report.style import uri
from disentbench.report.text import count, fixed
from disentbench.storage import hdf5, images_file

CPU = torch.device("cpu")
END = 2  # of a traversal, in standard deviations of the prior
GAP = 2  # pixels between images

Run = tuple[str, str, str, int]  # (data set, objective, setting, seed)


class Row(NamedTuple):
    """A row of images in [0, 1] with what it shows."""

    name: str
    detail: str
    images: Tiles


class Model(NamedTuple):
    """A trained run, ready to encode and decode, with the KL of each latent and group in nats."""

    vae: VAE
    parameters: Parameters
    groups: dict[str, list[int]]
    latent_kl: Float[np.ndarray, " latent"]
    group_kl: dict[str, float]


def chosen_images(report: Report, dataset: str, most: int) -> Tiles:
    """At most so many images of a data set, the same for every run, as models see them."""
    source = images_file.read_images(report.files.dataset(dataset).images)
    places = np.random.default_rng(0).choice(len(source), min(most, len(source)), replace=False)
    resident = Resident(source, CPU, report.study.dataset(dataset))
    return resident[torch.from_numpy(np.sort(places))].numpy()


def model_of(report: Report, run: Run, load: Callable[[Path], Saved]) -> Model | None:
    """The model of a run; None where its files are gone or it diverged.

    `load` reads a model file, or remembers it: the runs of a pack share one.
    """
    pack = report.study.pack_of(*run)
    files = report.files.pack(pack)
    if not (files.model.exists() and files.latents.exists()):
        return None
    return read_model(report.study.recipe(pack), files.latents, load(files.model), run[-1])


def read_model(recipe: Recipe, latents: Path, saved: Saved, seed: int) -> Model | None:
    """A run of a pack's model file; None where it diverged."""
    member = seed - recipe.pack.first
    if saved.failed[member]:
        return None
    with hdf5.open_data(latents) as file:
        mean, logvar = (hdf5.row(file, name, member) for name in ("mean", "logvar"))
        groups = list(file["logits"]) if "logits" in file else []
        logits = {group: hdf5.row(file["logits"], group, member) for group in groups}
    if not np.isfinite(mean).all():
        return None
    rates = variable_rates(Posterior(mean, logvar, logits))
    return Model(
        vae_of(recipe),
        saved.member(member, CPU),
        recipe.objective.structure().groups,
        rates[: mean.shape[1]],
        dict(zip(groups, rates[mean.shape[1] :], strict=True)),
    )


def reconstructions(model: Model, x: Tiles) -> list[Row]:
    """Images over what the means of their posteriors decode to."""
    means, classes = _encode(model, x)
    return [Row("original", "", x), Row("decoded", "", _decode(model, means, classes))]


def _encode(model: Model, x: Tiles) -> tuple[Float[np.ndarray, "image latent"], Classes]:
    """Posterior means and, for each discrete group, the likeliest class."""
    posterior = posterior_of(model.vae, model.parameters, x)
    return posterior.mean, likeliest(posterior)


def _decode(model: Model, means: Float[np.ndarray, "image latent"], classes: Classes) -> Tiles:
    """The mean images of codes."""
    return images_of(model.vae, model.parameters, means, classes)


class Traversal(NamedTuple):
    """Codes along one latent or discrete group, with what is said of it."""

    name: str
    detail: str
    kl: float
    means: Float[np.ndarray, "image latent"]
    classes: Classes


def traversals(model: Model, image: Float[np.ndarray, "c h w"], tiles: int, most: int) -> list[Row]:
    """Of the latents and discrete groups with most KL, at most so many, a row each, by falling KL.

    A latent goes from -2 to 2 standard deviations of the prior in so many tiles, a discrete group
    through its classes, spread evenly where they are more. All are decoded at once.
    """
    mean, classes = _encode(model, image[None])
    latents = [_along(model, mean, classes, i, tiles) for i in range(len(model.latent_kl))]
    groups = [_through(model, mean, classes, group, tiles) for group in model.group_kl]
    paths = sorted([*latents, *groups], key=lambda path: -path.kl)[:most]
    if not paths:
        return []
    joined = {name: np.concatenate([path.classes[name] for path in paths]) for name in classes}
    images = _decode(model, np.concatenate([path.means for path in paths]), joined)
    ends = np.cumsum([len(path.means) for path in paths])[:-1]
    rows = zip(paths, np.split(images, ends), strict=True)
    return [Row(path.name, path.detail, decoded) for path, decoded in rows]


def _along(
    model: Model,
    mean: Float[np.ndarray, "1 latent"],
    classes: Classes,
    latent: int,
    tiles: int,
) -> Traversal:
    means = np.repeat(mean, tiles, axis=0)
    means[:, latent] = np.linspace(-END, END, tiles)
    same = {group: np.repeat(value, tiles) for group, value in classes.items()}
    group = next((name for name, members in model.groups.items() if latent in members), "")
    kl = float(model.latent_kl[latent])
    detail = _nats(kl) + (f" · in {group}" if group else "")
    return Traversal(f"z{latent}", detail, kl, means, same)


def _through(
    model: Model, mean: Float[np.ndarray, "1 latent"], classes: Classes, group: str, tiles: int
) -> Traversal:
    size, kl = model.vae.discrete[group], float(model.group_kl[group])
    kept = spread(size, tiles)
    codes = {name: np.repeat(value, len(kept)) for name, value in classes.items()} | {group: kept}
    detail = f"{_nats(kl)} · {count(size, 'class')}"
    return Traversal(group, detail, kl, np.repeat(mean, len(kept), axis=0), codes)


def spread(size: int, most: int) -> Int[np.ndarray, " place"]:
    """At most so many places of a row, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))


def _nats(kl: float) -> str:
    return "< 0.001 nats" if kl < 1e-3 else f"{fixed(kl, 2 if kl >= 0.1 else 3)} nats"


def strip(row: Tiles) -> UInt8[np.ndarray, "height strip byte"]:
    """Images side by side as bytes, the last of them the opacity: nothing is between them.

    What is not seen is white.
    """
    seen = np.ones((len(row), 1, *row.shape[2:]))
    sides = ((0, 0), (0, 0), (0, 0), (0, GAP))
    pictures, opaque = np.pad(row, sides, constant_values=1.0), np.pad(seen, sides)
    tiles = np.concatenate([pictures, opaque], axis=1)
    joined = np.concatenate(list(tiles), axis=2)[:, :, :-GAP]
    return np.rint(255 * joined.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0)


def png(pixels: UInt8[np.ndarray, "height width channel"]) -> str:
    """Grey or coloured bytes, or either with an opacity, as a PNG data URI, pixel for pixel."""
    buffer = io.BytesIO()
    image = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return uri(buffer.getvalue(), "png")
