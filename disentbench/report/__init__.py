"""The comparison report of a study: one page that stands alone, its figures and its tables."""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from disentbench import statistics
from disentbench.files import whole
from disentbench.report import (
    about,
    bounds,
    checks,
    curves,
    finding,
    origin,
    pictures,
    style,
    sweeps,
    tables,
)
from disentbench.report import runs as run_tables
from disentbench.report.runs import FIRST, GROUPS, Block, Rule, Shown, Summary
from disentbench.report.style import Look, Panel
from disentbench.report.sweeps import Sweep
from disentbench.report.text import count, fixed, number, places
from disentbench.study import Study

HERE = Path(__file__).parent


class Report(NamedTuple):
    """What every part of the report is made from."""

    study: Study
    results: Path
    folder: Path  # of the page
    settings: pd.DataFrame
    values: dict[str, Shown]
    columns: dict[str, Shown]  # the values that tables and figures show
    rule: Rule | None
    looks: dict[str, Look]

    @property
    def labels(self) -> dict[str, str]:
        """The objectives' labels by the study's names."""
        return self.settings["label"].groupby(level="objective", sort=False).first().to_dict()


def render(study: Study, results: Path, scores: Path, out: Path) -> None:
    """Write the page `out`, and figures/ and tables/ beside it; the page last, whole or absent.

    `results` is the folder above the study's own, `scores` its tidy table. What is gone (models,
    histories, images) is left out of the page, and the page says so.
    """
    scored = run_tables.read(Path(scores))
    planned = run_tables.planned(study)
    runs = scored.reindex(planned)
    values = run_tables.shown(study, runs)
    report = Report(
        *(study, Path(results), Path(out).parent),
        *(
            run_tables.catalogue(study),
            values,
            run_tables.columns(values, runs),
            run_tables.rule(values),
            style.looks(study),
        ),
    )
    with mpl.rc_context(style.RC):
        page = _page(report, runs, scored)
    with whole(out) as path:
        path.write_text(page, encoding="utf-8")


def _page(report: Report, runs: pd.DataFrame, scored: pd.DataFrame) -> str:
    study = report.study
    found = origin.origins(study, report.results)
    summary = run_tables.summarise(runs, report.values)
    blocks = [_block(report, name, runs, summary) for name in study.datasets]
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["runs"] = lambda n: count(n, "run")
    return environment.get_template("page.html").render(
        study=study,
        css=Markup((HERE / "page.css").read_text()),
        facts=about.facts(study, len(runs), found),
        yaml=about.yaml_text(study),
        rule=report.rule,
        legend=[(report.labels[name], style.swatch(look)) for name, look in report.looks.items()],
        swatches={name: style.swatch(look) for name, look in report.looks.items()},
        values=report.columns,
        blocks=blocks,
        dashes=sweeps.dashes(report.settings),
        ranks=_ranks(report, summary),
        trouble=_trouble(report, runs, scored, found),
        checks=checks.numeric(study, runs),
        explained=about.explained(report.columns),
        formulas=about.formulas(study, report.settings),
    )


def _block(report: Report, dataset: str, runs: pd.DataFrame, summary: Summary) -> dict[str, Any]:
    """All that the page shows of one data set; writes its figures and tables."""
    part = run_tables.block(dataset, runs, summary, report.rule)
    for name, rows in (("leaderboard", part.best), ("settings", list(report.settings.index))):
        stem = report.folder / "tables" / f"{dataset}_{name}"
        tables.write(stem, part, rows, report.columns, report.settings)
    return {
        "dataset": dataset,
        "label": report.study.dataset(dataset).label,
        "finding": finding.finding(part, report.rule, report.settings),
        "leaderboard": tables.lines(part, part.best, report.columns, report.settings),
        "all": tables.lines(part, list(report.settings.index), report.columns, report.settings),
        "absent": [
            report.labels[name]
            for name in report.study.objectives
            if name not in {objective for objective, _ in part.best}
        ],
        "pairs": _pairs(report, part),
        **_sweeps(report, part),
        **_bounds(report, part),
        "monte_carlo": _monte_carlo(part),
        "curves": _curves(report, part),
        "pictures": _pictures(report, part),
    }


def _pairs(report: Report, part: Block) -> list[list[str]]:
    """The comparisons as text, alike in their decimals."""
    found = finding.pairs(part, report.rule, report.settings)
    decimals = places([pair.difference.high - pair.difference.low for pair in found])
    return [
        [pair.a, pair.b, *(fixed(bound, decimals) for bound in pair.difference)]
        + [fixed(p, 2) for p in (pair.improvement, pair.p, pair.corrected)]
        for pair in found
    ]


def _monte_carlo(part: Block) -> float | None:
    """The largest standard error that sampling left in a term of the rate; None if unknown."""
    errors = part.runs.filter([f"{term}_se" for term in bounds.TERMS]).max().max()
    return float(errors) if errors > 0 else None


def _panel(figure, alt: str, salt: str) -> Panel:
    return Panel(alt, style.svg(figure, salt))


def _sweeps(report: Report, part: Block) -> dict[str, list[list[Panel]]]:
    """Panels of every value against every swept key: the field's own first, then the others."""
    familiar = {n: v for n, v in report.columns.items() if n in (*FIRST, *GROUPS)}
    others = {n: v for n, v in report.columns.items() if n not in familiar}
    return {
        kind: [
            _swept(report, Sweep(part, key, report.settings, report.looks), kind, shown)
            for key in sweeps.keys(report.settings)
            if shown
        ]
        for kind, shown in (("sweeps", familiar), ("other_sweeps", others))
    }


def _swept(report: Report, sweep: Sweep, kind: str, shown: dict[str, Shown]) -> list[Panel]:
    """The panels of one swept key, and the sheet of all of them in figures/."""
    name = "_".join(filter(None, (sweep.part.dataset, kind, sweep.key)))
    style.save(sweeps.sheet(sweep, list(shown.values())), report.folder / "figures", name)
    against = f"against {sweep.key}" if sweep.key else "by objective"
    return [
        _panel(
            sweeps.panel(sweep, each),
            f"{each.value.label} {against}, every run a point",
            f"{name} {value}",
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
    losses = curves.histories(report.study, report.results, part, report.rule)
    if losses.empty:
        return []
    name = f"{part.dataset}_training"
    figure = curves.sheet(losses, report.looks, report.labels)
    style.save(figure, report.folder / "figures", name)
    return [
        _panel(
            curves.panel(losses, term, report.looks), f"{term} by training step", f"{name} {term}"
        )
        for term in curves.terms(losses)
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
    title = f"{finding.title(report.settings, key)}, seed {shown.seed}"
    score = number(part.scores(key, report.rule.name)[shown.seed])
    name = f"{part.dataset}_pictures_{shown.pack.objective}"
    style.save(pictures.sheet(title, shown), report.folder / "figures", name)
    rows = {
        kind: [(row, pictures.png(row)) for row in getattr(shown, kind)]
        for kind in ("reconstructions", "traversals")
    }
    score = f"{report.rule.label} {score}"
    return {"title": title, "score": score, "left_out": shown.left_out, "key": key[0], **rows}


def _ranks(report: Report, summary: Summary) -> list[tuple[str, float]]:
    """Mean rank over the data sets of each objective at its best setting; none for one data set."""
    if report.rule is None or len(report.study.datasets) < 2:
        return []
    mean = summary.mean[report.rule.name] * report.rule.sign
    best = mean.groupby(level=["objective", "dataset"], sort=False).max().unstack("dataset")
    ranks = statistics.mean_ranks(best.to_numpy())
    named = zip((report.labels[name] for name in best.index), ranks, strict=True)
    return sorted(((name, float(rank)) for name, rank in named), key=lambda pair: pair[1])


def _trouble(report: Report, runs: pd.DataFrame, scored: pd.DataFrame, found) -> list[tuple]:
    """Each kind of trouble with what was found of it, an empty list where there is none."""
    failed = {
        (o.pack.dataset, o.pack.objective, o.pack.setting, seed)
        for o in found
        for seed in o.diverged
    }
    unscored = checks.unscored(runs.index, scored)
    known = failed | set(runs.index.difference(scored.index))
    gone = [
        pack.path
        for pack in report.study.packs
        if len(found) < len(report.study.packs) and pack not in {o.pack for o in found}
    ]
    lists = {
        "runs that diverged": checks.diverged(report.study, report.results, found),
        "runs without scores": unscored,
        "values undefined in runs that did not diverge": checks.undefined(
            runs, list(report.values), known
        ),
        "packs whose latents are gone, and with them their provenance": gone,
        "mixed origins, code without a clean revision": checks.mixed(found),
    }
    return [
        (name, checks.shortened(lines, len(lines)), len(lines)) for name, lines in lists.items()
    ]
