"""The hours that a study's trainings take, from a throughput that is given, read or measured.

A throughput is images a second of one core, or of one GPU with all members that it trains at once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from math import log
from pathlib import Path
from typing import NamedTuple

from disentbench.errors import UserError
from disentbench.recipe import Pack, Recipe
from disentbench.sources import ROOT
from disentbench.study import Study

RESULTS = Path("benchmarks/RESULTS.md")
# How a section of it names what it was measured on; a GPU stands last.
MACHINE = re.compile(r"^(.+?), \d+ cores, \d+ thread\(s\)(?:, (.+?))?\.", re.MULTILINE)
COLUMNS = {"objective", "architecture", "precision", "batch", "images/s"}
SHAPE = (64, 64)  # of the images that benchmarks train on, with an architecture's own widths


class Throughput(NamedTuple):
    """Images a second for each pack, whose they are in words, and whether a pack is trained as one,
    as on a GPU."""

    of: Callable[[Pack], float]
    source: str
    whole: bool


class Hours(NamedTuple):
    """The hours of some trainings: one after the other, and with so many cores or GPUs at once.

    `slowest` and `fastest` are the images a second among their packs.
    """

    source: str
    whole: bool
    slowest: float
    fastest: float
    alone: float
    at_once: int
    wall: float


def hours(images: Mapping[Pack, int], throughput: Throughput, at_once: int) -> Hours:
    """The hours of packs that have so many images to train on.

    However many there are at once, the longest pack takes its time on a GPU, the longest run on a
    core.
    """
    spent = {pack: count / throughput.of(pack) / 3600 for pack, count in images.items()}
    rates = [throughput.of(pack) for pack in images] or [0.0]
    longest = (t / (1 if throughput.whole else len(pack.seeds)) for pack, t in spent.items())
    alone = sum(spent.values())
    wall = max(alone / at_once, max(longest, default=0.0))
    of = throughput.source, throughput.whole, min(rates), max(rates)
    return Hours(*of, alone, at_once, wall)


def given(rate: float, gpus: int) -> Throughput:
    """The same for every pack."""
    return Throughput(lambda _: rate, "given", gpus > 0)


class Timed(NamedTuple):
    """A line of a table in RESULTS.md: what was trained, and images a second."""

    case: dict[str, str]
    rate: float


def of_device(study: Study, device: str) -> Throughput:
    """What benchmarks/RESULTS.md has of a device, of which a part of the name will do."""
    path = ROOT.parent / RESULTS
    if not path.is_file():
        raise UserError(
            f"{RESULTS} is not here: it comes with a checkout; say --images-per-second, or "
            "--measure, which trains some steps here"
        )
    devices = read_devices(path.read_text(encoding="utf-8"))
    names = [name for name in devices if device.lower() in name.lower()]
    if len(names) != 1:
        came = "more than one device" if names else "no device"
        choices = ", ".join(devices) or "none at all"
        raise UserError(f"{RESULTS} has {came} {device!r} with a training; it has {choices}")
    rows, whole = devices[names[0]], "members" in devices[names[0]][0].case
    nearest = {pack.of: _nearest(rows, study.recipe(pack), names[0]).rate for pack in study.packs}
    source = f"{names[0]} in {RESULTS}" + _unlike(study)
    return Throughput(lambda pack: nearest[pack.of], source, whole)


def _unlike(study: Study) -> str:
    """What of a study is not as it was in the benchmarks."""
    shapes = {study.dataset(name).image_shape[1:] for name in study.datasets}
    own = study.network == type(study.network)()
    if own and shapes == {SHAPE}:
        return ""
    return ", with 64 x 64 images and the architecture's own widths, which this study has not"


def read_devices(text: str) -> dict[str, list[Timed]]:
    """The rows of every device of whose trainings there is a table."""
    devices: dict[str, list[Timed]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        machine = MACHINE.search(section)
        if machine and (rows := list(_rows(section))):
            devices.setdefault(machine[2] or machine[1], []).extend(rows)
    return devices


def _rows(section: str) -> Iterator[Timed]:
    """The rows of a section's tables that say what was trained, and how fast."""
    head: list[str] = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if not line.startswith("|"):
            head = []
        elif not head:
            head = cells
        elif {*head} >= COLUMNS and not cells[0].startswith("-"):
            case = dict(zip(head, cells, strict=True))
            yield Timed(case, float(case["images/s"].replace(",", "")))


def _nearest(rows: list[Timed], recipe: Recipe, device: str) -> Timed:
    """The row of a recipe's architecture that has most in common with it besides."""
    alike = [row for row in rows if row.case["architecture"] == recipe.parts.architecture]
    if not alike:
        raise UserError(
            f"{RESULTS} has no training of {recipe.parts.architecture} on {device}; say "
            "--images-per-second or --measure"
        )

    def distance(row: Timed) -> tuple:
        case, training = row.case, recipe.training
        members = int(case.get("members", 1)) / len(recipe.pack.seeds)
        return (
            case["precision"] != training.precision,
            case["objective"] != recipe.parts.objective,
            abs(log(int(case["batch"]) / training.batch_size)),
            abs(log(members)),
        )

    return min(alike, key=distance)
