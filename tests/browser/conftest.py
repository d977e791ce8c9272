"""Reports opened in the Chromium of this machine; skipped, with a word, where there is none."""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from builders import large_study
from builders.browsed import hostile, one_run, whole

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
NEEDED = ("playwright", "axe_playwright_python", "pypdf")
REPORTS = {
    "whole": whole,
    "sweep": lambda folder: large_study.reported(folder, large_study.sweeping(seeds=3)),
    "hostile": hostile,
    "one run": one_run,
}
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Visit(NamedTuple):
    """A page that is open, what it said in the console, and what it asked for beside itself."""

    page: Any
    said: list[str]
    asked: list[str]

    def complaints(self) -> list[str]:
        """All that must not be: words in the console, requests, breaches of the page's policy."""
        return [*self.said, *self.asked, *self.page.evaluate("window.violations || []")]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    if not CHROMIUM:
        pytest.skip("needs Chromium, which is not installed here")
    for name in NEEDED:
        if find_spec(name) is None:
            pytest.skip(f"needs {name}: make .venv/browser")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may not be installed

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(chromium, tmp_path_factory, request):
    """The path of a report by its name; each is made when it is first asked for."""
    made: dict[str, Path] = {}

    def path(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp(name.replace(" ", "_"))
            REPORTS[name](folder)
            made[name] = folder / "report/index.html"
        return made[name]

    return path


@pytest.fixture
def visit(chromium, report):
    """Opens a report by name; `address` is what stands behind the path."""
    contexts = []

    def opened(name: str, address: str = "", **options) -> Visit:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        contexts.append(context)
        context.add_init_script(WATCH)
        return _watched(context.new_page(), report(name).as_uri() + address)

    yield opened
    for context in contexts:
        context.close()


def _watched(page: Any, address: str) -> Visit:
    """A page whose console and requests are written down while it is open."""
    seen = Visit(page, [], [])
    own = address.partition("#")[0]
    page.on("console", lambda line: seen.said.append(f"{line.type}: {line.text}"))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("request", lambda asked: _noted(seen, asked.url, own))
    page.goto(address, wait_until="load")
    return seen


def _noted(seen: Visit, url: str, own: str) -> None:
    if not url.startswith(("data:", "blob:")) and url.partition("#")[0] != own:
        seen.asked.append(url)
