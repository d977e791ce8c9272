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
from disentbench.report.figures.strength import Swept, drawn, keys
from disentbench.report.runs import Block, Shown
from disentbench.report.style import Panel
from disentbench.report.text import count, fixed
from disentbench.storage import hdf5
from disentbench.storage.layout import PackFolder

MOST = 200_000_000  # numbers in all latents of a data set up to which they are read


class Dependence(NamedTuple):
    """Gaussian total correlations of one run, nats: of its means and of samples, and the same of
    the active latents alone, whose mean varies by more than 0.01."""

    mean: float
    sampled: float
    active_mean: float
    active_sampled: float


LABELS = {
    "mean": "Gaussian TC, mean code",
    "sampled": "Gaussian TC, sampled code",
    "active_mean": "Gaussian TC, mean, active latents",
    "active_sampled": "Gaussian TC, sampled, active latents",
}
UNKNOWN = Dependence(*[math.nan] * 4)
TABLED = {
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
    return Dependence(*map(total_correlation, matrices))


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


def computed(report: Report, block: Block) -> dict[str, pd.Series]:
    """By label, what the latents say of the runs; nothing where they are gone or too many."""
    if not 0 < size(report, block) <= MOST:
        return {}
    table = read(report, block).reindex(block.runs.index)
    return {label: table[name] for name, label in LABELS.items()}


def tabled(block: Block) -> dict[str, pd.Series]:
    """By label, what the scores say of the two codes; nothing where they lack either."""
    if not set(TABLED) <= set(block.runs):
        return {}
    return {label: block.runs[name] for name, label in TABLED.items()}


def summarised(report: Report, block: Block, columns: dict[str, pd.Series]) -> Block:
    """The columns as a data set's part of a report: its runs, and their summary over seeds."""
    table = pd.concat({block.dataset: pd.DataFrame(columns)}, names=["dataset"])
    runs = run_tables.finite(table.rename_axis(run_tables.RUN))
    summary = run_tables.summarise(runs, _shown(columns))
    return run_tables.block(block.dataset, runs, summary, None)


def _shown(columns: dict[str, pd.Series]) -> dict[str, Shown]:
    return {
        label: Shown(Value(label, label, 0.0, math.inf, "neither", "nats"), None)
        for label in columns
    }


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """The total correlations of both codes against every swept key."""
    large = size(report, block) > MOST
    columns = computed(report, block) or tabled(block)
    columns = {label: y for label, y in columns.items() if np.isfinite(y).any()}
    if len(columns) < 2:
        return None
    part = summarised(report, block, columns)
    panels = [
        drawn_panel
        for key in keys(report.settings)
        for drawn_panel in _panels(report, part, key, _shown(columns))
    ]
    return {"panels": panels, "note": _note(columns, large, part, report)}


def _panels(report: Report, part: Block, key: str, shown: dict[str, Shown]) -> list[Panel]:
    """One figure for each code, all with the same axis, so that their heights can be compared."""
    sweep = Swept(part, key, report.settings, report.looks, {})
    figures = {label: drawn(sweep, one) for label, one in shown.items()}
    top = max(canvas.axes[0].get_ylim()[1] for canvas in figures.values())
    for canvas in figures.values():
        canvas.axes[0].set_ylim(min(0, *(c.axes[0].get_ylim()[0] for c in figures.values())), top)
    against = f"against {key}" if key else "by objective"
    return [
        panel(
            report,
            canvas,
            "_".join(filter(None, (part.dataset, "codes", label, key))),
            f"{label} {against}, every run a point",
        )
        for label, canvas in figures.items()
    ]


def _note(columns: dict[str, pd.Series], large: bool, part: Block, report: Report) -> str:
    return " ".join(filter(None, (WHAT, _how(columns, large), _lacking(part), _discrete(report))))


def _how(columns: dict[str, pd.Series], large: bool) -> str:
    if set(columns) <= set(LABELS.values()):
        return GAUSSIAN
    why = (
        f"The latents hold more than {fixed(MOST / 1e6, 0)} million numbers and were not read"
        if large
        else "The latents are gone"
    )
    return (
        f"{why}; these are the scores of two metrics, which differ in more than the code. {APART}"
    )


def _lacking(part: Block) -> str:
    """How many runs have no finite value."""
    lacking = int(part.runs.isna().any(axis=1).sum())
    if not lacking:
        return ""
    return (
        f"{count(lacking, 'run')} of {count(len(part.runs), 'run')} lack a value: they diverged, "
        "their latents are gone, or one of their codes is a linear function of the others."
    )


def _discrete(report: Report) -> str:
    """What is left out where an objective has discrete variables."""
    study = report.study
    of_settings = [objective for name in study.objectives for _, objective in study.settings(name)]
    if not any(objective.structure().discrete for objective in of_settings):
        return ""
    return "Discrete variables have no covariance and are not in it."


WHAT = (
    "Metrics are given the mean of each image’s posterior; the penalties weigh samples of it. The "
    "axes are alike: where the first figure rises with the strength and the second falls, the "
    "penalty made the samples independent and not the code that is scored."
)
GAUSSIAN = (
    "Both are the total correlation of a Gaussian with the code’s covariance over all images, so "
    "they see linear dependence alone, and 0 does not say independent; the exact total correlation "
    "of the sampled code stands among the strengths. Latents that say nothing of the image have "
    "means that hardly vary, and what little they do may be correlated: without them, by the rule "
    "of the active units, the figures of active latents tell the rest."
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
    absent="The latents are gone or too many to read here, and the table lacks the metrics "
    "<code>gaussian_correlation</code> and <code>decomposition</code>, which would tell of the "
    "mean and of the sampled code.",
)
