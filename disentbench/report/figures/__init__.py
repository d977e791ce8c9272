"""What a figure is; every other file in this folder is a section of figures on one data set.

A file names `figure = Figure(section, ...)`. Its function `section` is given the report and the
data set's part of it, draws its figures (`panel`, under names that begin with the data set's) and
tables, and returns what its template shows, or None where there is nothing to draw. The template
that comes with this folder, `panels.html`, takes {"panels": [panel(...), ...], "note": "..."}, the
note being optional; another layout is a template of one's own in report/templates/. A figure is
`WIDE` inches, the column of a paper, unless it must be wider, and stands on the page as it stands
in its files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from matplotlib.figure import Figure as Canvas

from disentbench import plugins
from disentbench.report import style
from disentbench.report.context import Report
from disentbench.report.runs import Block
from disentbench.report.style import Panel

WIDE = 3.3  # inches


@dataclass(frozen=True)
class Figure:
    """A section of the page: how it is drawn, what it is called, and where it stands.

    `place` orders the sections; `nav` is the name in the page's line of links. `absent` is what is
    said where there is nothing to draw; without it the section is left out there.
    """

    section: Callable[[Report, Block], dict[str, Any] | None]
    heading: str
    nav: str
    place: int
    template: str = "panels.html"
    absent: str = ""


@cache
def figures() -> dict[str, Figure]:
    """Every figure by the name of its file, in the page's order."""
    names = plugins.names("report/figures")
    by_name = {name: import_module(f"{__name__}.{name}").figure for name in names}
    return dict(sorted(by_name.items(), key=lambda item: item[1].place))


def panel(report: Report, canvas: Canvas, name: str, alt: str) -> Panel:
    """A figure on the page, in words and as an image, and in files beside it, as PDF and PNG.

    `name` tells it from all others; its files have it.
    """
    name = style.file_name(name)
    style.save(canvas, report.folder, name)
    return Panel(alt, style.svg(canvas, name), name)
