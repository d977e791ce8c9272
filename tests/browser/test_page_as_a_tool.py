"""What a reader does with the page: sorts, filters, ranks by another value, opens a run."""

import pytest

pytestmark = pytest.mark.browser
MOST_STEPS = 500  # presses of Tab


@pytest.fixture
def page(visit):
    """The report of a study with models and all; nothing may be said while it is used."""
    seen = visit("whole")
    yield seen.page
    assert seen.complaints() == []


def column(page, table: str, name: str) -> list[float]:
    """The numbers of a column, in the order of the rows that are seen."""
    place = page.locator(f"{table} th[data-column={name}]").evaluate("th => th.cellIndex")
    cells = page.locator(f"{table} tbody tr:not(.level):not(.detail):visible").evaluate_all(
        f"rows => rows.map(row => row.cells[{place}].dataset.v)"
    )
    return [float(text or "nan") for text in cells]


BOARD, SETTINGS, RUNS = (
    f"table[data-table={name}]:visible" for name in ("leaderboard", "settings", "runs")
)


def test_a_column_sorts_by_its_better_end_then_the_other_then_as_it_was(page):
    first = column(page, RUNS, "mig")
    head = page.locator(f"{RUNS} th[data-column=mig]")
    for order, expected in (
        ("descending", sorted(first, reverse=True)),
        ("ascending", sorted(first)),
        ("none", first),
    ):
        head.locator("button.sort").click()
        assert head.get_attribute("aria-sort") == order
        assert column(page, RUNS, "mig") == expected


def test_of_what_is_better_low_the_lowest_come_first(page):
    page.locator(f"{RUNS} th[data-column=distortion] button.sort").click()
    values = column(page, RUNS, "distortion")
    assert values == sorted(values)


def test_a_word_leaves_the_rows_that_have_it(page):
    box = page.locator("#all-runs ~ .toolbar, section:has(#all-runs) .toolbar").first
    box.locator("input[name=filter]").fill("hfvae")
    assert page.locator(f"{RUNS} tbody tr:visible").count() == 4
    assert box.locator("output.count").inner_text().startswith("4 of 16")
    box.locator("input[name=filter]").fill("no such name")
    assert page.locator(f"{RUNS} tbody tr:visible").count() == 0
    box.locator("input[name=filter]").fill("")
    assert page.locator(f"{RUNS} tbody tr:visible").count() == 16


def test_a_run_opens_to_all_that_is_known_of_it_and_closes(page):
    button = page.locator(f"{RUNS} button.run").first
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    detail = page.locator(f"{RUNS} tr.detail")
    assert detail.is_visible()
    for part in ("dl.scores", "svg.curve", "code.path"):
        assert detail.locator(part).first.is_visible(), part
    button.click()
    assert not detail.is_visible()


def test_another_value_ranks_and_the_rule_of_the_report_comes_back(page):
    before = page.locator(BOARD).inner_text()
    form = page.locator("form.ranking").first
    form.locator("select[name=rank]").select_option("elbo")
    live = "table.live[data-table=leaderboard]:visible"
    values = column(page, live, "elbo")
    assert values == sorted(values, reverse=True)
    assert form.locator("xpath=..").locator("p.ruled").first.is_visible()
    form.locator("button.reset").click()
    assert page.locator(live).count() == 0
    assert page.locator(BOARD).inner_text() == before


def test_a_link_shows_the_page_as_it_was_left(page, visit):
    page.locator(f"{RUNS} th[data-column=mig] button.sort").click()
    page.locator("form.ranking select[name=rank]").first.select_option("elbo")
    page.locator(f"{RUNS} button.run").nth(2).click()
    name = page.locator(f"{RUNS} tr.detail code.path").inner_text()
    other = visit("whole", page.evaluate("location.hash")).page
    assert column(other, RUNS, "mig") == column(page, RUNS, "mig")
    assert other.locator("form.ranking select[name=rank]").first.input_value() == "elbo"
    assert other.locator(f"{RUNS} tr.detail code.path").inner_text() == name


MANGLED = [
    "#no-such-place",
    "#?rank=nothing&run=a/b/c/d&runs.sort=-none&runs.filter=%",
    "#%E0%A4%A",
    "#reading?x=y&&=",
]


@pytest.mark.parametrize("address", MANGLED)
def test_a_mangled_link_is_no_hindrance(visit, address):
    seen = visit("whole", address)
    assert seen.page.locator(BOARD).first.is_visible()
    assert seen.page.locator(f"{RUNS} tbody tr:visible").count() in (0, 16)
    assert seen.complaints() == []


def test_columns_can_be_shown_and_put_away(page):
    head = page.locator("table[data-table=leaderboard] th[data-column=rate]").first
    assert not head.is_visible()
    page.locator("input[name=all-values]").first.check()
    assert head.is_visible()
    page.locator("input[name=all-values]").first.uncheck()
    assert not head.is_visible()


def test_the_reader_chooses_light_or_dark(visit):
    page = visit("whole", color_scheme="light").page
    shown = {paper(page)}
    for _ in range(2):
        page.locator("button#theme").click()
        shown.add(paper(page))
    assert len(shown) == 2
    page.locator("button#theme").click()
    chosen = "[...document.documentElement.classList].filter(c => ['light', 'dark'].includes(c))"
    assert page.evaluate(chosen) == []


def paper(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def focused(page, what: str) -> bool:
    return page.evaluate(f"document.activeElement.matches({what!r})")


def test_all_of_it_is_within_reach_of_the_keyboard(page):
    page.keyboard.press("Tab")
    assert focused(page, "a.skip")
    page.keyboard.press("Enter")
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        assert not focused(page, "body"), "the focus is lost"
        assert page.evaluate(OUTLINED), page.evaluate(
            "document.activeElement.outerHTML.slice(0, 200)"
        )
        if focused(page, "[data-table=runs] button.run"):
            break
    page.keyboard.press("Enter")
    assert page.locator(f"{RUNS} tr.detail").is_visible()
    page.keyboard.press("Space")
    assert not page.locator(f"{RUNS} tr.detail").is_visible()


OUTLINED = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
}"""


def test_escape_closes_an_open_run_and_leaves_the_focus_there(page):
    button = page.locator(f"{RUNS} button.run").first
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator(f"{RUNS} tr.detail:visible").count() == 0
    assert focused(page, "button.run")


def test_sorting_by_keyboard_keeps_the_focus(page):
    page.locator(f"{RUNS} th[data-column=mig] button.sort").focus()
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        assert focused(page, "[data-table=runs] th[data-column=mig] button.sort")
    assert page.locator(f"{RUNS} th[data-column=mig]").get_attribute("aria-sort") == "ascending"
