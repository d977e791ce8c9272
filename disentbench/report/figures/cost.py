"""What training cost: seconds of the wall clock, images per second, and on which hardware.

From what every model says of its training. Packs run beside others, so that no time is a benchmark.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from disentbench.report import records, tables
from disentbench.report.context import Report
from disentbench.report.figures import WIDE, Figure, panel
from disentbench.report.figures._scale import plain
from disentbench.report.runs import Block
from disentbench.report.style import HAIR, INK, Look, alpha, canvas
from disentbench.report.text import count, duration, listed, number

UNKNOWN = "not recorded"
LETTERS = 22  # of an objective's name beside the axis
SPAN = 10  # from the slowest to the fastest, from which the axis is logarithmic


def costs(made: list[records.PackRecord], batch_size: int) -> pd.DataFrame:
    """What each pack's training took: seconds, images, those per second, and on what.

    Seconds and images are NaN where none are recorded; `whole` says whether all parts' are.
    """
    rows = []
    for pack, provenance, _ in made:
        trained = records.trainings(provenance)
        told = [making for making in trained if records.timed(making)]
        seconds = sum(making["seconds"] for making in told)
        images = batch_size * sum(making["member_steps"] for making in told)
        rows.append(
            {
                **{"objective": pack.objective, "setting": pack.setting},
                **{"seeds": f"{pack.first}-{pack.last}", "runs": len(pack.seeds)},
                "seconds": seconds if told else math.nan,
                "images": images if told else math.nan,
                "images_per_second": images / seconds if told else math.nan,
                "processor": " + ".join(dict.fromkeys(map(_processor, told))),
                "whole": bool(told) and len(told) == len(trained),
            }
        )
    return pd.DataFrame(rows)


def _processor(making: dict) -> str:
    """A processor with its threads, where it says them."""
    name, threads = str(making.get("processor", UNKNOWN)), making.get("threads")
    return f"{name}, {count(threads, 'thread')}" if isinstance(threads, int) else name


def lines(table: pd.DataFrame, labels: dict[str, str]) -> list[dict[str, str]]:
    """The rows of the page's table, one for each objective of which a time is recorded."""
    return [
        {"objective": name, "label": labels[name], **_line(packs)}
        for name, packs in table.dropna(subset="seconds").groupby("objective", sort=False)
    ]


def _line(packs: pd.DataFrame) -> dict[str, str]:
    whole, speed = packs[packs["whole"]], packs["images_per_second"]
    per_run = whole["seconds"].sum() / whole["runs"].sum() if len(whole) else math.nan
    return {
        "runs": count(int(packs["runs"].sum()), "run"),
        "packs": count(len(packs), "pack"),
        "hours": number(packs["seconds"].sum() / 3600),
        "per_run": number(per_run),
        "speed": number(speed.median()),
        "range": f"{number(speed.min())} to {number(speed.max())}" if len(packs) > 1 else "",
        "hardware": "; ".join(sorted(packs["processor"].unique())),
    }


def finding(table: pd.DataFrame) -> str:
    """What all trainings took together, and of how many it is not known."""
    known, partial = table.dropna(subset="seconds"), int((~table["whole"]).sum())
    runs, hours = int(known["runs"].sum()), duration(known["seconds"].sum())
    text = f"The training of {count(runs, 'run')} took {hours} of one process’s time in all."
    if partial:
        text += f" Of {count(partial, 'pack')} the time, or a part of it, is not recorded."
    return text


def drawn(table: pd.DataFrame, labels: dict[str, str], looks: dict[str, Look]) -> Canvas:
    """Images per second of every pack, by objective, their median as a line."""
    names = list(table["objective"].unique())
    figure = canvas(WIDE, 0.75 + 0.24 * len(names))
    ax = figure.add_subplot()
    for row, name in enumerate(names):
        _strip(ax, row, table.loc[table["objective"] == name, "images_per_second"], looks[name])
    ax.set_yticks(range(len(names)), [_short(labels[name]) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=HAIR, linewidth=0.5)
    ax.set_title("Throughput")
    ax.set_xlabel("images per second and process")
    _dress(ax, table["images_per_second"])
    return figure


def _strip(ax: Axes, row: int, speeds: pd.Series, look: Look) -> None:
    """An objective's packs, spread a little up and down where they are many."""
    far = 0.2 if len(speeds) > 1 else 0.0
    up = np.random.default_rng(0).uniform(-far, far, len(speeds))
    points = {"marker": look.marker, "color": look.colour, "linewidth": 0}
    ax.scatter(speeds, row + up, s=12, alpha=alpha(len(speeds)), **points)
    ax.vlines(speeds.median(), row - 0.32, row + 0.32, color=INK, linewidth=1.1, zorder=4)


def _dress(ax: Axes, speeds: pd.Series) -> None:
    if speeds.max() > SPAN * speeds.min():
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=5))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.set_xlim(0, 1.08 * speeds.max())
        ax.xaxis.set_major_locator(MaxNLocator(4))
    plain(ax.xaxis)


def _short(label: str) -> str:
    return label if len(label) <= LETTERS else f"{label[: LETTERS - 1]}…"


def section(report: Report, block: Block) -> dict[str, Any] | None:
    """Time and throughput by objective, where the latents say it; the table of all packs."""
    made = records.read_records(report.study, report.files, block.dataset)
    table = costs(made, report.study.training.batch_size)
    if table.empty or table["seconds"].isna().all():
        return None
    name, told = f"{block.dataset}_cost", table.dropna(subset="seconds")
    tables.write_csv(report.folder.table(name), table)
    rows = lines(table, report.labels)
    alt = "Images per second by objective, every pack a point; median: " + ", ".join(
        f"{row['label']} {row['speed']}" for row in rows
    )
    several = told["objective"].nunique() > 1
    canvases = [drawn(told, report.labels, report.looks)] if several else []
    return {
        "finding": finding(table),
        "hardware": listed(sorted(told["processor"].unique())),
        "lines": rows,
        "panels": [panel(report, figure, f"{name}_throughput", alt) for figure in canvases],
        "table": name,
    }


figure = Figure(
    section,
    heading="What it cost",
    nav="Cost",
    place=55,
    template="cost.html",
    absent="How long the trainings took is not recorded in what is left of them.",
)
