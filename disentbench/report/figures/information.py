"""Which latent knows which factor: mutual information of one run, and the gaps of its MIG."""

import json
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from disentbench import plugins
from disentbench.metrics._information import entropies
from disentbench.report import comparisons
from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.figures import WIDE, Figure, panel
from disentbench.report.figures._names import short, shorts
from disentbench.report.runs import Block, Key
from disentbench.report.style import INK, MUTED, canvas
from disentbench.storage import hdf5, seals
from disentbench.storage.layout import PackFolder

COLOUR = "#0072B2"
FAINTEST, STRONGEST = 0.04, 0.62  # how opaque a cell is, so that its number is read on any page
ROW, CELL = 0.2, 0.5  # inches
LEFT, WIDEST = 0.62, 7.0  # inches: what stands left of the cells, a figure
LEGIBLE, NARROW = 0.3, 0.22  # inches: a cell with a number in it, one under an upright name
LETTER = 0.052  # inches, of a factor's name
LONGEST = 20  # letters of a factor's name


class Information(NamedTuple):
    """What each latent or discrete group of a run knows of a factor, as a share of H(factor)."""

    title: str
    variables: list[str]
    factors: list[str]
    share: Float[np.ndarray, "variable factor"]
    gaps: Float[np.ndarray, " factor"]


def read_information(files: PackFolder, metric: str, seed: int, title: str) -> Information | None:
    """What a metric's detail says of a run; None where it or the latents are gone.

    None also for a run that diverged. Factors of one class, of which there is nothing to know, are
    left out.
    """
    path = files.detail(metric)
    if not path.exists() or not files.latents.exists():
        return None
    run = json.loads(seals.checked(path).read_text())["runs"].get(str(seed), {})
    detail = run.get(metric, {})
    if "mutual_information" not in detail:
        return None
    with hdf5.open_data(files.latents) as file:
        entropy = entropies(hdf5.array(file, "factors"))
        names = np.array(hdf5.attribute(file["factors"], "names"))
        groups = list(file["logits"]) if "logits" in file else []
    varies = entropy > 0
    share = np.array(detail["mutual_information"], float)[:, varies] / entropy[varies]
    variables = [f"z{latent}" for latent in range(len(share) - len(groups))] + groups
    rows = _ordered(share)
    return Information(
        title,
        [variables[row] for row in rows],
        list(names[varies]),
        share[rows],
        np.array(detail["per_factor"], float)[varies],
    )


def _ordered(share: Float[np.ndarray, "variable factor"]) -> np.ndarray:
    """Rows by the factor that they know best: a good code is a staircase. Idle ones come last."""
    idle = share.max(axis=1) < 0.05
    return np.lexsort((-share.max(axis=1), share.argmax(axis=1), idle))


def drawn(shown: Information) -> Canvas:
    """One run as a figure of its own."""
    width = max(WIDE, min(WIDEST, LEFT + CELL * len(shown.factors)))
    cell = (width - LEFT) / len(shown.factors)
    names = shorts(shown.factors, LONGEST)
    # Names that are wider than their columns slant; the last ends beyond the cells.
    longest = max(len(name) for name in names)
    slant = 0 if longest * LETTER < cell else 40 if cell > NARROW else 90
    figure = canvas(width, 0.68 + ROW * (len(shown.variables) + 1.4) + 0.0006 * slant * longest)
    draw(figure.add_subplot(), shown, names, slant=slant, legible=cell >= LEGIBLE)
    title = short(shown.title, int(13.2 * width))
    figure.suptitle(title, x=0.02, ha="left", fontsize=8.5, fontweight="bold")
    return figure


def draw(ax: Axes, shown: Information, names: list[str], *, slant: int, legible: bool) -> None:
    """A cell for each latent and factor, from 0 to 1 in every figure; the gaps stand below."""
    count, below = len(shown.variables), len(shown.variables) + 0.9
    for (row, column), share in np.ndenumerate(shown.share):
        _cell(ax, column, row, float(share))
        if legible:
            ink = INK if share >= 0.05 else MUTED
            _write(ax, column, row + 0.5, _digits(share), color=ink)
    for column, gap in enumerate(shown.gaps):
        size = 7 if legible else 4.5
        _write(ax, column, below, _digits(gap), size, fontweight="bold")
    ax.set_ylim(below + 0.5, 0)
    ax.set_xlim(0, len(names))
    end, mode = ("left", "anchor") if 0 < slant < 90 else ("center", "default")
    ax.set_xticks(np.arange(len(names)) + 0.5, names, rotation=slant, ha=end, rotation_mode=mode)
    ax.set_yticks([*(np.arange(count) + 0.5), below], [*shorts(shown.variables, 14), "gap"])
    ax.tick_params(length=0, labelcolor=INK)
    ax.xaxis.tick_top()
    for spine in ax.spines.values():
        spine.set_visible(False)


def _cell(ax: Axes, column: int, row: int, share: float) -> None:
    """A cell as opaque as its share is large, on whatever page shows it."""
    opacity = 0.0 if np.isnan(share) else FAINTEST + (STRONGEST - FAINTEST) * min(share, 1.0)
    corner = column + 0.02, row + 0.04
    ax.add_patch(Rectangle(corner, 0.96, 0.92, facecolor=COLOUR, alpha=opacity, linewidth=0))


def _write(ax: Axes, column: int, y: float, words: str, size: float = 7, **look: Any) -> None:
    ax.text(column + 0.5, y, words, ha="center", va="center", fontsize=size, **look)


def _digits(share: float) -> str:
    """Two decimals; what would be nought with them is a nought."""
    return "–" if np.isnan(share) else "0" if share < 0.005 else f"{share:.2f}"


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """What the latents of the median run of each objective's best setting know of the factors."""
    names = [
        m for m in report.study.metrics_on(block.dataset) if plugins.load("metrics", m).factor_map
    ]
    if not names:
        return None
    told = {key: _of_best(report, block, names[0], key) for key in block.best}
    runs = {key: information for key, information in told.items() if information}
    if not runs:
        return None
    metric = plugins.load("metrics", names[0])
    name = f"{block.dataset}_information"
    alt = "share of each factor's entropy that each latent knows"
    return {
        "note": NOTE.format(how=metric.factor_map, gap=metric.values[0].label),
        "panels": [
            panel(report, drawn(shown), f"{name}_{key[0]}", f"{shown.title}: {alt}")
            for key, shown in runs.items()
        ],
    }


def _of_best(report: Report, block: Block, metric: str, key: Key) -> Information | None:
    """What a metric says of the median run of a best setting."""
    seed = run_tables.median_seed(block, *key, report.chosen)
    pack = report.study.pack_of(block.dataset, *key, seed)
    title = f"{comparisons.title(report.settings, key)}, seed {seed}"
    return read_information(report.files.pack(pack), metric, seed, title)


NOTE = (
    "Of the same median runs, the mutual information of each latent with each factor as a share "
    "of the factor’s entropy, {how}: 1 is all there is to know, and shades are alike in "
    "every figure. The gap between the two best latents of a column stands below it; {gap} is the "
    "mean of the gaps. Latents stand in the order of the factor that they know best, those that "
    "know nothing last."
)
figure = Figure(section, heading="Which latent knows which factor", nav="Factors", place=40)
