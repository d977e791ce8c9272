"""Every value against the strength of each objective: the seeds as points, their mean as a line."""

from typing import Any, NamedTuple

import pandas as pd

from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.figures import Figure, panel
from disentbench.report.figures._scale import tick
from disentbench.report.figures._sweep import (
    OF,
    Swept,
    banded,
    crowded,
    dashes,
    drawn,
    keys,
    of_value,
)
from disentbench.report.ranking import Shown
from disentbench.report.runs import Block
from disentbench.report.style import Panel
from disentbench.report.text import listed, number
from disentbench.study import Study

INLINED = 500  # runs of a study up to which the panels of all its metrics are on the page
SHARED = "beta"  # the weight that is one thing in all objectives


class Sweeps(NamedTuple):
    """What has axes: the settings, with the axis of each as their `key`, and the axes' keys.

    `alone` are the settings of axes with one strength, of which there is no line to draw.
    """

    settings: pd.DataFrame
    keys: list[str]
    alone: list[str]


def sweeps(study: Study, settings: pd.DataFrame) -> Sweeps:
    """The axes of a study's settings: β is all objectives', any other key one objective's.

    FactorVAE's gamma weighs another thing than HFS-VAE's.
    """
    names = settings.index.get_level_values("objective")
    files = [study.file_of("objectives", name) for name in names]
    own = [
        f"{key}{OF}{file}" if key and key != SHARED else key
        for key, file in zip(settings["key"], files, strict=True)
    ]
    settings = settings.assign(key=own)
    strengths = settings[settings["key"] != ""].groupby("key")["x"].nunique()
    several = [key for key in keys(settings) if strengths.get(key, 0) > 1]
    alone = settings[(settings["key"] != "") & ~settings["key"].isin(several)]
    texts = [f"{row.label} ({row.text})" for row in alone.itertuples()]
    return Sweeps(settings, several, texts)


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """Panels of every value against every swept key: the field's own first, then the others.

    In a large study the others are only files. What has one strength has no panel.
    """
    settings, axes, alone = sweeps(report.study, report.settings)
    if not axes:
        return None
    familiar = {n: shown for n, shown in report.columns.items() if shown.value.prominence}
    others = {n: shown for n, shown in report.columns.items() if not shown.value.prominence}
    shared = (settings, report.looks, report.levels[block.dataset])
    swept = [Swept(block, key, *shared) for key in axes]
    panels = {
        kind: [_panels(report, sweep, shown) for sweep in swept if shown]
        for kind, shown in (("sweeps", familiar), ("other_sweeps", others))
    }
    large = len(run_tables.planned(report.study)) > INLINED
    files = [panel.name for shown in panels["other_sweeps"] for panel in shown] if large else []
    crowds = [crowded(sweep, of_value(sweep, name)) for sweep in swept for name in report.columns]
    return panels | {
        "other_sweeps": [] if large else panels["other_sweeps"],
        "other_files": files,
        "dashes": dashes(settings, report.looks),
        "alone": listed(alone) if alone else "",
        "one_alone": len(alone) == 1,
        "crowded": any(crowds),
        "pointed": not all(crowds),
        "still": bool((settings["key"] == "").any()),
        "banded": any(map(banded, swept)),
        "lacking": bool(block.runs[list(report.columns)].isna().any(axis=None)),
    }


def _panels(report: Report, sweep: Swept, shown: dict[str, Shown]) -> list[Panel]:
    return [
        panel(
            report,
            drawn(sweep, one),
            "_".join(filter(None, (sweep.block.dataset, value, *sweep.key.split(OF)))),
            words(report, sweep, one),
        )
        for value, one in shown.items()
    ]


def words(report: Report, sweep: Swept, shown: Shown) -> str:
    """What a panel shows in words: each objective's mean, at the ends of its strengths if it has.

    MIG against β: VAE 0.31; β-VAE 0.35 at 1.5 to 0.42 at 3.
    """
    label = shown.value.label
    mean = sweep.block.summary.mean[shown.value.name]
    table = sweep.settings.assign(y=mean)
    table = table[table["key"].isin(["", sweep.key])].dropna(subset="y")
    trends = [
        f"{report.labels[str(name)]}{f' ({rest})' if rest else ''} {_trend(line)}"
        for (name, key, rest), line in table.groupby(["objective", "key", "rest"], sort=False)
    ]
    told = "; ".join(trends) if trends else "no run has this value"
    return f"{label[:1].upper()}{label[1:]} against {sweep.label}: {told}"


def _trend(line: pd.DataFrame) -> str:
    """The means of a line from its lowest strength to its highest."""
    ends = line.sort_values("x")[["x", "y"]].iloc[[0, -1]].drop_duplicates()
    if line["key"].iloc[0] == "":
        return number(ends["y"].iloc[0])
    return " to ".join(f"{number(end.y)} at {tick(end.x)}" for end in ends.itertuples())


figure = Figure(
    section,
    heading="What the strength does",
    nav="Strength",
    place=10,
    template="strength.html",
    absent="No objective of this study has two strengths, so there is no line to draw.",
)
