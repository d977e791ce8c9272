"""The page as a document: what may run in it, where its links lead, what it is without script."""

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from builders.studies import STUDY, examined, made, rendered, scored, trained

pytestmark = pytest.mark.usefixtures("quick_figures")
TITLES = ("h1", "h2", "h3")


class Markup(HTMLParser):
    """Every start of an element, with its attributes, and the text of the whole."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def all(self, name: str) -> list[str]:
        """An attribute wherever it stands."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module", params=[1, 2], ids=["one data set", "two"])
def folder(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    names = ("tiny", "other")[: request.param]
    of = made(datasets=dict.fromkeys(names, STUDY["datasets"]["tiny"]))
    if request.param == 1:
        trained(folder, of)
        examined(folder, of)
    rendered(folder, of, scored(of))
    return folder / "report"


@pytest.fixture(scope="module")
def page(folder) -> str:
    return (folder / "index.html").read_text()


@pytest.fixture(scope="module")
def markup(page) -> Markup:
    return Markup(page)


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_lets_in_this_style_and_this_script_alone(page):
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    rules = dict(rule.strip().split(" ", 1) for rule in unescape(policy).split(";"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest(style),
        "script-src": digest(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_runs_and_nothing_is_styled_where_it_stands(page, markup):
    assert markup.all("style") == []
    assert [
        name for _, attributes in markup.elements for name in attributes if name[:2] == "on"
    ] == []
    scripts = [attributes for tag, attributes in markup.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", page)


def test_every_link_within_the_page_has_its_target(markup):
    ids = markup.all("id")
    assert len(ids) == len(set(ids))
    targets = {link[1:] for link in markup.all("href") if link.startswith("#")}
    assert targets <= set(ids)


def test_every_file_that_is_offered_is_there(folder, markup):
    files = [link for link in markup.all("href") if not link.startswith("#")]
    assert any(link.startswith("tables/") for link in files)
    assert [link for link in files if not (folder / link).is_file()] == []


def test_every_heading_can_be_linked_to(page):
    body = page.partition("<main")[2]
    for level, attributes in re.findall(r"<h([23])([^>]*)>", body.partition("<script")[0]):
        if level == "2":
            assert "id=" in attributes


def test_every_table_that_scrolls_can_be_reached_and_has_a_name(markup):
    boxes = [a for _, a in markup.elements if "scroll" in a.get("class", "").split()]
    assert boxes
    assert all(box["tabindex"] == "0" and box["role"] == "region" for box in boxes)
    labels = [box["aria-label"] for box in boxes]
    assert len(labels) == len(set(labels))
    assert all("aria-label" in a for tag, a in markup.elements if tag == "table")


def test_the_page_has_landmarks(markup):
    tags = [tag for tag, _ in markup.elements]
    assert [tags.count(tag) for tag in ("main", "header", "h1", "title")] == [1, 1, 1, 1]


def test_no_header_of_a_table_is_empty(page):
    assert not re.search(r"<th[^>]*>\s*</th>", page.partition("<script")[0])


def test_the_runs_are_there_without_the_script(page):
    static = page.partition('<tbody class="static">')[2].partition("</tbody>")[0]
    planned = re.search(r"(\d+) runs as planned", page)[1]
    assert static.count("<tr>") == int(planned)
    assert "tables/tiny_runs.csv" in page


def test_of_many_runs_the_first_are_there_and_the_page_says_so(tmp_path):
    of = made(objectives={"vae": {}}, metrics=["mig"], seeds="0-149", pack=150)
    page = rendered(tmp_path, of, scored(of))
    static = page.partition('<tbody class="static">')[2].partition("</tbody>")[0]
    assert static.count("<tr>") == 100
    assert "150 runs as planned" in page
    assert "here are the first 100" in page


def test_one_is_no_many(tmp_path):
    of = made(objectives={"vae": {}}, metrics=["mig"], seeds="0", pack=1)
    page = rendered(tmp_path, of, scored(of))
    assert "<title>little: report of 1 objective</title>" in page
    assert "All 1 " not in page
    assert not re.search(r"\b1 (objectives|runs|settings|seeds)\b", page.partition("<script")[0])
