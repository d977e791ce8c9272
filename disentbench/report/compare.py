"""Two results on one page: what differs, by how much and how clearly, and what made them."""

from pathlib import Path

from markupsafe import Markup

from disentbench.report import (
    compare_cells,
    compare_figures,
    document,
    publish,
    style,
    tables,
)
from disentbench.report.compare_tables import Compared, compared
from disentbench.results import diff
from disentbench.results.diff_text import verdict
from disentbench.storage.layout import ReportFolder
from disentbench.storage.plain_data import printable


def render(a: Path, b: Path, out: Path) -> None:
    """Write the page `out` on A and B, figures/ and tables/ beside it, and the checksums of all.

    A and B are results folders or tidy tables. Names of figures and tables begin with the page's.
    Raises a UserError for a path that holds no results.
    """
    of, out = compared(diff.compare(Path(a), Path(b))), Path(out)
    with style.applied(), publish.fresh(out) as folder:
        page = _page(of, ReportFolder(folder), out.stem)
        (folder / out.name).write_text(page, encoding="utf-8")


def _page(of: Compared, folder: ReportFolder, stem: str) -> str:
    for name, table in of.tables.items():
        tables.write_csv(folder.table(f"{stem}_{name}"), table)
    comparison, words = of.comparison, printable(verdict(of.comparison))
    css = style_sheet()
    return (
        document.environment()
        .get_template("compare.html")
        .render(
            css=Markup(css),
            policy=document.policy(css),
            stem=stem,
            several=of.several,
            sides={"A": printable(str(comparison.a)), "B": printable(str(comparison.b))},
            one=comparison.a.resolve() == comparison.b.resolve(),
            verdict=f"{words[:1].upper()}{words[1:]}.",
            finding=compare_cells.finding(of),
            held=compare_cells.held(comparison),
            drawn=compare_figures.drawn(of, folder, stem),
            cut=compare_cells.tables(of),
            ranking=of.ranking.value.label if of.ranking else "",
            silent=[printable(str(path)) for path in comparison.silent],
            most=compare_figures.MOST,
        )
    )


def style_sheet() -> str:
    """The style of the report, and what two results beside each other need more."""
    return document.style("page", "compare")
