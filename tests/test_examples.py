"""The notebooks run in a fresh kernel, and say what their committed outputs say."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples"
# How far a number may be from the committed one, relative and absolute. Codes that are made up are
# the same everywhere; a training on another processor rounds in another way, and ends elsewhere.
TOLERANCES = {"score_my_latents": (0.01, 0.011), "train_traverse_plot": (0.15, 0.15)}


def said(notebook) -> list[str]:
    """What each cell answers as text, or by the kinds of what it shows."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}
    drawn = ("a figure" for output in outputs if "image/png" in output.data)
    told = (output.data["text/plain"] for output in outputs if "image/png" not in output.data)
    return [*told, *drawn]


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\b\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize("name", TOLERANCES)
def test_a_notebook_says_what_it_said(name, tmp_path, monkeypatch):
    for folder in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):  # nothing goes home
        monkeypatch.setenv(folder, str(tmp_path / folder))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # `report`, called in this process, has set it
    committed = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    run = nbformat.from_dict(committed)
    for cell in run.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(run, timeout=240, kernel_name="python3", resources=resources).execute()
    before, now = said(committed), said(run)
    assert len(before) == len(now) > 5
    relative, absolute = TOLERANCES[name]
    for old, new in zip(before, now, strict=True):
        assert re.sub(r"-?\d+(\.\d+)?|\s", "", old) == re.sub(r"-?\d+(\.\d+)?|\s", "", new)
        np.testing.assert_allclose(numbers(new), numbers(old), rtol=relative, atol=absolute)


def test_every_notebook_is_run_and_small():
    files = sorted(FOLDER.glob("*.ipynb"))
    assert {path.stem for path in files} == {*TOLERANCES}
    assert all(path.stat().st_size < 200_000 for path in files)
    assert not re.search(r"/(home|root|tmp|work)/", "".join(path.read_text() for path in files))
