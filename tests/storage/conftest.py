"""Sites on this machine, from which tests download."""

import pytest
from builders.site import Site

from disentbench.storage import downloads


@pytest.fixture
def no_detours(monkeypatch):
    """No proxy between a test and its site, and no wait before a second try."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE", 0)


@pytest.fixture
def site(no_detours):
    with Site().open() as opened:
        yield opened


@pytest.fixture
def mirror(no_detours):
    with Site().open() as opened:
        yield opened


@pytest.fixture
def path(tmp_path):
    """Where a file is downloaded to."""
    return tmp_path / "data" / "file.h5"
