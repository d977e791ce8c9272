"""What a model sees: images beside their reconstructions, and traversals of its latents."""

from functools import cache
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure as Canvas

from disentbench.models import model_file
from disentbench.report import comparisons, decoding, extremes, style
from disentbench.report.context import Report
from disentbench.report.decoding import Model, Row, Tiles
from disentbench.report.extremes import Place
from disentbench.report.figures import Figure
from disentbench.report.figures._names import short
from disentbench.report.runs import Block, Key
from disentbench.report.style import MUTED
from disentbench.report.text import count, number

IMAGES, TILES, LATENTS = 10, 9, 12  # of a run in its files, at most
BUDGET = 1_400_000  # bytes of a page that pictures may take
HEIGHT, HEAD = 0.46, 0.15  # inches of a row and of a line of the title


class Pictures(NamedTuple):
    """A run's originals over its reconstructions, and its latents' traversals by falling KL."""

    key: Key
    place: Place
    whole: bool  # whether the page shows it in full, as it does the first of a setting
    reconstructions: list[Row]
    traversals: list[Row]
    latents: int  # and discrete groups that the run has


class Size(NamedTuple):
    """How much of a run the page shows: images in a row, tiles of a traversal, latents."""

    images: int
    tiles: int
    latents: int


# Of the median runs and of the others; 0 latents leave a run out. The first that fits is taken.
SIZES = (
    (Size(IMAGES, TILES, LATENTS), Size(6, 5, 6)),
    (Size(IMAGES, TILES, 8), Size(6, 5, 4)),
    (Size(6, 5, 8), Size(5, 5, 3)),
    (Size(5, 5, 6), Size(4, 3, 3)),
    (Size(5, 5, 5), Size(0, 0, 0)),
    (Size(4, 3, 4), Size(0, 0, 0)),
)
PROBE, NEARLY = Size(3, 3, 3), 1.2


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """What the median, best and worst run of each objective's best setting make of images."""
    if not block.best or not report.files.dataset(block.dataset).images.exists():
        return None
    x = decoding.chosen_images(report, block.dataset, IMAGES)
    runs = [run for key in block.best for run in _runs(report, block, key, x)]
    if not runs:
        return None
    models = fitted(runs, BUDGET // len(report.study.datasets))
    for run in runs:
        style.save(sheet(_title(report, run), run), report.folder, _name(block, run))
    keys = dict.fromkeys(run.key for run in runs)
    shown = {key: [model for model in models if model.run.key == key] for key in keys}
    return {
        "models": [_told(report, block, model) for model in shown.values() if model],
        "left_out": [comparisons.title(report.settings, key) for key in keys if not shown[key]],
        "extremes": any(run.place.word != "median" for run in runs),
    }


def _runs(report: Report, block: Block, key: Key, x: Tiles) -> list[Pictures]:
    """The shown runs of a setting, the median first; none where its model or latents are gone."""
    load, runs = cache(model_file.load), []
    for place in extremes.places(block, key, report.chosen):
        if model := decoding.model_of(report, (block.dataset, *key, place.seed), load):
            whole = not runs
            runs.append(_pictures(key, place, whole, model, x))
    return runs


def _pictures(key: Key, place: Place, whole: bool, model: Model, x: Tiles) -> Pictures:
    return Pictures(
        key,
        place,
        whole,
        decoding.reconstructions(model, x),
        decoding.traversals(model, x[len(x) // 2], TILES, LATENTS),
        len(model.latent_kl) + len(model.group_kl),
    )


class Strip(NamedTuple):
    """A row on the page: its words and its image, `width` and `height` in pixels."""

    name: str
    detail: str
    uri: str
    width: int
    height: int


class Excerpt(NamedTuple):
    """What the page shows of a run."""

    run: Pictures
    reconstructions: list[Strip]
    traversals: list[Strip]

    @property
    def size(self) -> int:
        """Bytes on the page."""
        return _bytes(self.reconstructions) + _bytes(self.traversals)


def fitted(runs: list[Pictures], budget: int) -> list[Excerpt]:
    """The runs as the page shows them, in so many bytes.

    Large images have fewer rows and columns; where that does not do, best and worst runs are left
    out, and then the last of the medians.
    """
    probes, drawn = [_drawn(run, PROBE) for run in runs], []
    for median, other in SIZES:
        sizes = [median if run.whole else other for run in runs]
        expected = sum(_expected(probe, size) for probe, size in zip(probes, sizes, strict=True))
        if expected > NEARLY * budget and (median, other) != SIZES[-1]:
            continue  # packing pixels only to throw them away takes long
        drawn = [_drawn(run, size) for run, size in zip(runs, sizes, strict=True) if size.latents]
        if sum(run.size for run in drawn) <= budget:
            return drawn
    kept = np.cumsum([run.size for run in drawn]) <= budget
    return [run for run, keep in zip(drawn, kept, strict=True) if keep]


def _expected(probe: Excerpt, size: Size) -> float:
    """About how many bytes a run takes, by those of a part of it."""
    if not size.latents:
        return 0.0
    few, path = (_bytes(strips) for strips in (probe.reconstructions, probe.traversals))
    latents = min(size.latents, len(probe.run.traversals)) / max(len(probe.traversals), 1)
    return few * size.images / PROBE.images + path * latents * size.tiles / PROBE.tiles


def _bytes(strips: list[Strip]) -> int:
    return sum(len(strip.uri) for strip in strips)


def _drawn(run: Pictures, size: Size) -> Excerpt:
    """A part of a run; its rows are equally wide, so that every tile is as large as any other."""
    rows, paths = run.reconstructions, run.traversals[: size.latents]
    pixels = [_thinned(row, size.images) for row in rows]
    pixels += [_thinned(row, size.tiles) for row in paths]
    width = max(row.shape[1] for row in pixels)
    strips = [
        Strip(row.name, row.detail, decoding.png(_padded(image, width)), width, len(image))
        for row, image in zip([*rows, *paths], pixels, strict=True)
    ]
    return Excerpt(run, strips[: len(rows)], strips[len(rows) :])


def _thinned(row: Row, most: int) -> UInt8[np.ndarray, "h w c"]:
    """A row of at most so many of its images."""
    return decoding.strip(row.images[decoding.spread(len(row.images), most)])


def _padded(pixels: UInt8[np.ndarray, "h w c"], width: int) -> UInt8[np.ndarray, "h w2 c"]:
    """A strip as wide as asked for, by what cannot be seen: so a page needs not scale it."""
    return np.pad(pixels, ((0, 0), (0, width - pixels.shape[1]), (0, 0)))


def sheet(title: str, shown: Pictures) -> Canvas:
    """The pictures of a run as one figure, for print."""
    rows, lines = [*shown.reconstructions, *shown.traversals], wrap(title, 88)
    tall = HEIGHT * len(rows) + HEAD * len(lines) + 0.3
    figure = Canvas(figsize=(6.0, tall))
    for i, line in enumerate(lines):
        y = 1 - (0.24 + HEAD * i) / tall
        figure.text(0.02, y, line, fontweight="bold", va="center")
    top, height = 1 - (0.27 + HEAD * len(lines)) / tall, HEIGHT / tall
    for i, row in enumerate(rows):
        middle = top - (i + 0.5) * height
        ax = figure.add_axes((0.27, middle - 0.46 * height, 0.72, 0.92 * height))
        _show(ax, row.images)
        name, words = short(row.name, 22), short(row.detail, 32)
        lift = 0.14 * height if words else 0
        figure.text(0.02, middle + lift, name, va="center", fontsize=8)
        figure.text(0.02, middle - 0.2 * height, words, va="center", fontsize=6.5, color=MUTED)
    return figure


def _show(ax: Any, images: Tiles) -> None:
    pixels = decoding.strip(images)[:, :, :-1]
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_anchor("W")
    ax.set_axis_off()


def _title(report: Report, run: Pictures) -> str:
    return f"{comparisons.title(report.settings, run.key)}, seed {run.place.seed}"


def _name(block: Block, run: Pictures) -> str:
    """What a run's files are called; the first of its setting has the objective's name alone."""
    name = f"{block.dataset}_pictures_{run.key[0]}"
    return style.file_name(name if run.whole else f"{name}_{run.place.word}")


def _told(report: Report, block: Block, drawn: list[Excerpt]) -> dict[str, Any]:
    """What the template shows of a setting: its title, and its runs, the first in full."""
    key = drawn[0].run.key
    n = int(block.summary.n.loc[key, report.chosen.name])
    return {
        "objective": key[0],
        "title": comparisons.title(report.settings, key),
        "of": f"{n} of {count(block.planned, 'run')}" if n < block.planned else count(n, "run"),
        "runs": [_of_run(report, block, run, n) for run in drawn],
    }


def _of_run(report: Report, block: Block, drawn: Excerpt, n: int) -> dict[str, Any]:
    run = drawn.run
    score = number(block.scores(run.key, report.chosen.name)[run.place.seed])
    more = run.latents - len(drawn.traversals)
    return {
        "word": _word(run.place, n),
        "seed": run.place.seed,
        "score": f"{report.chosen.label} {score}",
        "name": _name(block, run),
        "reconstructions": drawn.reconstructions,
        "traversals": drawn.traversals,
        "more": more,
    }


def _word(place: Place, n: int) -> str:
    """Which run it is: the median, or the lower of the two in the middle, the best or the worst."""
    if place.word != "median":
        return place.word if n > 2 else {"best": "the better", "worst": "the worse"}[place.word]
    return "the only run" if n == 1 else "median" if n % 2 else "lower of the two middle ones"


figure = Figure(
    section,
    heading="What the models see",
    nav="Pictures",
    place=30,
    template="pictures.html",
    absent="No pictures: the images or the models of the best runs are gone, or there is no best "
    "run.",
)
