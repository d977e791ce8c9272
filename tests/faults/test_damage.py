"""Whatever is damaged is named by whoever needs it or asks, and is made again as it was.

A file is cut short at a random place, or one random bit of it is turned over.
"""

import os
import re
import signal
import time
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from checkout import LONGEST, copied, differences

from disentbench import cli

pytestmark = pytest.mark.faults


def cut(content: bytes, rng) -> bytes:
    return content[: rng.integers(len(content))]


def turned(content: bytes, rng) -> bytes:
    broken = bytearray(content)
    broken[rng.integers(len(content))] ^= 1 << rng.integers(8)
    return bytes(broken)


BREAK = {"cut short": cut, "a bit turned over": turned}
HOW = pytest.mark.parametrize("how", BREAK)

# Files of each kind; packs are numbered from 0.
KINDS = {
    "images.h5": "tiny/images.h5",
    "model.pt": "{pack}/model.pt",
    "latents.h5": "{pack}/latents.h5",
    "history.csv": "{pack}/history.csv",
    "history.sha256": "{pack}/history.sha256",
    "scores/*.csv": "{pack}/scores/mig.csv",
    "scores/*.json": "{pack}/scores/mig.json",
    "scores/*.sha256": "{pack}/scores/mig.sha256",
    "levels/*.csv": "tiny/levels/mig.csv",
    "levels/*.sha256": "tiny/levels/mig.sha256",
    "audit.csv": "tiny/audit.csv",
    "audit.sha256": "tiny/audit.sha256",
    "scores.csv": "scores.csv",
    "scores.parquet": "scores.parquet",
    "scores.sha256": "scores.sha256",
    "report/index.html": "report/index.html",
    "report/index.sha256": "report/index.sha256",
    "report/figures/*.pdf": "report/figures/tiny_audit.pdf",
    "report/figures/*.png": "report/figures/tiny_audit.png",
    "report/tables/*.csv": "report/tables/tiny_leaderboard.csv",
    "report/tables/*.tex": "report/tables/tiny_leaderboard.tex",
}


def file_of(checkout, kind, pack=0) -> Path:
    folder = checkout.packs[pack].relative_to(checkout.results)
    return checkout.results / KINDS[kind].format(pack=folder)


def damage(path, how, rng) -> None:
    """Break a file and put back its time: who looks at times only finds nothing changed."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(BREAK[how](path.read_bytes(), rng))
    os.utime(path, ns=times)


def names(path, words) -> bool:
    """Whether `verify` names a file; for checksums, something that they are for."""
    beside = rf"{path.parent.name}/\S+" if path.suffix == ".sha256" else re.escape(path.name)
    return bool(re.search(rf"^damaged: \S*{beside}$", words, re.MULTILINE))


@pytest.fixture
def inside(undisturbed, monkeypatch):
    """The finished study, in whose folder the test runs."""
    monkeypatch.chdir(undisturbed.checkout.folder)
    return undisturbed.checkout


@HOW
@pytest.mark.parametrize("kind", KINDS)
def test_verify_names_what_has_changed_silently(kind, how, inside, capsys, ledger):
    rng, path = np.random.default_rng(0), file_of(inside, kind)
    content, times = path.read_bytes(), path.stat()
    for _ in range(20):
        path.write_bytes(BREAK[how](content, rng))
        try:
            assert cli.main(["verify", "faults.yaml"]) == 2
        finally:
            path.write_bytes(content)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        words = capsys.readouterr().err
        assert names(path, words), words
        assert "`disentbench verify faults.yaml --set-aside`" in words
    assert cli.main(["verify", "faults.yaml"]) == 0
    assert capsys.readouterr().out == "every file is whole\n"
    ledger[0][f"silently {how}", kind] += 20


BESIDE = [kind for kind in KINDS if kind.startswith(("report/figures", "report/tables"))]
# What is damaged at once in a finished study: none is made again because another is.
GROUPS = [
    {"images.h5": 0},
    {"model.pt": 1, "latents.h5": 2, "scores/*.csv": 3, "scores/*.json": 4, "levels/*.csv": 0},
    {"history.csv": 1, "history.sha256": 2, "scores/*.sha256": 3, "levels/*.sha256": 0},
    {"audit.sha256": 0, "scores.parquet": 0, "report/index.html": 0},
    {"scores.sha256": 0, "report/index.sha256": 0},
    {"audit.csv": 0, "scores.csv": 0, **dict.fromkeys(BESIDE, 0)},
]


@pytest.fixture(scope="module")
def study(undisturbed, tmp_path_factory):
    """A finished study to be damaged: what a test has damaged is whole again at its end."""
    return copied(undisturbed.checkout, tmp_path_factory.mktemp("damaged") / "checkout")


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_what_verify_has_set_aside_is_made_again(number, study, undisturbed, ledger):
    rng, group = np.random.default_rng(number), GROUPS[number]
    paths = [file_of(study, kind, pack) for kind, pack in group.items()]
    for i, path in enumerate(paths):
        damage(path, list(BREAK)[(number + i) % 2], rng)
    found = study.command("verify", "faults.yaml")
    assert found.returncode == 2
    assert all(names(path, found.stderr) for path in paths)
    aside = study.command("verify", "faults.yaml", "--set-aside")
    assert aside.returncode == 0
    assert "moved aside" in aside.stdout
    assert_whole_after_a_rerun(study, undisturbed, ledger)
    for kind in group:
        ledger[0]["found by verify and made again", kind] += 1


# Damaged while who reads it has still to run: what that makes is not there, nor is the report. Of
# its objective's only pack, the last, the report reads all.
PAGE = "report/index.html"
CONSUMED = [
    {"images.h5": (0, "tiny/levels/mig.csv")},
    {
        "model.pt": (0, "{pack}/latents.h5"),
        "latents.h5": (1, "{pack}/scores/mig.csv"),
        "scores/*.csv": (2, "scores.csv"),
        "scores/*.sha256": (3, "scores.csv"),
        "scores/*.json": (5, PAGE),
        "levels/*.csv": (0, PAGE),
    },
    {"scores.parquet": (0, PAGE), "history.csv": (5, PAGE), "audit.csv": (0, PAGE)},
]


@pytest.mark.parametrize("number", range(len(CONSUMED)))
def test_who_reads_a_damaged_file_names_it_and_it_is_made_again(number, study, undisturbed, ledger):
    unseen, rng = {}, np.random.default_rng(number)
    how = dict(zip(CONSUMED[number], cycle(BREAK), strict=False))
    for kind, (pack, made) in CONSUMED[number].items():
        unseen[kind] = file_of(study, kind, pack)
        damage(unseen[kind], how[kind], rng)
        folder = study.packs[pack].relative_to(study.results)
        (study.results / made.format(pack=folder)).unlink(missing_ok=True)
    (study.results / PAGE).unlink(missing_ok=True)
    while unseen:
        (study.folder / "snakemake.log").unlink(missing_ok=True)
        assert study.rerun() == 1, f"nobody has noticed {list(unseen)}"
        words = study.words()
        assert "Traceback" not in words
        seen = [kind for kind, path in unseen.items() if named_and_set_aside(path, words)]
        assert seen, words
        for kind in seen:
            del unseen[kind]
            ledger[0][f"{how[kind]}, found by who reads it", kind] += 1
    assert_whole_after_a_rerun(study, undisturbed, ledger)


def named_and_set_aside(path, words) -> bool:
    """Whether the workflow has said which file is damaged, where it is now, what makes it again."""
    name = rf"{path.stem}\.\w+" if path.suffix == ".sha256" else re.escape(path.name)
    parent = re.escape(path.parent.relative_to(path.parents[-1]).name)
    said = re.search(
        rf"disentbench \w+: \S*{parent}/{name} is damaged: .*; it is now {name}\.damaged,"
        r" and this makes it again: snakemake .*--configfile faults\.yaml",
        words,
    )
    return bool(said) and any(path.parent.glob(f"{path.stem}.*.damaged"))


@HOW
def test_a_training_with_a_damaged_checkpoint_begins_anew(how, study, undisturbed, ledger):
    rng, folder = np.random.default_rng(0), study.packs[0]
    (folder / "model.pt").unlink()
    (study.results / PAGE).unlink()
    run, checkpoint = study.start(), next_checkpoint(folder)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    damage(checkpoint, how, rng)
    (study.folder / "snakemake.log").unlink()
    assert_whole_after_a_rerun(study, undisturbed, ledger)
    log = (folder / "logs/train.log").read_text()
    assert re.search(rf"warning: .*{checkpoint.name} is damaged: .*; training begins anew", log)
    assert "resumed" not in log
    ledger[0][f"{how}, found by who reads it", "checkpoint"] += 1


def next_checkpoint(folder) -> Path:
    """The first checkpoint of a pack, once it is there."""
    end = time.monotonic() + LONGEST
    while not (found := list(folder.glob("checkpoints/[!.]*.pt"))):
        assert time.monotonic() < end, "no checkpoint is written"
        time.sleep(0.01)
    return found[0]


def assert_whole_after_a_rerun(study, undisturbed, ledger) -> None:
    """The workflow ends, and but for what was set aside all is as it was."""
    assert study.rerun() == 0, study.words()
    for path in study.results.rglob("*.damaged"):
        path.unlink()
    found = differences(study.content(), undisturbed.content)
    ledger[1].extend(found)
    assert found == []
