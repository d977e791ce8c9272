"""The smoke study, run once for all the tests that begin where it is finished."""

import os
import shutil

import pytest
from builders.checkouts import copy_of_checkout, snakemake
from filelock import FileLock


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A checkout in which it is finished: the first worker that comes runs it, others wait."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, failed = shared / "finished", shared / "finished.failed"
    with FileLock(shared / "finished.lock"):
        if not folder.exists():
            folder.mkdir()
            run = snakemake(copy_of_checkout(folder))
            if run.returncode:
                failed.write_text(run.stderr)
            (folder / "said").write_text(run.stdout)
    assert not failed.exists(), failed.read_text()  # in every worker
    return folder


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    """A copy of it, times and all, which a file of tests may change."""
    return shutil.copytree(finished, tmp_path_factory.mktemp("copy") / "checkout", symlinks=True)
