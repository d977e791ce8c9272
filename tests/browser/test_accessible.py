"""What axe-core finds for readers who do not see the page, or see little of it."""

from itertools import pairwise

import pytest

pytestmark = pytest.mark.browser
GRAVE = ("serious", "critical")


def grave(page) -> list[str]:
    """The rules broken, and where first."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - it may not be installed

    broken = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['html'][:150]} ({len(rule['nodes'])})"
        for rule in broken
        if rule["impact"] in GRAVE
    ]


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["whole", "sweep", "hostile", "one run"])
def test_axe_finds_nothing_grave(visit, name, scheme, width):
    page = visit(name, color_scheme=scheme, viewport={"width": width, "height": 900}).page
    page.evaluate(
        "document.querySelectorAll('main details:not(.toolbar *)').forEach(d => d.open = true)"
    )
    if page.locator("button.run").count():
        page.locator("button.run").first.click()
    assert grave(page) == []


def test_axe_would_find_it(visit):
    page = visit("one run").page
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    assert any("image-alt" in line for line in grave(page))


def test_headings_are_in_order_and_there_is_one_of_the_first_level(visit):
    levels = (
        visit("sweep")
        .page.locator("h1, h2, h3, h4")
        .evaluate_all("all => all.filter(h => h.checkVisibility()).map(h => Number(h.tagName[1]))")
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
