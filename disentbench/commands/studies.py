"""The commands collect, report, status, diff and verify, each of a study as a whole."""

import os
import sys
import time
from pathlib import Path

from disentbench import sources
from disentbench.commands.tables import write_table
from disentbench.errors import UserError
from disentbench.storage import expected, files, seals
from disentbench.storage.study_file import read_study

DIFFERENT = 3  # what `diff --exit-code` answers; 1 and 2 are mistakes


def collect(*, study: str, results: Path, out: Path) -> None:
    """Gather the scores of all runs of a study in one tidy table, as CSV and as parquet."""
    from disentbench.results import tidy
    from disentbench.results.collect import collect as collected
    from disentbench.results.collect import scored_by
    from disentbench.storage.provenance import provenance

    if out.suffix.lower() != ".csv":
        raise UserError(f"--out {out} must end in .csv; a .parquet is written beside it")
    of, parquet = read_study(study), out.with_suffix(".parquet")
    table = collected(of, results)
    write_table(table, out)
    with files.whole(parquet) as path:
        made = {"scored": scored_by(of, results)}
        tidy.write_parquet(table, path, provenance(of.text, "cpu") | made)
    code = {"code": sources.digest(*sources.collecting())}
    seals.write_sums(out, parquet, identity=expected.of_study(of, "scores") | code)


def report(
    *,
    study: str | None,
    results: Path,
    scores: Path | None,
    compare: list[Path] | None,
    rank_by: str | None,
    choose_by: str | None,
    out: Path,
) -> None:
    """Render the report of a study, or of two side by side: a page, its figures and its tables."""
    os.environ["MPLBACKEND"] = "agg"  # Jupyter asks for one that only it has; read at the import
    began = time.monotonic()
    by = {"rank_by": rank_by, "choose_by": choose_by}
    if out.suffix.lower() != ".html":
        raise UserError(f"--out {out} must end in .html; figures and tables are written beside it")
    if compare and not (study or scores or any(by.values())):
        from disentbench.report import compare as beside

        a, b = compare
        beside.render(a, b, out)
    elif study and scores and not compare:
        from disentbench.report import page

        page.render(read_study(study), results, scores, out, **by)
    else:
        raise UserError(_unclear(study, scores, compare))
    print(f"{out} in {time.monotonic() - began:.1f} s", file=sys.stderr)


def _unclear(study: str | None, scores: Path | None, compare: list[Path] | None) -> str:
    """What is wrong with what a report is asked of."""
    if compare:
        return "--compare A B takes no STUDY, --scores, --rank-by or --choose-by; leave them out"
    if study:
        return "the report of a study needs its tidy table; name it with --scores"
    return "name a STUDY with --scores, or two results with --compare A B"


def status(*, study: str, results: Path) -> None:
    """Say how far a study is: what is done, runs, has failed or is missing, and the time left."""
    from disentbench.results.status import status as how_far
    from disentbench.results.status_text import text

    print(text(how_far(read_study(study), results)))


def diff(*, a: Path, b: Path, metrics: list[str] | None, tolerance: float, exit_code: bool) -> int:
    """Say which scores of two results differ, by how much, and what made either.

    A and B are results folders of a study (results/NAME) or tidy tables (.csv or .parquet).
    """
    from disentbench.results.diff import compare
    from disentbench.results.diff_text import text

    comparison = compare(a, b, metrics, tolerance)
    print(text(comparison))
    return 0 if comparison.same or not exit_code else DIFFERENT


def verify(*, study: str, results: Path, set_aside: bool) -> None:
    """Read every file of a study and name what is damaged; moved aside, it will be made again."""
    from disentbench.results import verify as whether

    of = read_study(study)
    folder = results / of.study
    if not folder.is_dir():
        raise UserError(f"{folder} is not there; --results names the folder above it")
    verified = whether.verify(of, folder)
    command = f"snakemake --cores all --configfile {study}"
    for kind, path in ((kind, path) for kind, paths in verified.kinds.items() for path in paths):
        print(f"{kind}: {path}", file=sys.stderr)
    wrong = verified.damaged + verified.foreign
    if wrong and not set_aside:
        raise UserError(
            f"{verified.text}; `disentbench verify {study} --set-aside` moves aside what is "
            f"damaged or of another run, and `{command}` makes it again"
        )
    if wrong:
        whether.set_aside(folder, wrong)
        print(f"{len(wrong)} moved aside; `{command}` makes them again")
    if verified.other:
        raise UserError(f"{len(verified.other)} {whether.OTHER}; `{command}` makes them anew")
    if not wrong:
        print("every file is whole")
