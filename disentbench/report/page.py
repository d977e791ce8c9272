"""The comparison report of a study: one page that stands alone, its figures and its tables."""

from pathlib import Path

import pandas as pd

from disentbench import sources
from disentbench.errors import UserError
from disentbench.report import (
    across,
    browser,
    checks,
    collapse,
    document,
    levels,
    machine,
    methods,
    publish,
    ranking,
    records,
    style,
)
from disentbench.report import runs as run_tables
from disentbench.report.context import Report
from disentbench.report.dataset import section
from disentbench.report.figures import figures
from disentbench.storage import expected, files, jobs, seals
from disentbench.storage.layout import ReportFolder, StudyFolder
from disentbench.study import Study


def render(
    study: Study,
    results: Path,
    scores: Path,
    out: Path,
    *,
    rank_by: str | None = None,
    choose_by: str | None = None,
) -> None:
    """Write the page `out`, results.json, figures/ and tables/ beside it, and the checksums of all.

    `results` is the folder above the study's own, `scores` its tidy table. What is gone (models,
    histories, images) is left out of the page, and the page says so. Figures and tables of an
    earlier rendering that this one does not make are removed. Objectives are ranked by the value
    `rank_by`, else by the most prominent, and the setting of each is chosen by `choose_by`, else by
    the one that ranks. Raises a UserError for a file that is not what its name says, and for a
    value that is not there or has no better end, and for a folder that another page has files in.
    """
    files_of = StudyFolder(Path(results) / study.study)
    publish.require_free(Path(out))
    _require_table(Path(scores))
    _require_own(study, files_of, Path(scores))
    scored = run_tables.read_runs(seals.checked(Path(scores)))
    if scored.index.intersection(run_tables.planned(study)).empty:
        raise UserError(f"{scores} has no run of the study {study.study!r}; name its own table")
    planned = scored.reindex(run_tables.planned(study))
    runs = run_tables.finite(planned)
    values = run_tables.shown(study, runs)
    ranking.require_directed(values, "--rank-by", rank_by)
    ranking.require_directed(values, "--choose-by", choose_by)
    with style.applied(), publish.fresh(Path(out), _said(study, rank_by, choose_by)) as folder:
        report = Report(
            study=study,
            files=files_of,
            folder=ReportFolder(folder),
            settings=run_tables.catalogue(study),
            values=values,
            columns=run_tables.columns(values, runs),
            rule=ranking.rule(values, rank_by, choose_by),
            looks=style.looks(study),
            levels={name: levels.read_levels(files_of.dataset(name)) for name in study.datasets},
            scores=planned,
            estimators=methods.estimators(study),
            rank_by=values[rank_by].value if rank_by else None,
            choose_by=values[choose_by].value if choose_by else None,
        )
        page = _page(report, runs, scored, Path(scores))
        (folder / Path(out).name).write_text(page, encoding="utf-8")


def _said(study: Study, rank_by: str | None, choose_by: str | None) -> dict[str, str]:
    """What the page says it is; by what it ranks and chooses, where that was asked for."""
    code = {"code": sources.digest(*sources.reporting())}
    return expected.of_page(study, rank_by, choose_by) | code


def _require_own(study: Study, folder: StudyFolder, scores: Path) -> None:
    """Refuse files of other runs or settings under the names of the study's own."""
    stages = tuple(stage for stage in jobs.STAGES if stage not in ("collect", "report"))
    for path, identity in jobs.named(study, folder, stages):
        if path.exists():
            expected.require(path, identity)
    if files.in_workflow():  # by hand, any table may be shown
        expected.require(scores, expected.of_study(study, "scores"))


def _require_table(scores: Path) -> None:
    """Refuse the folder of a study where its table is asked for."""
    if scores.is_dir() and not files.in_workflow():  # in a workflow it has taken a file's place
        raise UserError(f"{scores} is a folder; name the tidy table, such as its scores.parquet")


def _page(report: Report, runs: pd.DataFrame, scored: pd.DataFrame, scores: Path) -> str:
    study = report.study
    packs_made = records.read_records(study, report.files)
    made = records.makings(packs_made, scores)
    summary = run_tables.summarise(runs, report.values)
    parts = {name: report.on(name) for name in study.datasets}
    blocks = [run_tables.block(name, runs, summary, part.rule) for name, part in parts.items()]
    sections = [section(parts[block.dataset], block) for block in blocks]
    ranked = [block for block in blocks if parts[block.dataset].rule == report.rule]
    constant = {shown["dataset"]: shown["constant"] for shown in sections}
    trouble = _trouble(report, scored, packs_made, made, constant)
    numeric = checks.numeric(study, runs)
    compared = [(block, shown["compared"]) for block, shown in zip(blocks, sections, strict=True)]
    content = machine.results(report, compared, trouble, numeric, made)
    machine.write(report.folder.results, content)
    diverged = {(*record.pack.of, seed) for record in packs_made for seed in record.diverged}
    state = browser.states(runs, set(scored.index), diverged)
    return document.page(
        browser.data(report, parts, blocks, state),
        study=study,
        facts=methods.facts(study, len(runs), made),
        yaml=methods.yaml_text(study),
        rule=report.rule,
        rules=ranking.rule_text({name: part.rule for name, part in parts.items()}),
        legend=[(report.labels[name], style.swatch(look)) for name, look in report.looks.items()],
        swatches={name: style.swatch(look) for name, look in report.looks.items()},
        values=report.columns,
        blocks=sections,
        figures=figures(),
        across=across.across(report, ranked),
        ranked=len(ranked),
        runs=browser.first(report, state),
        run_values=[report.columns[name].value for name in browser.shown_values(report)],
        trouble=trouble,
        checks=numeric,
        planned=len(runs),
        status=checks.status(trouble, numeric, len(runs)),
        explained=methods.explained(report.columns, report.levels),
        leveled=any(known.keys() & report.columns.keys() for known in report.levels.values()),
        shared=[shown.value.label for shown in report.columns.values() if shown.shared],
        formulas=methods.formulas(study, report.settings),
    )


def _trouble(
    report: Report,
    scored: pd.DataFrame,
    packs_made: list[records.PackRecord],
    made: list[dict],
    constant: dict[str, dict[str, float]],
) -> list[checks.Trouble]:
    """Each kind of trouble with what was found of it, an empty list where there is none."""
    runs = run_tables.finite(report.scores)
    failed = {
        (o.pack.dataset, o.pack.objective, o.pack.setting, seed)
        for o in packs_made
        for seed in o.diverged
    }
    known = failed | set(runs.index.difference(scored.index))
    there = {o.pack for o in packs_made}
    gone = [pack.path for pack in report.study.packs if pack not in there]
    idle = runs[collapse.collapsed(runs)]
    labels = {name: shown.value.label for name, shown in report.columns.items()}
    kinds: dict[str, tuple[str, list[str], str]] = {
        "diverged": (
            "runs that diverged: no finite loss or latents, or an end far worse than the beginning",
            checks.diverged(report.files, packs_made),
            "none is known: latents are gone" if gone else "none",
        ),
        "unscored": ("runs without scores", checks.unscored(runs.index, scored), "none"),
        "collapsed": (
            f"runs that collapsed: {collapse.rule(runs)}",
            collapse.lines(idle, constant, labels),
            collapse.none(runs),
        ),
        "gone": ("packs whose latents are gone, and with them their provenance", gone, "none"),
        "mixed": (
            "mixed origins, code without a clean revision",
            checks.mixed(packs_made, made),
            "none" if made else "not known: nothing is left that would say",
        ),
    }
    return [
        *(checks.trouble(anchor, *told) for anchor, told in kinds.items()),
        checks.undefined(
            report.scores.where(run_tables.measured(report.study, report.scores), 0.0),
            list(report.values),
            known,
            checks.whys(report.study, report.files),
        ),
    ]
