"""What the package offers: its names, its docstrings, its types, and the pages that show it."""

import doctest
import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import disentbench

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/library.md").read_text()
FUNCTIONS = sorted({*disentbench.__all__} - {"UserError"})


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, disentbench; print({'torch', 'numpy', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_name_is_there_and_in_the_page():
    for name in disentbench.__all__:
        assert getattr(disentbench, name).__name__ == name
    assert set(disentbench.__all__) <= set(dir(disentbench))
    assert set(re.findall(r"^## `(\w+)`", PAGE, re.M)) == set(FUNCTIONS)
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        _ = disentbench.scores


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_docstring_is_true(name):
    documented = inspect.unwrap(getattr(disentbench, name))
    module = import_module(documented.__module__)
    examples = doctest.DocTestParser().get_doctest(
        documented.__doc__, vars(module).copy(), name, module.__file__, None
    )
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0


def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch):
    """Its blocks build on each other, and after `# ->` stands what a line is worth."""
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "docs/library.md", "exec"), names)  # our own page
    for expression, worth in re.findall(r"^(\w[^#\n]*?) +# -> (.+)$", PAGE, re.M):
        assert repr(eval(expression, names)) == worth, expression


TYPED = """
import numpy as np
import pandas as pd
import torch
import disentbench

model: disentbench.TrainedVAE = disentbench.train(objective="beta_vae", beta=4, steps=2)
images: np.ndarray = disentbench.data("dsprites_small", rows=np.arange(4)).images
posterior = disentbench.load("model.pt", seed=1).encode(torch.zeros(2, 32, 32))
scores = disentbench.score(posterior.mean, [[0], [1]], metrics="mig")
table: pd.DataFrame = disentbench.latents("latents.h5", frame=True)
mean: np.ndarray = disentbench.latents("latents.h5").mean
terms: pd.DataFrame = disentbench.decompose(posterior.mean, posterior.logvar, {"a": [0, 1]})
levels: pd.DataFrame = disentbench.levels([[0], [1]], ["mig"])
audit: pd.DataFrame = disentbench.audit(posterior.mean, posterior.logvar, batch_sizes=[8])
"""
WRONG = """
import disentbench

disentbench.load(5)
whole: int = disentbench.train(steps=2)
disentbench.trian
"""


def test_a_file_that_uses_the_package_is_typed(tmp_path):
    """What fits is let pass, and every line that does not is named."""
    (tmp_path / "right.py").write_text(TYPED)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "pyrefly.toml").write_text(
        f'search-path = ["{ROOT}"]\nreplace-imports-with-any = ["pandas.*"]\n'
    )
    command = [sys.executable, "-m", "pyrefly", "check", "--output-format=min-text"]
    command += ["--python-interpreter-path", sys.executable, "right.py", "wrong.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    said = re.findall(r"(right|wrong)\.py:(\d+)", done.stdout)
    assert said == [("wrong", "4"), ("wrong", "5"), ("wrong", "6")], done.stdout + done.stderr
    assert (Path(disentbench.__file__).parent / "py.typed").exists()
