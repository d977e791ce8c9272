"""Whatever ends `make report` with all that it runs, the same command goes on by itself.

At a random instant a signal reaches the whole process group: an outright kill, a terminal that is
closed, an order to end, Ctrl-C. A plain `make report` must then end with 0 and with the results of
an undisturbed one. Each trial begins where a random number of the steps are done already.
"""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from builders.make_report import NEEDS_MAKE, STUDY, laid_out, report
from checkout import LONGEST, Checkout, differences

pytestmark = [pytest.mark.faults, NEEDS_MAKE]

SIGNALS = {"SIGKILL": 30, "SIGHUP": 3, "SIGTERM": 3, "SIGINT": 3}
# What each step leaves, in their order; a trial removes it from a random step on.
STEPS = (
    "tiny/images.h5",
    "tiny/*/*/*/model.pt",
    "tiny/*/*/*/latents.h5",
    "tiny/*/*/*/scores/*.csv",
    "scores.csv",
    "report/index.html",
)
MICRO = STUDY | {"seeds": "0-1", "training": {"steps": 300, "batch_size": 8}}


class Trial(Checkout):
    """A checkout with a study of one pack."""

    @property
    def results(self):
        return self.folder / "results/little"

    def undo(self, step: int) -> None:
        """Remove what the steps from this one on have made; nothing else knows of it."""
        for pattern in STEPS[step:]:
            for path in self.results.glob(pattern):
                path.unlink()

    def whole(self) -> float:
        """Run to the end; the seconds that it took."""
        began = time.monotonic()
        run = report(self.folder)
        words, _ = run.communicate(timeout=LONGEST)
        assert run.returncode == 0, f"{words}\n{self.words()}"
        return time.monotonic() - began

    def ended(self, name: str, after: float) -> bool:
        """Whether a signal has come before the end."""
        run = report(self.folder)
        try:
            run.communicate(timeout=after)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.Signals[name])
            run.communicate(timeout=LONGEST)  # to the end of all that write to its terminal
            return True


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A finished checkout, its content, and the seconds that each beginning has before its end."""
    checkout = Trial(laid_out(tmp_path_factory.mktemp("make") / "checkout", MICRO))
    seconds, content = [checkout.whole()], checkout.content()
    for step in range(1, len(STEPS)):
        checkout.undo(step)
        seconds.append(checkout.whole())
    assert checkout.content() == content
    return checkout, content, seconds


@pytest.mark.parametrize("name", SIGNALS)
def test_the_same_command_goes_on_by_itself(name, trial, ledger):
    checkout, undisturbed, seconds = trial
    rng, left = np.random.default_rng(list(SIGNALS).index(name)), SIGNALS[name]
    while left:
        step = int(rng.integers(len(STEPS)))
        checkout.undo(step)
        if not checkout.ended(name, float(rng.uniform(0, seconds[step]))):
            continue  # it was faster this time
        left -= 1
        checkout.whole()
        found = differences(checkout.content(), undisturbed)
        ledger[0][f"{name} to the whole group", "make report"] += 1
        ledger[1].extend(found)
        assert found == []
