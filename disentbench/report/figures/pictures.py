"""What a model sees: images beside their reconstructions, and traversals of its latents."""

import io
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure as Canvas
from PIL import Image

from disentbench.models import model_file
from disentbench.models.device_images import Resident
from disentbench.models.layers import Parameters
from disentbench.models.vae import VAE, vae_of
from disentbench.posterior import Posterior
from disentbench.posterior.rates import variable_rates
from disentbench.recipe import Pack, Recipe
from disentbench.report import comparisons, style
from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure
from disentbench.report.runs import Block, Key
from disentbench.report.style import MUTED, uri
from disentbench.report.text import count, fixed, number
from disentbench.storage import hdf5, images_file
from disentbench.storage.images import Images
from disentbench.storage.layout import PackFolder

SHOWN = 10  # images in a row
ROWS = 12  # latents at most
CPU = torch.device("cpu")
STEPS = np.linspace(-2, 2, 9)  # of a traversal, in standard deviations of the prior
GAP = 2  # pixels between images


class Row(NamedTuple):
    """A row of images [image, channel, height, width] in [0, 1] with what it shows."""

    name: str
    detail: str
    images: np.ndarray


class Pictures(NamedTuple):
    """A run's originals over its reconstructions, and its latents' traversals by falling KL."""

    pack: Pack
    seed: int
    reconstructions: list[Row]
    traversals: list[Row]
    left_out: int


class Model(NamedTuple):
    """A trained run, ready to encode and decode, with the KL of each latent and group."""

    vae: VAE
    parameters: Parameters
    groups: dict[str, list[int]]
    latent_kl: np.ndarray
    group_kl: dict[str, float]


def pictures(recipe: Recipe, files: PackFolder, seed: int, source: Images) -> Pictures | None:
    """Reconstructions and traversals of a run, or None where its model or latents are gone."""
    if not (files.model.exists() and files.latents.exists()):
        return None
    model = _model(recipe, files, seed)
    chosen = np.sort(np.random.default_rng(0).choice(len(source), min(SHOWN, len(source)), False))
    x = Resident(source, CPU, recipe.dataset)[torch.from_numpy(chosen)].numpy()
    rows = _traversals(model, x[len(x) // 2])
    return Pictures(recipe.pack, seed, _reconstructions(model, x), rows[:ROWS], len(rows) - ROWS)


def _model(recipe: Recipe, files: PackFolder, seed: int) -> Model:
    saved = model_file.load(files.model)
    member = seed - recipe.pack.first
    with hdf5.open_data(files.latents) as file:
        mean, logvar = (hdf5.row(file, name, member) for name in ("mean", "logvar"))
        groups = list(file["logits"]) if "logits" in file else []
        logits = {group: hdf5.row(file["logits"], group, member) for group in groups}
    rates = variable_rates(Posterior(mean, logvar, logits))
    return Model(
        vae_of(recipe),
        saved.member(member, CPU),
        recipe.objective.structure().groups,
        rates[: mean.shape[1]],
        dict(zip(groups, rates[mean.shape[1] :], strict=True)),
    )


def _reconstructions(model: Model, x: np.ndarray) -> list[Row]:
    means, classes = _encode(model, x)
    decoded = _decode(model, means, classes)
    return [Row("original", "", x), Row("decoded", "", decoded)]


@torch.inference_mode()
def _encode(model: Model, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Posterior means [image, latent] and, for each discrete group, the likeliest class [image]."""
    posterior = model.vae.encode(model.parameters, torch.from_numpy(np.ascontiguousarray(x)))
    classes = {group: values.argmax(-1).numpy() for group, values in posterior.logits.items()}
    return posterior.mean.numpy(), classes


@torch.inference_mode()
def _decode(model: Model, means: np.ndarray, classes: dict[str, np.ndarray]) -> np.ndarray:
    """The mean images of codes."""
    hot = [np.eye(size)[classes[group]] for group, size in model.vae.discrete.items()]
    code = torch.from_numpy(np.concatenate([means, *hot], axis=1).astype(np.float32))
    return model.vae.likelihood.mean(model.vae.decode(model.parameters, code)).numpy()


def _traversals(model: Model, image: np.ndarray) -> list[Row]:
    """Every latent from -2 to 2 and every discrete group over its classes, by falling KL."""
    mean, classes = _encode(model, image[None])
    rows = [
        (kl, _traversed(model, mean, classes, latent, kl))
        for latent, kl in enumerate(model.latent_kl)
    ]
    rows += [
        (kl, _switched(model, mean, classes, group, kl)) for group, kl in model.group_kl.items()
    ]
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def _nats(kl: float) -> str:
    return "< 0.001 nats" if kl < 1e-3 else f"{fixed(kl, 2 if kl >= 0.1 else 3)} nats"


def _traversed(
    model: Model, mean: np.ndarray, classes: dict[str, np.ndarray], latent: int, kl: float
) -> Row:
    means = np.repeat(mean, len(STEPS), axis=0)
    means[:, latent] = STEPS
    same = {group: np.repeat(value, len(STEPS)) for group, value in classes.items()}
    group = next((name for name, members in model.groups.items() if latent in members), "")
    detail = _nats(kl) + (f" · in {group}" if group else "")
    return Row(f"z{latent}", detail, _decode(model, means, same))


def _switched(
    model: Model, mean: np.ndarray, classes: dict[str, np.ndarray], group: str, kl: float
) -> Row:
    size = model.vae.discrete[group]
    kept = np.unique(np.linspace(0, size - 1, min(size, len(STEPS))).round().astype(int))
    codes = {name: np.repeat(value, len(kept)) for name, value in classes.items()} | {group: kept}
    detail = f"{_nats(kl)} · {count(size, 'class')}"
    return Row(group, detail, _decode(model, np.repeat(mean, len(kept), axis=0), codes))


def strip(row: np.ndarray) -> np.ndarray:
    """Images side by side [height, width(, channel)] as bytes, white between them."""
    tiles = np.pad(row, ((0, 0), (0, 0), (0, 0), (0, GAP)), constant_values=1.0)
    joined = np.concatenate(list(tiles), axis=2)[:, :, :-GAP]
    pixels = np.rint(255 * joined.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0)
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def png(row: Row) -> str:
    """A row of images as a PNG data URI, a pixel of the image for a pixel of the file."""
    buffer = io.BytesIO()
    Image.fromarray(strip(row.images)).save(buffer, format="PNG", optimize=True)
    return uri(buffer.getvalue(), "png")


def sheet(title: str, shown: Pictures) -> Canvas:
    """The pictures of a run as one figure, for print."""
    rows = [*shown.reconstructions, *shown.traversals]
    figure = Canvas(figsize=(6.0, 0.46 * len(rows) + 0.45))
    figure.text(0.02, 1 - 0.24 / figure.get_figheight(), title, fontweight="bold", va="center")
    top = 1 - 0.42 / figure.get_figheight()
    for i, row in enumerate(rows):
        height = 0.46 / figure.get_figheight()
        ax = figure.add_axes((0.30, top - (i + 1) * height, 0.69, 0.92 * height))
        ax.imshow(strip(row.images), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set_anchor("W")
        ax.set_axis_off()
        middle = top - (i + 0.5) * height
        figure.text(0.02, middle, row.name, va="center", fontsize=8)
        figure.text(0.285, middle, row.detail, va="center", ha="right", fontsize=6.5, color=MUTED)
    return figure


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """What the median run of each objective's best setting makes of images."""
    path = report.files.dataset(block.dataset).images
    if not block.best or not path.exists():
        return None
    source = images_file.read_images(path)
    models = []
    for objective, setting in block.best:
        seed = run_tables.median_seed(block, objective, setting, report.chosen)
        pack = report.study.pack_of(block.dataset, objective, setting, seed)
        shown = pictures(report.study.recipe(pack), report.files.pack(pack), seed, source)
        if shown:
            models.append(_pictured(report, block, shown))
    return {"models": models} if models else None


def _pictured(report: Report, block: Block, shown: Pictures) -> dict[str, Any]:
    key = (shown.pack.objective, shown.pack.setting)
    title = f"{comparisons.title(report.settings, key)}, seed {shown.seed}"
    score = number(block.scores(key, report.chosen.name)[shown.seed])
    name = style.file_name(f"{block.dataset}_pictures_{shown.pack.objective}")
    style.save(sheet(title, shown), report.folder, name)
    rows = {
        kind: [(row, png(row)) for row in getattr(shown, kind)]
        for kind in ("reconstructions", "traversals")
    }
    score = f"{report.chosen.label} {score}, {_median_of(report, block, key)}"
    about = {"title": title, "name": name, "score": score, "left_out": shown.left_out}
    return {**about, "key": key[0], **rows}


def _median_of(report: Report, block: Block, key: Key) -> str:
    """Which run is shown: the median of so many, or the lower of the two in the middle."""
    n = int(block.summary.n.loc[key, report.chosen.name])
    which = "median" if n % 2 else "the lower of the two middle ones"
    return f"{which} of {n} of {count(block.planned, 'run')}"


figure = Figure(
    section,
    heading="What the models see",
    nav="Pictures",
    place=30,
    template="pictures.html",
    absent="No pictures: the images or the models of the best runs are gone, or there is no best "
    "run.",
)
