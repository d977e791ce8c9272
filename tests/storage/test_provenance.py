"""The revision names the code that runs, whoever owns it, and is marked where that code differs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import disentbench
from disentbench.storage import provenance

FILES = ("Snakefile", "README.md", "workflow/rules/a.smk", "workflow/profiles/config.yaml")
PACKAGE = ("disentbench/__init__.py", "disentbench/report/templates/page.html")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of a package that stands in for ours; nobody's own settings of git."""
    if not shutil.which("git"):
        pytest.skip("there is no git here")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    folder = tmp_path / "checkout"
    for name in (*FILES, *PACKAGE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "x")
    monkeypatch.setattr(provenance, "CODE", folder / "disentbench")
    return folder


def git(folder, *words) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_code_is_the_package():
    assert Path(disentbench.__file__).parent == provenance.CODE


def revision() -> str:
    return provenance.revision.__wrapped__()


def test_a_clean_checkout_has_its_commit(checkout):
    assert revision() == git(checkout, "rev-parse", "HEAD")[:12]


@pytest.mark.parametrize(
    "name",
    [
        *(*PACKAGE, "Snakefile", "workflow/rules/a.smk"),
        *("disentbench/new.py", "disentbench/metrics/new.py", "workflow/rules/new.smk"),
        "disentbench/report/new.html",
        "disentbench/report/templates/script/new.js",
    ],
)
def test_code_that_differs_or_is_new_is_marked(checkout, name):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("2\n")
    assert revision() == git(checkout, "rev-parse", "HEAD")[:12] + "+"


def test_code_that_is_gone_or_renamed_is_marked(checkout):
    git(checkout, "mv", PACKAGE[1], "disentbench/report/templates/other.html")
    assert revision().endswith("+")


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "workflow/profiles/config.yaml", "notes.txt", "mine.yaml", "new.py"),
        *("disentbench/notes.txt", "disentbench/core.1234", "tests/new.py"),
    ],
)
def test_what_is_no_code_marks_nothing(checkout, name):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("2\n")
    assert not revision().endswith("+")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_a_checkout_of_another_user_has_its_commit(checkout, monkeypatch):
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, 54321, 54321)
    monkeypatch.delenv("SUDO_UID", raising=False)
    refused = subprocess.run(
        ["git", "-C", checkout, "status"], check=False, capture_output=True, text=True
    )
    assert "dubious ownership" in refused.stderr, "git does not refuse it here"
    assert revision() == commit
    (checkout / PACKAGE[0]).write_text("2\n")
    assert revision() == commit + "+"


def test_the_settings_of_a_checkout_run_nothing(checkout, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'CANARY'}\n")
    hook.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(hook))
    revision()
    assert not (tmp_path / "CANARY").exists()


def test_an_installed_package_is_not_taken_for_the_checkout_around_it(checkout, monkeypatch):
    installed = checkout / ".venv/lib/disentbench"
    shutil.copytree(checkout / "disentbench", installed)
    monkeypatch.setattr(provenance, "CODE", installed)
    assert revision() == provenance.version("disentbench")


def test_without_git_it_is_the_version(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(os.devnull).parent))
    assert revision() == provenance.version("disentbench")
