"""Formulas as outlines in the page, in its text's colour: no script and no font is fetched."""

import re
from html import escape

from matplotlib import rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath

EM = 100  # the size at which outlines are made; a page shows them at that of its text
LETTERS = {
    Path.MOVETO: "M",
    Path.LINETO: "L",
    Path.CURVE3: "Q",
    Path.CURVE4: "C",
    Path.CLOSEPOLY: "Z",
}


SCRIPT = r"(?:\{[^{}]*\}|\\?\w)"
BIG = re.compile(rf"(\\(?:sum|prod|max|min|int)(?![a-z])(?:_{SCRIPT})?(?:\^{SCRIPT})?)\s*")


def svg(tex: str) -> str:
    """A formula in TeX as an <svg> of the page; a ValueError for what mathtext does not know."""
    text = "$" + BIG.sub(r"\1\\,", " ".join(tex.split())) + "$"  # where mathtext leaves no space
    with rc_context({"mathtext.fontset": "stix"}):
        font = FontProperties(size=EM)
        width, height, depth, *_ = MathTextParser("path").parse(text, prop=font)
        outline = TextPath((0, 0), text, prop=font)
    above = height - depth
    return (
        f'<svg class="formula" role="img" aria-label="{escape(tex)}" '
        f'viewBox="0 {-above:g} {width:g} {height:g}" style="width:{width / EM:.3f}em; '
        f'height:{height / EM:.3f}em; vertical-align:{-depth / EM:.3f}em">'
        f'<path fill="currentColor" d="{_data(outline)}"/></svg>'
    )


def _data(outline: Path) -> str:
    """A path in SVG's words, whose y goes down."""
    words = []
    for numbers, code in outline.iter_segments(simplify=False):
        points = [] if code == Path.CLOSEPOLY else numbers.reshape(-1, 2) * (1, -1)
        words.append(LETTERS[code] + " ".join(f"{x:.1f} {y:.1f}" for x, y in points))
    return "".join(words)


def lines(tex: str) -> list[str]:
    """The lines of a formula that stands alone, which TeX ends with two backslashes."""
    shown = tex.replace("&", "").replace(r"\frac", r"\dfrac").split(r"\\")
    return [line.strip() for line in shown if line.strip()]
