"""On a disk that is full every command says so in one sentence; with room again, it goes on.

The disk is a small one in memory. A command meets it full from the start, full but for the last
page that it needs, and anywhere between.
"""

import math
import os
import re
import subprocess
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from checkout import differences, digest, identity, laid_out, options, recipe, whole_study

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root"),
]

PAGE = os.sysconf("SC_PAGE_SIZE")
BALLAST = "ballast"
ENOUGH = "256m"
# What each writes, below the folder where that lies in a finished study.
WRITTEN = {
    "data": ["images.h5"],
    "train": ["model.pt", "history.*"],
    "encode": ["latents.h5"],
    "score": ["mig.*"],
    "levels": ["mig.*"],
    "audit": ["audit.*"],
    "collect": ["scores.*"],
    "report": ["**/*"],
}
# What part of the space that the study needs there is, run after run.
PARTS = (0.02, 0.3, 0.55, 0.8)


def arguments(command, done, out) -> tuple[Path, list]:
    """Where the results of a command lie in a finished study, and how to write them to `out`."""
    tiny, pack, report = done.results / "tiny", done.packs[0], done.results / "report"
    there = {"train": pack, "encode": pack, "score": pack / "scores", "levels": tiny / "levels"}
    there |= {"data": tiny, "audit": tiny, "collect": done.results, "report": report}
    images, latents = ("--images", tiny / "images.h5"), pack / "latents.h5"
    training = ("--history", out / "history.csv", "--checkpoints", out / "checkpoints")
    often = ("--checkpoint-seconds", 0.3, "--threads", 1)
    latent = ("--latents", out / "latents.h5", "--threads", 1)
    table = ("--scores", done.results / "scores.parquet")
    study = (whole_study(), "--results", done.results.parent)
    said = ("--sums", "--identity", identity(command))
    mig = ("--metrics", "mig", "--out", out / "mig.csv", *said)
    return there[command], {
        "data": ["dsprites_small", "--options", options(), "--out", out / "images.h5"],
        "train": [recipe(0), *images, "--model", out / "model.pt", *training, *often],
        "encode": [recipe(0), *images, "--model", pack / "model.pt", *latent],
        "score": [latents, *mig, "--detail", out / "mig.json"],
        "levels": [tiny / "images.h5", *mig],
        "audit": [latents, "--out", out / "audit.csv", *said],
        "collect": [*study, "--out", out / "scores.csv"],
        "report": [*study, *table, "--out", out / "index.html"],
    }[command]


@pytest.mark.parametrize("command", WRITTEN)
def test_a_command_on_a_full_disk_fails_in_one_sentence(command, undisturbed, tmp_path, ledger):
    done = undisturbed.checkout
    there, how = arguments(command, done, tmp_path)
    needed = [path for pattern in WRITTEN[command] for path in there.glob(pattern)]
    whole = {path.relative_to(there): digest(path) for path in needed if path.is_file()}
    need = pages(there / name for name in whole)

    def fail(free):
        fill(tmp_path, free)
        failed = done.command(command, *how)
        assert_one_sentence(failed, command, tmp_path)
        assert results(tmp_path).items() <= whole.items()
        ledger[0]["full disk" if not free else "nearly full disk", command] += 1

    between = np.random.default_rng(0).integers(1, need - 1, endpoint=True)
    for free in (0, int(between)):
        with disk(tmp_path, ENOUGH):
            fail(free)
    with disk(tmp_path, ENOUGH):
        fail(need - 1)
        (tmp_path / BALLAST).unlink()
        again = done.command(command, *how)
        assert again.returncode == 0, again.stderr
        assert results(tmp_path) == whole


def assert_one_sentence(failed, command, folder) -> None:
    """It ended by itself, and its last words name what could not be written, and why.

    Of a report, whose many files appear together, that is the folder.
    """
    last = failed.stderr.splitlines()[-1]
    assert failed.returncode == 2, failed.stderr
    assert "Traceback" not in failed.stderr
    said = re.escape(f"disentbench {command}: [Errno 28] No space left on device: '{folder}")
    assert re.fullmatch(rf"{said}(/[^.]*\.\w+)?'", last), failed.stderr


def test_a_study_on_a_disk_that_grows_is_what_it_would_have_been(
    undisturbed, tmp_path_factory, ledger
):
    checkout = laid_out(tmp_path_factory.mktemp("full") / "checkout")
    done = undisturbed.checkout.results
    need = pages(done / name for name in undisturbed.content)
    (checkout.folder / "results").mkdir()
    with disk(checkout.folder / "results", PAGE):
        for part in PARTS:
            grow(checkout.folder / "results", int(part * need) * PAGE)
            assert checkout.rerun() == 1
            failed = re.findall(r"non-zero exit status (\d+)", checkout.words())
            assert set(failed) == {"2"}, failed
            assert "Traceback" not in checkout.words()
            assert not list(checkout.results.rglob(".*"))
        for rule in re.findall(r"Error in rule (\w+):", checkout.words()):
            ledger[0]["disk full of a study", rule] += 1
        grow(checkout.folder / "results", ENOUGH)
        assert checkout.rerun() == 0, checkout.words()
        found = differences(checkout.content(), undisturbed.content)
        ledger[1].extend(found)
        assert found == []


@contextmanager
def disk(folder: Path, size):
    """A file system of so many bytes in a folder; the test is skipped where none can be had."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def grow(folder: Path, size) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def fill(folder: Path, free: int) -> None:
    """Leave so many pages free."""
    with (folder / BALLAST).open("wb") as file:
        there = os.statvfs(folder)
        os.posix_fallocate(file.fileno(), 0, there.f_bavail * there.f_frsize - free * PAGE)


def pages(paths: Iterable[Path]) -> int:
    """How many pages files take."""
    return sum(math.ceil(path.stat().st_size / PAGE) for path in paths)


def results(folder: Path) -> dict[Path, str]:
    """The digests of all files but the ballast and the checkpoints, where some may be left."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    made = [path for path in files if path.parts[0] not in (BALLAST, "checkpoints")]
    return {path: digest(folder / path) for path in made}
