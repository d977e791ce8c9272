"""The pages of the site: what they promise of the registries is there, and links lead somewhere."""

import re
from typing import Annotated, Literal

import pytest
from _extensions import borrowed, docstrings, kinds, of_commands, of_options, of_package, outlines
from docutils.core import publish_doctree
from pydantic import Field

import disentbench
from disentbench import plugins
from disentbench.options import Options

PAGES = [
    path
    for path in sorted([*borrowed.ROOT.glob("*.md"), *borrowed.DOCS.glob("*.md")])
    + [borrowed.ROOT / page for page in borrowed.HOMES if "/" in page]
    if path.exists()
]
OBJECTIVES = (borrowed.DOCS / "objectives.md").read_text()
TABLES = re.findall(
    r"<!-- keys of (\S+) -->\n((?:\|.*\n)+)", (borrowed.DOCS / "studies.md").read_text()
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_link_leads_to_a_file_and_a_heading(page):
    for *_, target, anchor in borrowed.LINK.findall(page.read_text()):
        if "://" in target:
            continue
        there = page.parent / target
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in headings(there.read_text())


def headings(text) -> set:
    """What a forge calls the headings of a page in a link."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_a_link_of_another_file_is_that_of_the_page():
    text = "[docs/data.md](docs/data.md#rooms) [changes](CHANGELOG.md) ![](docs/report.png)"
    expected = "[](data.md#rooms) [changes](changelog.md) ![](report.png)"
    assert borrowed.linked(text, borrowed.ROOT) == expected
    assert borrowed.linked("[x](../CONTRIBUTING.md)", borrowed.DOCS) == "[x](contributing.md)"
    assert borrowed.linked("[x](https://y.org/a.md)", borrowed.DOCS) == "[x](https://y.org/a.md)"
    assert borrowed.linked("[x](../tests/oracles/README.md) [y](../tests)", borrowed.DOCS) == (
        "`tests/oracles/README.md` `tests`"
    )


def test_a_page_that_shows_a_part_of_a_file_asks_for_lines_that_are_there():
    part = borrowed.text("README.md", "## The studies", "## The data")
    assert "`configs/starter.yaml`" in part
    assert "## " not in part
    with pytest.raises(ValueError, match="no line '## Nowhere'"):
        borrowed.text("README.md", "## Nowhere")


@pytest.mark.parametrize("name", plugins.names("objectives"))
def test_an_objective_has_its_formula_on_the_page(name):
    before, mark, _ = OBJECTIVES.partition(f"<!-- here: objective {name} -->")
    assert mark, f"docs/objectives.md shows nothing of {name}"
    heading, *_, last = before.rpartition("\n## ")[2].split("\n", 1)
    assert heading == plugins.load("objectives", name).label
    (formula,) = re.findall(r"\$\$\n(.+?)\n\$\$", last, re.S)
    assert all(outlines.svg(line) for line in outlines.lines(formula))


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_the_formula_of_a_metric_can_be_drawn(name):
    assert all(map(outlines.svg, outlines.lines(plugins.load("metrics", name).formula)))


@pytest.mark.parametrize(("name", "rows"), TABLES, ids=[name for name, _ in TABLES])
def test_every_key_of_a_study_has_its_meaning(name, rows):
    assert of_options.told(name, rows).count("\n") == rows.count("\n")


def test_a_key_without_a_meaning_is_found():
    with pytest.raises(ValueError, match="Evaluate and its keys differ in images, latents"):
        of_options.told("Evaluate", "| key | meaning |\n|---|---|\n| `stride` | every n-th |\n")


class Kinds(Options):
    """One option of each kind."""

    count: Annotated[int, Field(ge=1, le=20)]
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    way: Literal["up", "down"] = "up"
    most: Annotated[int, Field(ge=1)] | None = None
    sizes: dict[str, list[float]] = {"a": [1.0]}  # noqa: RUF012


def test_options_are_told_in_words():
    assert kinds.options(Kinds) == {
        "count": ("a whole number from 1 to 20", "needed"),
        "share": ("a number above 0 below 1", "`0.5`"),
        "way": ("`up` or `down`", "`up`"),
        "most": ("a whole number from 1", "none"),
        "sizes": ("names, each with a list, each a number", "`{a: [1.0]}`"),
    }


def test_every_public_name_is_described():
    shown = re.findall(r"^\.\. auto\w+:: disentbench\.(\w+)$", of_package.every(), re.M)
    assert sorted(shown) == sorted(disentbench.__all__)


def test_every_command_and_every_option_of_it_is_described():
    sections = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=\n\(|\Z)", of_commands.every(), re.M | re.S))
    assert {"score", "report", "compare-dsprites"} <= {*sections} == {*of_commands.commands()}
    for name, command in of_commands.commands().items():
        flags = re.findall(r"(--[\w-]+)", command.format_usage())
        assert all(f"`{flag}" in sections[name] for flag in flags)
    assert "`--compare A B`" in sections["report"]


@pytest.mark.parametrize(
    "text",
    [
        "|z - z'|^2 and 2 * x, z_(1) and z_, a*b* c**d, a\\b",
        "`code_with|signs*` beside *these* and |those|",
        "See `_terms.py`, which [image, latent] are and {metric: {name: array}}.",
    ],
)
def test_a_docstring_says_what_it_said(text):
    lines = "\n".join(docstrings.restructured([text]))
    tree = publish_doctree(lines, settings_overrides={"report_level": 5, "halt_level": 2})
    assert tree.astext() == text.replace("`", "")


def test_what_a_docstring_indents_is_shown_as_it_stands():
    lines = ["Before:", "", "    a  b", "    c  d", "", "after."]
    tree = publish_doctree("\n".join(docstrings.restructured(lines)))
    assert [node.tagname for node in tree] == ["paragraph", "literal_block", "paragraph"]
    assert tree[1].astext() == "a  b\nc  d"


def test_what_an_interpreter_is_told_is_shown_as_it_stands():
    lines = ["Before *:", "", ">>> a = 2 * b_", ">>> a * 3", "6 * x", "", "after *"]
    tree = publish_doctree("\n".join(docstrings.restructured(lines)))
    assert [node.astext() for node in tree] == ["Before *:", "\n".join(lines[2:5]), "after *"]


def test_a_signature_is_that_of_the_file():
    given, result = docstrings.signature(disentbench.score)
    assert given.startswith("(codes: ArrayLike, factors: ArrayLike | None=None, *,")
    assert result == "dict[Any, Any] | tuple[dict[Any, Any], dict[Any, Any]]"
    assert docstrings.signature(3) is None
