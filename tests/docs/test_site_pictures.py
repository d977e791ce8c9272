"""Formulas and flowcharts of the site as outlines, and that a site asks for nothing from afar."""

import re
from itertools import pairwise

import pytest
from _extensions import flowchart, offline, outlines

ARROWS = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("e", "d")]


def numbers(text) -> list:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text)]


@pytest.mark.parametrize("tex", ["x", r"\frac{1}{2}", r"\sum_j q(z_j)", r"-\log p(x|z)^2"])
def test_a_formula_lies_within_its_frame(tex):
    left, top, width, height = numbers(re.search('viewBox="(.*?)"', svg := outlines.svg(tex))[1])
    outline = numbers(re.search(' d="(.*?)"', svg)[1])
    assert left - 5 <= min(outline[::2]) <= max(outline[::2]) <= left + width + 5
    assert top - 5 <= min(outline[1::2]) <= max(outline[1::2]) <= top + height + 5


def test_what_hangs_below_the_line_of_the_text_does_so_by_its_depth():
    deep = [numbers(re.search("vertical-align:(.*?)em", outlines.svg(t))[1])[0] for t in "xp"]
    assert deep[0] == pytest.approx(0, abs=0.05)
    assert deep[1] < -0.15


def test_a_formula_that_mathtext_does_not_know_is_refused():
    with pytest.raises(ValueError, match="Unknown symbol"):
        outlines.svg(r"\nosuchsymbol")


def test_a_formula_of_several_lines_is_told_apart():
    assert outlines.lines("a &= b \\\\\n c &= d \\\\") == ["a = b", "c = d"]


def test_arrows_of_a_flowchart_go_onward_one_layer_at_a_time():
    layers, routes = flowchart.layered(ARROWS)
    place = {node: row for row, layer in enumerate(layers) for node in layer}
    for (start, end), route in zip(ARROWS, routes, strict=True):
        assert (route[0], route[-1]) == (start, end)
        assert [place[node] for node in route] == list(range(place[start], place[end] + 1))


def test_a_flowchart_has_each_node_once_and_each_arrow():
    text = "before\n```mermaid\nflowchart TB\n" + "".join(f"    {a} --> {b}\n" for a, b in ARROWS)
    page = flowchart.drawn(text + "```\nafter")
    assert sorted(re.findall(r"<text[^>]*>(\w+)</text>", page)) == list("abcde")
    assert page.count("marker-end") == len(ARROWS)
    assert page.startswith("before\n")
    assert page.endswith("after")


def test_boxes_of_a_layer_do_not_overlap():
    svg = flowchart.svg([("root", name) for name in ("one", "two", "a_long_name", "x")], False)
    boxes = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', svg)
    rows: dict[str, list] = {}
    for x, y, width in boxes:
        rows.setdefault(y, []).append((float(x), float(x) + float(width)))
    assert len(rows) == 2
    for row in rows.values():
        ends = sorted(row)
        assert all(a[1] < b[0] for a, b in pairwise(ends))


@pytest.mark.parametrize(
    ("html", "asked"),
    [
        ('<script src="https://cdn.org/a.js"></script>', ["https://cdn.org/a.js"]),
        ('<link rel="stylesheet" href="//fonts.org/x.css">', ["//fonts.org/x.css"]),
        ('<img src="http://y.org/a.png">', ["http://y.org/a.png"]),
        ('<a href="https://y.org">y</a> <script src="_static/a.js"></script>', []),
        ('<link rel="canonical" href="https://y.org"> <img src="data:image/png;base64,x">', []),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(html, asked):
    assert offline.foreign(html) == asked


def test_a_site_is_searched_to_its_style_sheets(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/index.html").write_text("<p>https://here.org is only said</p>")
    (tmp_path / "site.css").write_text("b { color: red } p { background: url('#x') }")
    assert offline.of_site(tmp_path) == []
    (tmp_path / "site.css").write_text("@font-face { src: url('https://f.org/a.woff') }")
    assert offline.of_site(tmp_path) == [f"{tmp_path}/site.css loads https://f.org/a.woff"]
