"""The comparison report of a study: one page that stands alone, its figures and its tables."""

from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from disentbench import expected, files, layout, sources, statistics
from disentbench.report import about, beside, checks, levels, origin, style, sweeps
from disentbench.report import runs as run_tables
from disentbench.report.runs import Summary
from disentbench.report.section import Report, section
from disentbench.report.text import count, number
from disentbench.study import Study

HERE = Path(__file__).parent


def render(study: Study, results: Path, scores: Path, out: Path) -> None:
    """Write the page `out`, figures/ and tables/ beside it, and the checksums of all.

    `results` is the folder above the study's own, `scores` its tidy table. What is gone (models,
    histories, images) is left out of the page, and the page says so. Figures and tables of an
    earlier rendering that this one does not make are removed. Raises a UserError for a file that
    is not what its name says.
    """
    _require_own(study, Path(results), Path(scores))
    scored = run_tables.read(files.checked(Path(scores)))
    runs = scored.reindex(run_tables.planned(study))
    values = run_tables.shown(study, runs)
    with style.applied(), beside.fresh(Path(out), _said(study)) as folder:
        report = Report(
            study=study,
            results=Path(results),
            folder=folder,
            settings=run_tables.catalogue(study),
            values=values,
            columns=run_tables.columns(values, runs),
            rule=run_tables.rule(values),
            looks=style.looks(study),
            levels={name: levels.read(Path(results, study.study, name)) for name in study.datasets},
        )
        page = _page(report, runs, scored, Path(scores))
        (folder / Path(out).name).write_text(page, encoding="utf-8")


def _said(study: Study) -> dict[str, str]:
    """What the page says it is."""
    code = {"code": sources.digest(*sources.reporting())}
    return expected.of_study(study, "report/index") | code


def _require_own(study: Study, results: Path, scores: Path) -> None:
    """Refuse files of other runs or settings under the names of the study's own."""
    stages = tuple(stage for stage in layout.STAGES if stage not in ("collect", "report"))
    for path, identity in layout.named(study, results / study.study, stages):
        if path.exists():
            expected.require(path, identity)
    if files.in_workflow():  # by hand, any table may be shown
        expected.require(scores, expected.of_study(study, "scores"))


def _page(report: Report, runs: pd.DataFrame, scored: pd.DataFrame, scores: Path) -> str:
    study = report.study
    found = origin.origins(study, report.results)
    made = origin.makings(found, scores)
    summary = run_tables.summarise(runs, report.values)
    blocks = [section(report, name, runs, summary) for name in study.datasets]
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
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        facts=about.facts(study, len(runs), made),
        yaml=about.yaml_text(study),
        rule=report.rule,
        legend=[(report.labels[name], style.swatch(look)) for name, look in report.looks.items()],
        swatches={name: style.swatch(look) for name, look in report.looks.items()},
        values=report.columns,
        blocks=blocks,
        dashes=sweeps.dashes(report.settings),
        ranks=_ranks(report, summary),
        trouble=_trouble(report, runs, scored, found, made),
        checks=checks.numeric(study, runs),
        explained=about.explained(report.columns, report.levels),
        leveled=any(own.keys() & report.columns.keys() for own in report.levels.values()),
        formulas=about.formulas(study, report.settings),
    )


def _ranks(report: Report, summary: Summary) -> list[tuple[str, float]]:
    """Mean rank over the data sets of each objective at its best setting; none for one data set."""
    if report.rule is None or len(report.study.datasets) < 2:
        return []
    mean = summary.mean[report.rule.name] * report.rule.sign
    best = mean.groupby(level=["objective", "dataset"], sort=False).max().unstack("dataset")
    ranks = statistics.mean_ranks(best.to_numpy())
    named = zip((report.labels[name] for name in best.index), ranks, strict=True)
    return sorted(((name, float(rank)) for name, rank in named), key=lambda pair: pair[1])


def _trouble(report: Report, runs: pd.DataFrame, scored: pd.DataFrame, found, made) -> list[tuple]:
    """Each kind of trouble with what was found of it, an empty list where there is none."""
    failed = {
        (o.pack.dataset, o.pack.objective, o.pack.setting, seed)
        for o in found
        for seed in o.diverged
    }
    unscored = checks.unscored(runs.index, scored)
    known = failed | set(runs.index.difference(scored.index))
    there = {o.pack for o in found}
    gone = [pack.path for pack in report.study.packs if pack not in there]
    lists = {
        "runs that diverged": checks.diverged(report.study, report.results, found),
        "runs without scores": unscored,
        "values undefined in runs that did not diverge": checks.undefined(
            runs, list(report.values), known
        ),
        "packs whose latents are gone, and with them their provenance": gone,
        "mixed origins, code without a clean revision": checks.mixed(found, made),
    }
    return [
        (name, checks.shortened(lines, len(lines)), len(lines)) for name, lines in lists.items()
    ]
