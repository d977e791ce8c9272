"""How figures look, and how they are written: on the page as SVG, beside it as PNG and PDF."""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import matplotlib as mpl
import numpy as np
from fontTools import subset
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from disentbench import plugins
from disentbench.storage.files import whole
from disentbench.storage.layout import ReportFolder
from disentbench.study import Study

# Okabe & Ito's palette, told apart with any colour vision; its yellow is too pale for lines. Then
# darker ones, as far from these as can be; in OKLab, with any vision, no two are nearer than 0.045.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C99"),
    *("#1B1B6B", "#661100", "#8C510A", "#AA4466"),
)
DASHED_FROM = 7  # colours; those after them have broken lines besides
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
REFERENCE = ("#4A4A4A", "o")  # the VAE, against which the others are read
INK, MUTED, HAIR = "#1A1A1A", "#6B6B6B", "#D9D9D9"
# Letters on a colour that is the same on a light page and on a dark one.
ON_PALE, ON_DEEP = "#1B1B1B", "#FEFEFE"
# What the colours of figures are on a dark page.
DARK = {
    "#ffffff": "#1d2024",
    INK.lower(): "#e8e8e6",
    MUTED.lower(): "#a3a6aa",
    "#9a9a9a": "#73777c",
    HAIR.lower(): "#3a3f45",
    REFERENCE[0].lower(): "#c2c2c2",
    "#0072b2": "#4ba3e3",
    "#7a5c99": "#b08fd8",
    "#56b4e9": "#a6dcff",
    "#1b1b6b": "#7d7dff",
    "#661100": "#fcbb88",
    "#8c510a": "#f2e2a8",
    "#aa4466": "#c75a80",
    "#1f4e79": "#5a8fdc",
}
UNQUOTED = " /:;,=()!*+@$?[]{}|^`~"  # what a data URI in an attribute may hold as it is
LINES: dict[str, Any] = {
    "solid": "-",
    "dashed": (0, (4, 2)),
    "dotted": (0, (1, 1.5)),
    "dash-dotted": (0, (6, 2, 1, 2)),
}
MANY = 400  # points in a panel above which they are painted as one image
# Tables of a font for laying out text, of which a PDF, whose glyphs are laid out, has no use.
LAYOUT_TABLES = ["BASE", "GDEF", "GPOS", "GSUB", "JSTF", "MATH", "kern"]
FONTS = ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]

RC = {
    "font.family": ["sans-serif"],
    "font.sans-serif": FONTS,
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#9A9A9A",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": "#9A9A9A",
    "ytick.color": "#9A9A9A",
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "text.parse_math": False,  # names come from a study, and a dollar sign in one is no formula
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 72,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


@contextmanager
def applied() -> Iterator[None]:
    """Have figures look like this, whatever the user's own matplotlibrc or style says."""
    with mpl.rc_context(), lean_fonts():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


@contextmanager
def lean_fonts() -> Iterator[None]:
    """Have matplotlib leave out of a PDF's fonts what nobody reads there, in a third of the time.

    The glyphs, their outlines and their hints, and with them what is seen, stay as they are.
    """

    class Lean(subset.Options):
        def __init__(self, **options: Any):
            super().__init__(**options)
            self.drop_tables = [*self.drop_tables, *LAYOUT_TABLES]

    usual, subset.Options = subset.Options, Lean
    try:
        yield
    finally:
        subset.Options = usual


class Look(NamedTuple):
    """An objective's colour, marker and line, alike in every figure."""

    colour: str
    marker: str
    line: str = "solid"

    @property
    def lines(self) -> list[str]:
        """Lines that differ, its own the first."""
        names = list(LINES)
        place = names.index(self.line)
        return names[place:] + names[:place]


class Panel(NamedTuple):
    """A figure on the page: what it shows in words, the image as a data URI, its files' name."""

    alt: str
    uri: str
    name: str


def looks(study: Study) -> dict[str, Look]:
    """The look of every objective of a study; the first baseline, the VAE, is grey.

    Twelve of them differ in their colours and in their markers, the last four in their lines too.
    """
    files = {name: study.file_of("objectives", name) for name in study.objectives}
    plain = [name for name, file in files.items() if plugins.load("objectives", file).baseline][:1]
    others = [name for name in study.objectives if name not in plain]
    by_name = dict.fromkeys(plain, Look(*REFERENCE)) | {
        name: Look(
            COLOURS[i % len(COLOURS)],
            MARKERS[1 + i % (len(MARKERS) - 1)],
            list(LINES)[i // DASHED_FROM % len(LINES)],
        )
        for i, name in enumerate(others)
    }
    return {name: by_name[name] for name in study.objectives}


def canvas(width: float, height: float) -> Figure:
    """An empty figure of this size in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def swatch(look: Look) -> str:
    """An objective's line and marker, to stand beside its name."""
    figure = Figure(figsize=(0.36, 0.2))
    line = {"color": look.colour, "linestyle": LINES[look.line], "linewidth": 1.6}
    figure.add_artist(Line2D([0.05, 0.95], [0.5, 0.5], **line))
    figure.add_artist(
        Line2D([0.5], [0.5], color=look.colour, marker=look.marker, markersize=6, linestyle="")
    )
    return svg(figure, f"swatch {look}")


def svg(figure: Figure, salt: str) -> str:
    """A figure as an SVG data URI; as an image it can neither run a script nor fetch anything.

    What is black on white there is white on black where the reader's page is dark. `salt` tells it
    from all others.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, dpi=150)
    return f"data:image/svg+xml,{quote(_recoloured(text.getvalue()), safe=UNQUOTED)}"


def _recoloured(drawn: str) -> str:
    """An SVG whose colours are those of the page, light or dark, that shows it; said once each."""
    _, start, rest = drawn.partition("<svg ")
    head, end, body = rest.partition(">")
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"font: (\d+) ([\d.]+px) [^;\"]+", r"font-weight: \1; font-size: \2", body)
    body = re.sub(r"font-family: [^;\"]+; ", "", body)
    body = re.sub(r'(?<= d=")[^"]+', lambda path: _rounded(path[0]), body)
    for place, light in enumerate(DARK):
        body = re.sub(rf"(?<=[:\s]){light}(?=[;\"])", f"var(--c{place})", body, flags=re.IGNORECASE)
    light, dark = (
        "".join(f"--c{place}:{colour};" for place, colour in enumerate(colours))
        for colours in (DARK, DARK.values())
    )
    family = ",".join(f"'{name}'" for name in FONTS)
    look = f"svg{{font-family:{family},sans-serif;{light}}}"
    look += f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    body = re.sub(r"\s+", " ", body)
    return f"{start}{head}{end}<style>{look}</style>{body}"


def _rounded(path: str) -> str:
    """A path to a hundredth of a point, which nobody sees, in half of the letters."""
    return re.sub(
        r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), path
    )


def uri(content: bytes, kind: str) -> str:
    """The bytes of an image as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def file_name(name: str) -> str:
    """A name as that of a file: letters, digits, `.`, `_` and `-`, with `_` for all else."""
    return re.sub(r"[^\w.-]+", "_", name)


def save(figure: Figure, folder: ReportFolder, name: str) -> None:
    """A figure as PNG and PDF, each whole or absent, with no date in it."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        # Laid out once, alike in every format; "none" would have each draw it twice nevertheless.
        figure.set_layout_engine(None)
    for suffix, metadata in ((".png", {}), (".pdf", {"CreationDate": None})):
        with whole(folder.figure(name, suffix)) as path:
            figure.savefig(path, dpi=200, metadata=metadata)


def handles(looks: dict[str, Look], labels: dict[str, str]) -> list[Line2D]:
    """Legend entries of objectives."""
    return [
        Line2D(
            *([], []),
            color=look.colour,
            linestyle=LINES[look.line],
            marker=look.marker,
            markersize=4.5,
            label=labels[name],
        )
        for name, look in looks.items()
    ]


def legend(figure: Figure, handles: list) -> None:
    """A legend above the axes, in one row or in as many columns as its longest name allows."""
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=legend_columns(figure.get_figwidth(), handles),
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def legend_columns(width: float, handles: list) -> int:
    """The columns of a legend in a figure so many inches wide."""
    room, sizes = 16 * width, [len(handle.get_label()) + 6 for handle in handles]
    return len(sizes) if sum(sizes) <= room else max(1, int(0.7 * room / max(sizes)))


def legend_height(width: float, handles: list) -> float:
    """The inches that such a legend takes."""
    return 0.17 * -(-len(handles) // legend_columns(width, handles))


def alpha(points: int) -> float:
    """How opaque points are: fewer, darker."""
    return float(np.clip(6 / np.sqrt(max(points, 1)), 0.12, 0.75))
