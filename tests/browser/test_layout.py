"""Where things stand: nothing wider than the screen, nothing covered, nothing cut without a cue."""

import pytest

pytestmark = pytest.mark.browser
WIDTHS = [320, 390, 1024, 1440]
NAMES = ["whole", "sweep", "hostile", "one run"]

SIDEWAYS = """() => [...document.querySelectorAll("body *")].filter(e =>
        e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 &&
        ["auto", "scroll"].includes(getComputedStyle(e).overflowX))
    .map(e => {
        const cue = e.nextElementSibling;
        return {
            what: e.outerHTML.slice(0, 90),
            focus: e.tabIndex === 0,
            region: e.matches("pre") || e.getAttribute("role") === "region",
            label: e.matches("pre") || Boolean(e.getAttribute("aria-label")),
            cue: e.matches("pre") || Boolean(cue?.matches(".cue") && cue.checkVisibility() &&
                cue.textContent.trim()),
        };
    })"""
CUT = """() => [...document.querySelectorAll(
        "h1, h2, h3, p, dt, dd, label, summary, button, select, figcaption")]
    .filter(e => e.checkVisibility() && !e.closest(".scroll") && !e.matches(".skip") &&
        (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1))
    .map(e => e.outerHTML.slice(0, 120))"""
# Of every table the first rows, each brought to the middle of the screen.
COVERED = """() => {
    const covered = [];
    for (const table of document.querySelectorAll("table")) {
        const box = table.closest(".scroll");
        if (!table.checkVisibility()) continue;
        for (const row of [...table.rows].slice(0, 6)) {
            row.scrollIntoView({block: "center", behavior: "instant"});
            if (box) box.scrollLeft = 0;
            const frame = (box || document.documentElement).getBoundingClientRect();
            for (const cell of row.cells) {
                const {left, right, top, bottom, width} = cell.getBoundingClientRect();
                const x = (left + right) / 2, y = (top + bottom) / 2;
                if (!width || x < frame.left || x > Math.min(frame.right, innerWidth)) continue;
                const there = document.elementFromPoint(x, y);
                if (there && !cell.contains(there) && !there.contains(cell)) {
                    const words = cell.textContent.trim().slice(0, 40);
                    covered.push(`${words} by ${there.outerHTML.slice(0, 80)}`);
                }
            }
        }
    }
    return covered;
}"""
# Words that stand over those of the neighbouring cell.
SPILLED = """() => [...document.querySelectorAll("th, td")]
    .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 0)
    .map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(params=WIDTHS)
def width(request) -> int:
    return request.param


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_as_wide_as_the_screen_and_what_scrolls_says_so(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 800}).page
    for everything in (False, True):
        if everything:
            opened(page)
        page.wait_for_timeout(100)  # cues are written when sizes are known
        assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(CUT) == []
        scrolling = page.evaluate(SIDEWAYS)
        assert [box for box in scrolling if not all(box.values())] == []
    assert scrolling or width > 1000


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_is_covered(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 800}).page
    opened(page)
    assert page.evaluate(COVERED) == []
    assert page.evaluate(SPILLED) == []


def opened(page) -> None:
    """All that is folded, and every column."""
    page.evaluate(
        "document.querySelectorAll('main details:not(.toolbar *)').forEach(d => d.open = true)"
    )
    for box in page.locator("input[name=all-values]:visible").all():
        box.check()
    button = page.locator("[data-table=runs] button.run")
    if button.count():
        button.first.click()


def test_a_place_that_a_link_leads_to_is_not_under_what_sticks_to_the_top(visit, width):
    page = visit("sweep", "#trouble", viewport={"width": width, "height": 800}).page
    top = page.locator("#trouble").evaluate("e => e.getBoundingClientRect().top")
    assert 0 <= top < 400
    seen = page.evaluate(
        """() => {
            const at = document.querySelector("#trouble").getBoundingClientRect();
            return document.elementFromPoint(at.left + 5, at.top + at.height / 2).id;
        }"""
    )
    assert seen == "trouble"


def test_fingers_find_what_they_press(visit):
    """WCAG 2.5.8: 24 pixels high and wide, or so far from all others."""
    page = visit("whole", viewport={"width": 390, "height": 800}, has_touch=True).page
    assert page.evaluate(CROWDED) == []


CROWDED = """() => {
    const targets = [...document.querySelectorAll("button, select, input, summary")]
        .filter(e => e.checkVisibility())
        .map(e => [e, (e.closest("label") || e).getBoundingClientRect()]);
    const far = (x, y, box) => Math.hypot(
        Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
    return targets.filter(([one, box]) => Math.min(box.width, box.height) < 24 &&
            targets.some(([other, place]) => other !== one &&
                far((box.left + box.right) / 2, (box.top + box.bottom) / 2, place) < 12))
        .map(([one]) => one.outerHTML.slice(0, 120));
}"""
