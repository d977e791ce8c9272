"""The page printed: nothing folded, nothing cut, no control; and what it weighs."""

import io
import re

import pytest

pytestmark = pytest.mark.browser
PAPER = 718  # CSS pixels between the margins of A4
WIDER = """wide => [...document.querySelectorAll("body *")]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.closest("svg") &&
        getComputedStyle(e).position !== "absolute" && e.getBoundingClientRect().right > wide + 1)
    .map(e => e.outerHTML.slice(0, 120))"""
BARS = """() => [...document.querySelectorAll("body *")]
    .filter(e => e.checkVisibility() && !e.matches("img") && ["auto", "scroll"].includes(
        getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1)
    .map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(params=["whole", "sweep", "hostile", "one run"])
def printed(visit, request):
    return visit(request.param, viewport={"width": PAPER, "height": 1000}).page


def test_nothing_is_wider_than_the_paper_and_nothing_scrolls(printed):
    printed.emulate_media(media="print")
    assert printed.evaluate(WIDER, PAPER) == []
    assert printed.evaluate(BARS) == []
    # A column's head and a run's name are buttons on the screen, and words on paper.
    for control in ("nav", "button:not(.sort):not(.run)", "input", "select"):
        assert printed.locator(f"{control}:visible").count() == 0


def text_of(page) -> str:
    from pypdf import PdfReader  # noqa: PLC0415 - it may not be installed

    paper = PdfReader(io.BytesIO(page.pdf(format="A4")))
    words = " ".join(part.extract_text() for part in paper.pages)
    return "".join(words.split())  # how lines are broken is the paper's business


@pytest.mark.parametrize("script", [True, False])
def test_what_is_folded_and_what_is_far_to_the_right_is_printed(visit, script):
    page = visit("whole", java_script_enabled=script).page
    text = text_of(page)
    assert "batch_size:8" in text  # of the study, which is folded
    for words in ("totalcorrelationwithingroups", "Howtoreadthenumbers", "Failures,warnings"):
        assert words in text
    for setting in ("beta-1", "beta-4"):
        assert setting.replace("beta-", "β=") in text


def test_a_dark_screen_prints_on_white(visit):
    page = visit("whole", color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    paper, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert paper in (0, 765)  # white, or none, on which the paper shows
    assert ink < 300
