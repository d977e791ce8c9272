"""All that the page shows of one data set; its figures and tables on the way."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from disentbench.report import (
    audited,
    bounds,
    collapse,
    comparisons,
    curves,
    finding,
    information,
    levels,
    pictures,
    style,
    sweeps,
    tables,
)
from disentbench.report import runs as run_tables
from disentbench.report.comparisons import Pair
from disentbench.report.levels import Levels
from disentbench.report.runs import FIRST, GROUPS, Block, Key, Rule, Shown
from disentbench.report.style import Look, Panel
from disentbench.report.sweeps import Sweep
from disentbench.report.text import at_most, count, number
from disentbench.storage import images_file
from disentbench.study import Study

INLINED = 500  # runs of a study up to which the panels of all its metrics are on the page


class Report(NamedTuple):
    """What every part of the report is made from."""

    study: Study
    results: Path
    folder: Path  # for figures/ and tables/
    settings: pd.DataFrame
    values: dict[str, Shown]
    columns: dict[str, Shown]  # the values that tables and figures show
    rule: Rule | None
    looks: dict[str, Look]
    levels: dict[str, Levels]  # by data set
    scores: pd.DataFrame  # of every run that was planned, whatever they are
    estimators: dict[Key, str | None]  # of each setting's training

    @property
    def labels(self) -> dict[str, str]:
        """The objectives' labels by the study's names."""
        return self.settings["label"].groupby(level="objective", sort=False).first().to_dict()


def section(report: Report, part: Block) -> dict[str, Any]:
    """The parts of the page by name; writes the figures and tables of the data set."""
    dataset, pairs = part.dataset, comparisons.pairs(part, report.rule)
    by_tc = finding.least_tc(part, report.rule, report.settings)
    for name, rows in (("leaderboard", part.best), ("settings", list(report.settings.index))):
        tables.write(_table(report, part, name), part, rows, report.columns, report.settings)
    constant = _constant(report, part)
    levels.write(_table(report, part, "levels"), report.levels[dataset], constant)
    scores = report.scores.xs(dataset, level="dataset")
    tables.write_csv(_table(report, part, "runs"), scores.reset_index())
    return {
        "dataset": dataset,
        "label": report.study.dataset(dataset).label,
        "finding": finding.finding(part, report.rule, report.settings, pairs),
        "also": finding.also(part, report.rule, report.settings, by_tc),
        "chance": finding.chance(part, report.rule),
        "nothing": finding.nothing(part, report.rule),
        "planned": part.planned,
        "needed": part.needed,
        "leaderboard": tables.lines(part, part.best, report.columns, report.settings),
        "levels": levels.rows(report.levels[dataset], report.columns, constant),
        "leveled": bool(report.levels[dataset].keys() & report.columns.keys()),
        "constant": constant,
        "above_noise": [collapse.ABOVE_NOISE[name] for name in constant],
        "all": tables.lines(part, list(report.settings.index), report.columns, report.settings),
        "absent": [
            report.labels[name]
            for name in report.study.objectives
            if name not in {objective for objective, _ in part.best}
        ],
        **_pairs(report, part, pairs, by_tc),
        **_sweeps(report, part),
        **_bounds(report, part),
        "monte_carlo": _monte_carlo(part),
        "curves": _curves(report, part),
        "pictures": _pictures(report, part),
        "information": _information(report, part),
        "audit": _audit(report, dataset),
    }


def _table(report: Report, part: Block, name: str) -> Path:
    """Where a table of a data set goes, without its suffix."""
    return report.folder / "tables" / f"{part.dataset}_{name}"


def _constant(report: Report, part: Block) -> dict[str, float]:
    """What a constant code scores, where runs collapsed and a metric ranks it above noise."""
    values = [value for value in collapse.ABOVE_NOISE if value in report.columns]
    path = report.results / report.study.study / part.dataset / "images.h5"
    if not values or not path.exists() or not collapse.collapsed(part.runs).any():
        return {}
    return collapse.constant(images_file.read(path).factors, values)


def _pairs(report: Report, part: Block, found: list[Pair], by_tc: list[Pair]) -> dict[str, Any]:
    """The comparisons as text, and what to know of their p; their tables, where there are any."""
    titles = {key: comparisons.title(report.settings, key) for key in part.summary.mean.index}
    for name, pairs in {"pairs": found, "pairs_total_correlation": by_tc}.items():
        if pairs:
            tables.write_pairs(_table(report, part, name), pairs, titles)
    floor = comparisons.floor(found, len(found))
    return {"pairs": tables.pair_cells(found, titles) if found else [], "floor": floor}


def _monte_carlo(part: Block) -> str:
    """The largest standard error that sampling left in a term of the rate; empty if unknown."""
    names = [f"{term}_se" for term in (*bounds.TERMS, "total_correlation")]
    errors = part.runs.filter(names).max().max()
    return at_most(float(errors)) if errors > 0 else ""


def _panel(figure, alt: str, salt: str) -> Panel:
    return Panel(alt, style.svg(figure, salt))


def _sweeps(report: Report, part: Block) -> dict[str, Any]:
    """Panels of every value against every swept key: the field's own first, then the others.

    In a large study the others are only files.
    """
    familiar = {n: v for n, v in report.columns.items() if n in (*FIRST, *GROUPS)}
    others = {n: v for n, v in report.columns.items() if n not in familiar}
    own = report.levels[part.dataset]
    swept = [
        Sweep(part, key, report.settings, report.looks, own) for key in sweeps.keys(report.settings)
    ]
    large = len(run_tables.planned(report.study)) > INLINED
    names = {
        kind: [_sheet(report, each, kind, shown) for each in swept if shown]
        for kind, shown in (("sweeps", familiar), ("other_sweeps", others))
    }
    return {
        "sweeps": [_panels(each, familiar) for each in swept if familiar],
        "other_sweeps": [_panels(each, others) for each in swept if others and not large],
        "other_files": names["other_sweeps"] if large else [],
    }


def _sheet(report: Report, sweep: Sweep, kind: str, shown: dict[str, Shown]) -> str:
    """Write all panels of one swept key as one figure; its name."""
    name = "_".join(filter(None, (sweep.part.dataset, kind, sweep.key)))
    style.save(sweeps.sheet(sweep, list(shown.values())), report.folder / "figures", name)
    return name


def _panels(sweep: Sweep, shown: dict[str, Shown]) -> list[Panel]:
    against = f"against {sweep.key}" if sweep.key else "by objective"
    return [
        _panel(
            sweeps.panel(sweep, each),
            f"{each.value.label} {against}, every run a point",
            f"{sweep.part.dataset} {sweep.key} {value}",
        )
        for value, each in shown.items()
    ]


def _bounds(report: Report, part: Block) -> dict[str, Panel | None]:
    """The decomposition of the rate, and rate against distortion, where they were computed."""
    sound = part.summary.mean.notna().any()
    has = set(sound.index[sound])
    found: dict[str, Panel | None] = {"decomposition": None, "rate_distortion": None}
    if has >= bounds.NEEDED:
        figure = bounds.decomposition(part, report.settings)
        found["decomposition"] = _kept(
            report, part, figure, "decomposition", "terms of the rate of each setting, stacked"
        )
    if {"rate", "distortion"} <= has:
        figure = bounds.rate_distortion(part, report.settings, report.looks)
        found["rate_distortion"] = _kept(
            report, part, figure, "rate_distortion", "rate against distortion, every run a point"
        )
    return found


def _kept(report: Report, part: Block, figure, name: str, alt: str) -> Panel:
    """A figure that is the same on the page and in its files."""
    style.save(figure, report.folder / "figures", f"{part.dataset}_{name}")
    return _panel(figure, alt, f"{part.dataset} {name}")


def _curves(report: Report, part: Block) -> list[Panel]:
    if not part.best:
        return []
    losses = curves.histories(report.study, report.results, part, report.rule, report.estimators)
    if losses.empty:
        return []
    name = f"{part.dataset}_training"
    figure = curves.sheet(losses, report.looks, report.labels)
    style.save(figure, report.folder / "figures", name)
    return [
        _panel(
            curves.panel(losses, curve, report.looks),
            f"{curves.title(curve)} by training step",
            f"{name} {' '.join(curve)}",
        )
        for curve in curves.curves(losses)
    ]


def _pictures(report: Report, part: Block) -> list[dict[str, Any]]:
    """What the median run of each objective's best setting makes of images."""
    source = pictures.read_images(report.study, report.results, part.dataset) if part.best else None
    if source is None:
        return []
    found = []
    for objective, setting in part.best:
        seed = run_tables.median_seed(part, objective, setting, report.rule)
        pack = curves.pack_of(report.study, part.dataset, objective, setting, seed)
        shown = pictures.pictures(report.study, report.results, pack, seed, source)
        if shown:
            found.append(_pictured(report, part, shown))
    return found


def _pictured(report: Report, part: Block, shown: pictures.Pictures) -> dict[str, Any]:
    key = (shown.pack.objective, shown.pack.setting)
    title = f"{comparisons.title(report.settings, key)}, seed {shown.seed}"
    score = number(part.scores(key, report.rule.name)[shown.seed])
    name = f"{part.dataset}_pictures_{shown.pack.objective}"
    style.save(pictures.sheet(title, shown), report.folder / "figures", name)
    rows = {
        kind: [(row, pictures.png(row)) for row in getattr(shown, kind)]
        for kind in ("reconstructions", "traversals")
    }
    score = f"{report.rule.label} {score}, {_median_of(report, part, key)}"
    return {"title": title, "score": score, "left_out": shown.left_out, "key": key[0], **rows}


def _median_of(report: Report, part: Block, key: Key) -> str:
    """Of how many runs a run is the median, or the lower of the two in the middle."""
    n = int(part.summary.n.loc[key, report.rule.name])
    which = "median" if n % 2 else "the lower of the two middle ones"
    return f"{which} of {n} of {count(part.planned, 'run')}"


def _information(report: Report, part: Block) -> list[Panel]:
    """What the latents of the median run of each objective's best setting know of the factors."""
    found = []
    for objective, setting in part.best:
        seed = run_tables.median_seed(part, objective, setting, report.rule)
        pack = curves.pack_of(report.study, part.dataset, objective, setting, seed)
        title = f"{comparisons.title(report.settings, (objective, setting))}, seed {seed}"
        folder = report.results / report.study.study / pack.path
        found.append(information.read(folder, seed, title))
    found = [shown for shown in found if shown]
    if not found:
        return []
    name = f"{part.dataset}_information"
    style.save(information.sheet(found), report.folder / "figures", name)
    alt = "share of each factor's entropy that each latent knows"
    return [
        _panel(information.panel(shown), f"{shown.title}: {alt}", f"{name} {shown.title}")
        for shown in found
    ]


def _audit(report: Report, dataset: str) -> dict[str, Any] | None:
    """The minibatch estimators of the loss beside the exact terms, where they were audited."""
    table = audited.read(report.results / report.study.study / dataset)
    if table is None:
        return None
    name = f"{dataset}_audit"
    style.save(audited.sheet(table), report.folder / "figures", name)
    audited.write(report.folder / "tables" / name, table)
    return {
        "finding": audited.finding(table),
        "legend": audited.swatches(),
        "dashes": audited.dashes(table),
        "sizes": audited.size_texts(table),
        "panels": [
            _panel(audited.panel(table, term), f"{title} by batch size", f"{name} {term}")
            for term, title in audited.TITLES.items()
        ],
        "runs": audited.runs(table),
    }
