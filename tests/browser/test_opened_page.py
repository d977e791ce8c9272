"""A report that is opened: nothing is asked of any network, nothing is forbidden, nothing fails."""

import pytest

pytestmark = pytest.mark.browser
NAMES = ["whole", "sweep", "hostile", "one run"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_it_opens_without_a_word_and_asks_for_nothing(visit, name, scheme):
    seen = visit(name, color_scheme=scheme)
    seen.page.mouse.wheel(0, 100_000)  # what is loaded when it comes into view, too
    seen.page.wait_for_timeout(200)
    assert seen.complaints() == []


def test_what_is_said_and_asked_would_be_noticed(visit):
    seen = visit("one run")
    seen.page.evaluate(
        """() => {
            console.error("a word");
            document.body.append(Object.assign(new Image(), {src: "https://example.invalid/x"}));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
        }"""
    )
    seen.page.wait_for_function("window.violations.length >= 2")
    assert "error: a word" in seen.said
    assert not seen.page.evaluate("window.ran || false")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_whole_without_the_script(visit, name):
    seen = visit(name, java_script_enabled=False)
    page = seen.page
    assert page.locator("table.board").first.is_visible()
    assert page.locator("img.figure").first.is_visible()
    assert page.locator("#reading").is_visible()
    assert page.locator("[data-table=runs] tbody tr").first.is_visible()
    assert not page.locator("button:visible").count()  # which would do nothing
    assert (seen.said, seen.asked) == ([], [])


def test_every_picture_is_one(visit):
    pictures = (
        visit("whole")
        .page.locator("img")
        .evaluate_all(
            "all => all.map(i => [i.complete && i.naturalWidth > 0, i.getAttribute('alt')])"
        )
    )
    assert len(pictures) > 20
    assert [alt for whole, alt in pictures if not whole] == []


def test_no_name_becomes_markup(visit):
    page = visit("hostile").page
    assert page.evaluate("document.scripts.length") == 2  # the data and what shows them
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("body").inner_text().count("<script>alert(1)</script>") > 3
