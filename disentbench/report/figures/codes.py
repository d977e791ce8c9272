"""The dependence of the mean code beside that of the sampled code, against the strength.

A stronger penalty lowers the total correlation of the codes that are sampled, which is what it
weighs, and not that of their means, which is what metrics are given: Locatello et al. 2019
(arXiv:1811.12359), section 5.2. Both are the total correlation of a Gaussian with the covariance of
the codes. Over the images, that of the means is Cov(mean); a sample adds noise that is independent
in each latent, so that of the samples is Cov(mean) + diag(E[variance]), and nothing is drawn.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from disentbench.metrics import Value
from disentbench.metrics.gaussian_correlation import total_correlation
from disentbench.posterior.divergence import beyond
from disentbench.posterior.representation import ACTIVE
from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.figures._sweep import OF, Swept, drawn
from disentbench.report.figures.strength import Sweeps, sweeps
from disentbench.report.ranking import Shown
from disentbench.report.runs import Block
from disentbench.report.style import Panel
from disentbench.report.text import count, fixed, listed, number
from disentbench.storage import hdf5
from disentbench.storage.layout import PackFolder

MOST = 200_000_000  # numbers in all latents of a data set up to which they are read


PAIRS = (  # that have one axis
    {"mean", "active_mean"},
    {"sampled", "active_sampled"},
    {"gaussian_total_correlation"},
    {"total_correlation"},
)


class Dependence(NamedTuple):
    """Gaussian total correlations of one run, nats: of its means and of samples, and the same of
    the active latents alone, whose mean varies by more than 0.01."""

    mean: float
    sampled: float
    active_mean: float
    active_sampled: float


UNKNOWN = Dependence(*[math.nan] * 4)
TABLED = ("gaussian_total_correlation", "total_correlation")
LABELS = {
    "mean": "Gaussian TC, mean code",
    "sampled": "Gaussian TC, sampled code",
    "active_mean": "Gaussian TC, mean, active latents",
    "active_sampled": "Gaussian TC, sampled, active latents",
    "gaussian_total_correlation": "Gaussian TC, mean code",
    "total_correlation": "Exact TC, sampled code",
}


def dependence(
    mean: Float[np.ndarray, "image latent"], logvar: Float[np.ndarray, "image latent"]
) -> Dependence:
    """The total correlations of one run; infinite where a code is a linear function of others.

    Of no or of one active latent it is 0. NaN for a run that is not finite or has but one image.
    """
    if len(mean) < 2 or beyond(mean, logvar):
        return UNKNOWN
    of_mean = np.atleast_2d(np.cov(mean.T.astype(np.float64)))
    with np.errstate(over="ignore"):
        noise = np.exp(logvar.astype(np.float64)).mean(0)
    if not np.isfinite(noise).all():
        return UNKNOWN
    of_samples = of_mean + np.diag(noise)
    active = np.flatnonzero(of_mean.diagonal() * (1 - 1 / len(mean)) > ACTIVE)
    within = np.ix_(active, active)
    matrices = of_mean, of_samples, of_mean[within], of_samples[within]
    return Dependence(*(max(0.0, total_correlation(matrix)) for matrix in matrices))


def size(report: Report, block: Block) -> int:
    """How many numbers the means and variances of a data set are, in the files that are there."""
    return sum(_size(files) for _, files in _packs(report, block) if files.latents.exists())


def _size(files: PackFolder) -> int:
    with hdf5.open_data(files.latents) as file:
        return 2 * math.prod(hdf5.shape(file, "mean"))


def _packs(report: Report, block: Block) -> list[tuple[tuple[str, str], PackFolder]]:
    """Objective, setting and files of each pack of a data set."""
    packs = [pack for pack in report.study.packs if pack.dataset == block.dataset]
    return [((pack.objective, pack.setting), report.files.pack(pack)) for pack in packs]


def read(report: Report, block: Block) -> pd.DataFrame:
    """A row for each run whose latents are there; one run is in memory at a time."""
    rows = {}
    for key, files in _packs(report, block):
        if not files.latents.exists():
            continue
        with hdf5.open_data(files.latents) as file:
            for place, seed in enumerate(hdf5.array(file, "seeds")):
                arrays = (hdf5.row(file, name, place) for name in ("mean", "logvar"))
                rows[*key, int(seed)] = dependence(*arrays)
    return pd.DataFrame(rows.values(), pd.MultiIndex.from_tuples(rows), Dependence._fields)


def computed(report: Report, block: Block) -> pd.DataFrame:
    """What the latents say of the runs; no column where they are gone or too many."""
    if not 0 < size(report, block) <= MOST:
        return pd.DataFrame(index=block.runs.index)
    return read(report, block).reindex(block.runs.index)


def tabled(block: Block) -> pd.DataFrame:
    """What the scores say of the two codes; no column where they lack either."""
    return block.runs[list(TABLED) if set(TABLED) <= set(block.runs) else []]


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The total correlations of both codes against every swept key."""
    large = size(report, block) > MOST
    table = run_tables.finite(computed(report, block)).dropna(axis=1, how="all")
    read_here = table.shape[1] > 1
    table = table if read_here else run_tables.finite(tabled(block)).dropna(axis=1, how="all")
    if table.shape[1] < 2:
        return None
    exact = EXACT if "total_correlation" in report.columns else ""
    how = (GAUSSIAN, exact, ACTIVE_ALONE) if read_here else (_scores(large),)
    only = _only(table) if len(report.settings) == 1 else ""
    notes = WHAT, only, _lacking(table), _alone(_swept(report).alone)
    return {
        "panels": [] if only else _panels_of(report, summarised(block.dataset, table)),
        "note": " ".join(filter(None, notes)),
        "how": " ".join(filter(None, (*how, _discrete(report)))),
    }


def _only(table: pd.DataFrame) -> str:
    """The means of the only setting, which has nothing to stand beside."""
    means = [f"{LABELS[str(name)]} {number(mean)}" for name, mean in table.mean().items()]
    return f"The only setting, mean over its runs, in nats: {listed(means)}."


def _panels_of(report: Report, part: Block) -> list[Panel]:
    """A panel for each swept key and column; what is compared stands together."""
    pairs = [[name for name in part.runs if name in pair] for pair in PAIRS]
    return [
        one
        for sweep in _sweeps(report, part)
        for names in pairs
        for one in _panels(report, sweep, names)
    ]


def summarised(dataset: str, table: pd.DataFrame) -> Block:
    """A table as a data set's part of a report: its runs, and their summary over seeds."""
    runs = pd.concat({dataset: table}, names=["dataset"])
    summary = run_tables.summarise(runs, {name: shown(name) for name in table})
    return run_tables.block(dataset, runs, summary, None)


def shown(name: str) -> Shown:
    """A column of these tables as a value of the report."""
    return Shown(Value(name, LABELS[name], 0.0, math.inf, "neither", "nats"), None)


def _sweeps(report: Report, part: Block) -> list[Swept]:
    """The runs against each key that is swept; what weighs different things has two axes."""
    settings, axes, _ = _swept(report)
    return [Swept(part, key, settings, report.looks, {}) for key in axes]


def _swept(report: Report) -> Sweeps:
    """The axes that have two strengths; where none has, all settings stand on one without."""
    settings, axes, alone = sweeps(report.study, report.settings)
    return Sweeps(settings, axes, alone) if axes else Sweeps(settings.assign(key=""), [""], [])


def _alone(texts: list[str]) -> str:
    """What has no axis."""
    if not texts:
        return ""
    return f"With a single strength there is no line to draw, so not of {listed(texts)}."


def _panels(report: Report, sweep: Swept, names: list[str]) -> list[Panel]:
    """A figure for each name; all have one axis, so that heights can be compared."""
    figures = {name: drawn(sweep, shown(name)) for name in names}
    ends = np.array([canvas.axes[0].get_ylim() for canvas in figures.values()]).T
    against = f"against {sweep.label}" if sweep.key else "by objective"
    for canvas in figures.values():
        canvas.axes[0].set_ylim(ends[0].min(), ends[1].max())
    return [
        panel(
            report,
            canvas,
            "_".join(filter(None, (sweep.block.dataset, "codes", name, *sweep.key.split(OF)))),
            f"{LABELS[name]} {against}",
        )
        for name, canvas in figures.items()
    ]


def _scores(large: bool) -> str:
    """Why these are scores and what of."""
    why = (
        f"The latents hold more than {fixed(MOST / 1e6, 0)} million numbers and were not read"
        if large
        else "The latents are gone, or no run has sound ones"
    )
    return f"{why}; these are the scores of two metrics. {APART}"


def _lacking(table: pd.DataFrame) -> str:
    """How many runs have no finite value."""
    lacking = int(table.isna().any(axis=1).sum())
    if not lacking:
        return ""
    return (
        f"{count(lacking, 'run')} of {count(len(table), 'run')} lack a value: they diverged, "
        "their latents are gone, or one of their codes is a linear function of the others."
    )


def _discrete(report: Report) -> str:
    """What is left out where an objective has discrete variables."""
    study = report.study
    of_settings = [objective for name in study.objectives for _, objective in study.settings(name)]
    if not any(objective.structure().discrete for objective in of_settings):
        return ""
    return "Discrete variables have no covariance: where there are some, only the others count."


WHAT = (
    "Metrics are given the mean of each image’s posterior; the penalties weigh samples of it. The "
    "two may move apart with the strength: where the dependence of the samples falls and that of "
    "the means rises, the penalty made the samples independent and not the code that is scored."
)
GAUSSIAN = (
    "Both are the total correlation of a Gaussian with the code’s covariance over all images, so "
    "they see linear dependence alone, and 0 does not say independent."
)
EXACT = "The exact total correlation of the sampled code stands among the strengths."
ACTIVE_ALONE = (
    "Latents that say nothing of the image have means that hardly vary, and what little they do "
    "may be correlated: the figures of active latents, whose mean varies by more than "
    f"{ACTIVE:g}, leave them out, on the axis of the figure before."
)
APART = (
    "That of the mean code is a Gaussian’s and sees linear dependence alone; that of the sampled "
    "code is the exact one of the aggregate posterior: compare how they move, not their heights."
)

figure = Figure(
    section,
    heading="The mean code beside the sampled code",
    nav="Codes",
    place=22,
    template="codes.html",
    absent="The latents are gone or too many to read here, and the table lacks the metrics "
    "<code>gaussian_correlation</code> and <code>decomposition</code>, which would tell of the "
    "mean and of the sampled code.",
)
