"""The undisturbed study, with which all others are compared, and the count of what was done."""

import time
from collections import Counter

import pytest
from checkout import Checkout, laid_out
from kills import Usual, Watch

DONE: Counter[tuple[str, str]] = Counter()  # (fault, what it has hit): how often
LOSSES: list[str] = []


class Undisturbed:
    """A finished study, its content, and what its processes did."""

    def __init__(self, checkout: Checkout, usual: Usual):
        self.checkout, self.usual, self.content = checkout, usual, checkout.content()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Undisturbed:
    checkout = laid_out(tmp_path_factory.mktemp("undisturbed") / "checkout")
    watch, began = Watch(checkout), time.monotonic()
    assert watch.follow(checkout.start()) == 0, checkout.words()
    print(f"\nundisturbed: {time.monotonic() - began:.0f} s", flush=True)
    return Undisturbed(checkout, watch.usual())


@pytest.fixture(scope="session")
def ledger():
    """Where the tests enter the faults that they have made, and what was lost."""
    return DONE, LOSSES


def pytest_terminal_summary(terminalreporter) -> None:
    if not DONE:
        return
    terminalreporter.section("faults")
    for (fault, hit), count in sorted(DONE.items()):
        terminalreporter.write_line(f"{count:5}  {fault:36} {hit}")
    terminalreporter.write_line(f"{DONE.total():5}  in all; files lost or changed: {len(LOSSES)}")
