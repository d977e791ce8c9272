"""Whatever is killed, the same command goes on, and the results are those of an undisturbed study.

Every process dies by SIGKILL, after which nothing of it can tidy up: at random instants, in the
middle of the start more often than not, or just before it opens, renames or removes a file.
"""

import subprocess

import numpy as np
import pytest
from checkout import differences, laid_out
from kills import Killer

pytestmark = pytest.mark.faults

# How many processes of each command are killed, at least.
SHARES = {
    "data": 2,
    "train": 12,
    "encode": 8,
    "score": 12,
    "levels": 3,
    "audit": 3,
    "collect": 6,
    "report": 6,
}
# An output of each: asked for and missing, the command runs again.
OUTPUTS = {
    "data": "tiny/images.h5",
    "train": "tiny/*/*/*/model.pt",
    "encode": "tiny/*/*/*/latents.h5",
    "score": "tiny/*/*/*/scores/*.csv",
    "levels": "tiny/levels/*.csv",
    "audit": "tiny/audit.csv",
    "collect": "scores.csv",
    "report": "report/index.html",
}


class Enough(Killer):
    """Ends with the death of everything that runs."""

    def look(self, run: subprocess.Popen) -> None:
        super().look(run)
        if not self.missing and run.poll() is None:
            self.kill_snakemake(run)


@pytest.fixture(scope="module")
def killed(undisturbed, tmp_path_factory, ledger):
    """The study after all the deaths, and what has died of what."""
    checkout = laid_out(tmp_path_factory.mktemp("killed") / "checkout")
    rng, targets = np.random.default_rng(0), []
    killer = Enough(checkout, SHARES, undisturbed.usual, rng)
    while killer.missing:
        if killer.follow(checkout.start("--retries", "200", *targets)) >= 0:
            targets = undo(checkout, killer.missing, rng)
    # This command alone may ask for what was removed last: a report that exists needs nothing.
    assert checkout.rerun(*targets) == 0, checkout.words()
    ledger[0].update(killer.deaths)
    return checkout, killer.deaths


def undo(checkout, missing, rng) -> list[str]:
    """Remove as many outputs of each command as deaths are missing; which to ask for."""
    gone = [
        path
        for command, count in missing.items()
        for path in rng.permutation(sorted(checkout.results.glob(OUTPUTS[command])))[:count]
    ]
    for path in gone:
        path.unlink()
    return [str(path.relative_to(checkout.folder)) for path in gone]


def test_every_command_dies_often(killed):
    deaths = killed[1]
    for command, share in SHARES.items():
        assert sum(n for (_, name), n in deaths.items() if name == command) >= share
    assert sum(n for (_, name), n in deaths.items() if name in SHARES) >= 50
    assert sum(n for (_, name), n in deaths.items() if name == "snakemake") >= 1


def test_the_same_command_ends_with_the_results_of_an_undisturbed_study(
    killed, undisturbed, ledger
):
    checkout, _ = killed
    assert checkout.rerun() == 0, checkout.words()
    found = differences(checkout.content(), undisturbed.content)
    ledger[1].extend(found)
    assert found == []


def test_nothing_is_left_to_do(killed):
    checkout, _ = killed
    before = checkout.content()
    assert checkout.rerun() == 0
    assert checkout.content() == before
    assert checkout.command("verify", "faults.yaml").stdout == "every file is whole\n"


def test_no_log_holds_a_traceback(killed):
    checkout, _ = killed
    logs = checkout.results.rglob("*.log")
    assert not [log for log in logs if "Traceback" in log.read_text()]
