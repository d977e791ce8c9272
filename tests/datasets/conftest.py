"""A file of each kind for the tests of one's own images, and blocks of few of them."""

import pytest
from builders.own_folder import make_folder
from builders.own_images import DATASETS, Own

from disentbench.datasets import _own_arrays


@pytest.fixture(params=DATASETS)
def own(request, tmp_path):
    """What the data set of one kind of file is that holds these arrays."""
    return Own(request.param, tmp_path / f"own.{request.param}")


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of few images, so that there are several and the last is not whole."""
    monkeypatch.setattr(_own_arrays, "BLOCK_BYTES", 4 * 5 * 7 * 3)


@pytest.fixture
def own_folder(tmp_path):
    """A folder of five images and their table."""
    return make_folder(tmp_path / "own")
