"""Snakemake's own report holds the page, its figures and the table, and asks nothing of a run."""

import base64
import json
import re
from zipfile import ZipFile

import pytest
from builders.checkouts import copy_of_checkout, planned, snakemake

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with what Snakemake's report holds of the smoke study, and nothing else of it."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    figures = folder / "results/smoke/report/figures"
    figures.mkdir(parents=True)
    figures.with_name("index.html").write_text("<p>the page</p>")
    (folder / "results/smoke/scores.csv").write_text("dataset,value\ntiny,1\n")
    for name in ("tiny_mig.png", "tiny_rate.png"):
        (figures / name).write_bytes(PIXEL)
    (figures / "tiny_mig.pdf").touch()
    return folder


@pytest.fixture(scope="module")
def held(checkout):
    """What is in the report, by path, and the names of the files in its archive."""
    run = snakemake(checkout, "--report", "r.zip")
    assert run.returncode == 0, run.stderr
    with ZipFile(checkout / "r.zip") as archive:
        page = archive.read("r/report.html").decode()
        names = archive.namelist()
    _, start, rest = page.partition('<script id="results">')
    results, _ = json.JSONDecoder().raw_decode(rest.partition(" = ")[2])
    assert start
    return results, names


def test_it_holds_the_page_the_table_and_every_figure_once(held):
    results, names = held
    report = "results/smoke/report"
    assert set(results) == {
        *(f"{report}/index.html", "results/smoke/scores.csv"),
        *(f"{report}/figures/tiny_{name}.png" for name in ("mig", "rate")),
    }
    files = sorted(name.rpartition("/")[2] for name in names)
    assert files == ["index.html", "report.html", "scores.csv", "tiny_mig.png", "tiny_rate.png"]


def test_captions_and_labels_name_the_study_and_the_figure(held):
    results, _ = held
    for path, result in results.items():
        figure = re.search(r"figures/(\w+)\.png", path)
        assert (figure[1] if figure else "smoke") in result["caption"]
        assert (figure[1] if figure else "smoke") in result["labels"].values()
        assert "{{" not in result["caption"]


def test_the_folder_of_figures_is_asked_of_no_rule(checkout):
    """As an output it would be emptied before each rendering, of what others keep there, too."""
    with_figures = planned(checkout)
    (checkout / "results/smoke/report/figures").rename(checkout / "figures")
    try:
        assert planned(checkout) == with_figures
    finally:
        (checkout / "figures").rename(checkout / "results/smoke/report/figures")
