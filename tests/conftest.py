"""Shapes written in signatures are checked while the tests run; one thread a test process."""

import signal
from functools import partial
from importlib.util import find_spec

import pytest
import torch
from jaxtyping import install_import_hook

if find_spec("beartype"):  # a machine with a GPU may have little more than torch
    import builders.typed  # found as an attribute of `builders` by what decorates

    install_import_hook("disentbench", f"{builders.typed.__name__}.checked")
torch.set_num_threads(1)
# Started by nohup or a shell's & the tests would ignore these, and so would what they start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """The longest files first, or one of two workers would be alone with them at the end."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="module")
def quick_figures():
    """For tests that render pages and look at none of the fonts in their PDFs: a third quicker."""
    from disentbench.report import style  # noqa: PLC0415 - a machine with a GPU has no matplotlib

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style.RC, "pdf.fonttype", 3)
        yield


@pytest.fixture(scope="module")
def draw():
    """For tests that render pages and look at few of their figures: only those named are drawn."""
    from disentbench.report import dataset, page  # noqa: PLC0415 - no matplotlib beside a GPU
    from disentbench.report.figures import figures  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:

        def only(*names: str) -> None:
            for module in (dataset, page):
                patch.setattr(module, "figures", lambda: {name: figures()[name] for name in names})

        yield only


@pytest.fixture(scope="module")
def few_trees():
    """For tests of what holds of DCI and R2 however long they boost: a fifth of the trees."""
    from disentbench.metrics import dci, r2  # noqa: PLC0415 - no scikit-learn beside a GPU

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dci, "boost", partial(dci.boost, rounds=20))
        patch.setattr(r2, "by_trees", partial(r2.by_trees, rounds=20))
        yield


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """Whatever the tests do, nobody has run the command of a stranger's file."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob("CANARY*"))
