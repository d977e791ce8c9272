"""A small picture of many runs: what each makes of a few images and of its leading latents."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from disentbench.models import model_file
from disentbench.report import decoding
from disentbench.report.context import Report
from disentbench.report.decoding import GAP, Model, Row, Tiles
from disentbench.report.extremes import places
from disentbench.report.ranking import Rule
from disentbench.report.runs import Block

BUDGET = 1_200_000  # bytes of a page that thumbnails may take, all data sets together
IMAGES, TILES, LATENTS = 6, 7, 6  # of a run, at most

Run = tuple[str, str, int]  # (objective, setting, seed)


class Thumbnail(NamedTuple):
    """A run's picture: a PNG data URI, a pixel of an image for a pixel, and each row in words.

    The rows are equally high, `height` being that of all; `rows` are (name, detail).
    """

    uri: str
    width: int
    height: int
    rows: list[tuple[str, str]]


def priority(block: Block, rule: Rule | None) -> list[Run]:
    """Every planned run of a data set, those first that a reader looks at first.

    The median runs of all best settings, their best, their worst, their others, then all others in
    the study's order.
    """
    known = [] if rule is None else [(key, places(block, key, rule)) for key in block.best]
    shown: list[Run] = [
        (objective, setting, of_setting[i].seed)
        for i in range(3)
        for (objective, setting), of_setting in known
        if i < len(of_setting)
    ]
    planned: list[Run] = [(run[0], run[1], int(run[2])) for run in block.runs.index.tolist()]
    others = sorted(planned, key=lambda run: run[:2] not in block.best)  # stable
    return list(dict.fromkeys([*shown, *others]))


def thumbnails(report: Report, dataset: str, runs: Sequence[Run]) -> dict[Run, str]:
    """The pictures of `drawn` alone, as data URIs."""
    return {run: picture.uri for run, picture in drawn(report, dataset, runs).items()}


def drawn(report: Report, dataset: str, runs: Sequence[Run]) -> dict[Run, Thumbnail]:
    """Pictures of the runs of a data set, in their order, up to the data set's share of BUDGET.

    `priority` gives an order. Runs that diverged or whose model or latents are gone have none; none
    has one where the images are gone.
    """
    pictures: dict[Run, Thumbnail] = {}
    if not report.files.dataset(dataset).images.exists():
        return pictures
    x = decoding.chosen_images(report, dataset, IMAGES)
    load = lru_cache(maxsize=8)(model_file.load)
    left = BUDGET // len(report.study.datasets)
    for run in runs:
        model = decoding.model_of(report, (dataset, *run), load)
        if model is None:
            continue
        picture = thumbnail(model, x)
        left -= len(picture.uri)
        if left < 0:
            break
        pictures[run] = picture
    return pictures


def thumbnail(model: Model, x: Tiles) -> Thumbnail:
    """Originals, what they are decoded to, and traversals of the latents with most KL."""
    traversals = decoding.traversals(model, x[len(x) // 2], TILES, LATENTS)
    rows = [*decoding.reconstructions(model, x), *traversals]
    pixels = stacked(rows)
    return Thumbnail(
        decoding.png(pixels),
        pixels.shape[1],
        pixels.shape[0],
        [(row.name, row.detail) for row in rows],
    )


def stacked(rows: list[Row]) -> UInt8[np.ndarray, "height width channel"]:
    """Rows of images under each other, nothing between them and where one is shorter."""
    strips = [decoding.strip(row.images) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(strip, ((0, GAP), (0, width - strip.shape[1]), (0, 0))) for strip in strips]
    return np.concatenate(padded)[:-GAP]
