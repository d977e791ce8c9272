"""The report: whatever a study left behind, one page that stands alone and says what is so."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from builders.studies import LEAN, STUDY, examined, made, rendered, scored, trained

from disentbench.report import checks, style, text
from disentbench.report.page import render
from disentbench.results.tidy import write_parquet
from disentbench.scoring import audit

pytestmark = pytest.mark.usefixtures("quick_figures")


def status(page: str) -> list[str]:
    """The line at the top."""
    return re.findall("<a [^>]*>([^<]+)</a>", re.findall(r'<p class="status">(.*)</p>', page)[0])


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a whole study, its report in one/ and the same again in two/."""
    folder, of = tmp_path_factory.mktemp("finished"), made()
    trained(folder, of)
    examined(folder, of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style.RC, "pdf.fonttype", 42)  # what users get, whatever is quicker
        for name in ("one", "two"):
            rendered(folder, of, scored(of), name)
    return folder


@pytest.fixture(scope="module")
def page(finished) -> str:
    return (finished / "one/index.html").read_text()


def test_page_stands_alone(page):
    assert not re.search(r'src="(?!data:)', page)
    assert not re.search(r'href="(?!#|figures/|tables/)', page)
    assert not re.search(r"url\((?!%23)|@import|<script [^>]*src|<link|<iframe", page)
    assert page.count("<h1>") == 1
    assert page.rstrip().endswith("</html>")


def test_same_inputs_give_the_same_bytes(finished):
    one, two = finished / "one", finished / "two"
    files = sorted(p.relative_to(one) for p in one.rglob("*.*"))
    kinds = {".html", ".json", ".png", ".pdf", ".csv", ".tex", ".sha256"}
    assert {path.suffix for path in files} == kinds
    for path in files:
        assert (one / path).read_bytes() == (two / path).read_bytes()


def test_models_are_shown_by_falling_kl(finished, page):
    assert page.count("<b>original</b>") == 3 * len(made().objectives)
    assert "in position" in page
    assert "3 classes" in page
    assert "2 classes" in page
    assert (finished / "one/figures/tiny_pictures_hfvae.pdf").exists()


def test_the_audit_says_how_far_off_each_estimator_is(finished, page):
    off = audit.bias(pd.read_csv(finished / "little/tiny/audit.csv"))
    for value in off.query("term == 'total_correlation'")["value"]:
        assert f"<td>{'+' * (value > 0)}{text.fixed(value, 2)}<small>" in page
    assert "The total correlation of run vae/default seed 0 is" in page
    assert "Train with them, never report them." in page
    assert (finished / "one/figures/tiny_audit_total_correlation.pdf").exists()


def test_chance_and_a_perfect_code_stand_beside_the_values(page):
    rows = re.findall(r'<tr class="level">.*?>([a-z ]+)</th><td></td><td>([0-9.]+)</td>', page)
    assert [name for name, _ in rows] == ["a perfect code", "chance"]
    perfect, chance = (float(value) for _, value in rows)
    assert (perfect, chance) == (pytest.approx(1), pytest.approx(0, abs=0.1))
    assert '<th scope="col">perfect code</th>' in page


def test_every_objective_says_which_latent_knows_which_factor(finished, page):
    assert page.count("share of each factor&#39;s entropy") == len(made().objectives)
    assert (finished / "one/figures/tiny_information_hfvae.png").exists()


def test_only_its_own_stale_files_are_removed(tmp_path):
    old = made(datasets={"gone": STUDY["datasets"]["tiny"]}, **LEAN)
    rendered(tmp_path, old, scored(old))
    mine = tmp_path / "report/figures/gone_mine.pdf"
    mine.touch()
    page = rendered(tmp_path, made(**LEAN), scored(made(**LEAN)))
    assert [path for path in (tmp_path / "report").rglob("*gone*")] == [mine]
    assert (tmp_path / "report/figures/tiny_mig_beta.pdf").exists()
    assert "Not audited: no run has been" in page
    for absent in ("perfect code", "Which latent", "Dotted", ">chance<"):
        assert absent not in page


def test_large_studies_link_to_the_figures_of_other_metrics(tmp_path):
    sweep = {"beta_vae": {"beta": [1, 4]}}
    of = made(objectives=sweep, metrics=["mig", "sap"], seeds="0-250", pack=251)
    page = rendered(tmp_path, of, scored(of, ("mig", "sap")))
    assert 'href="figures/tiny_sap_beta.pdf"' in page
    assert (tmp_path / "report/figures/tiny_sap_beta.pdf").exists()
    assert "SAP against β" not in page


def test_tables_hold_every_digit(finished):
    tables, table = finished / "one/tables", scored(made())
    written = pd.read_csv(tables / "tiny_runs.csv")
    written = written.set_index(["objective", "setting", "seed"])
    for (_, *run), values in table.iterrows():
        assert written.loc[tuple(run), table.columns].to_list() == values.to_list()
    of_audit = pd.read_csv(tables / "tiny_audit.csv")
    read = pd.read_csv(finished / "little/tiny/audit.csv")
    assert list(of_audit["dataset"].unique()) == ["tiny"]
    of_audit = of_audit.drop(columns="dataset")
    pd.testing.assert_frame_equal(of_audit, read[list(of_audit)])
    for path in tables.glob("*.csv"):
        assert pd.read_csv(path).columns[0] == "dataset"
    for name in ("pairs", "audit", "leaderboard", "settings"):
        assert r"\toprule" in (tables / f"tiny_{name}.tex").read_text()


def test_leaderboard_is_the_best_setting_by_the_rule(tmp_path):
    of, table = made(**LEAN), scored(made(**LEAN))
    table.loc[("tiny", "beta_tcvae", "beta-1"), "mig"] = [0.2, 0.3, 0.4, 0.5]
    table.loc[("tiny", "beta_tcvae", "beta-4"), "mig"] = [0.1, 0.3, 0.4, np.nan]
    rendered(tmp_path, of, table)
    board = pd.read_csv(tmp_path / "report/tables/tiny_leaderboard.csv")
    row = board.query("objective == 'beta_tcvae' and value == 'mig'").squeeze()
    assert row["setting"] == "beta-1"
    assert row["mean"] == pytest.approx(0.35)
    assert (row["n"], row["planned"]) == (4, 4)
    settings = pd.read_csv(tmp_path / "report/tables/tiny_settings.csv")
    other = settings.query("setting == 'beta-4' and objective == 'beta_tcvae' and value == 'mig'")
    assert other["n"].item() == 3
    assert other["mean"].item() == pytest.approx(0.8 / 3)


def test_a_clear_lead_and_an_open_one_are_told_apart(tmp_path):
    of, table = made(**LEAN), scored(made(**LEAN))
    table["mig"] = np.tile([0.10, 0.11, 0.12, 0.13], len(table) // 4)
    assert "share the highest mean MIG" in rendered(tmp_path, of, table)
    table.loc[("tiny", "hfvae"), "mig"] = [0.80, 0.81, 0.82, 0.83]
    page = rendered(tmp_path, of, table)
    assert "HFVAE (β = 4) has the highest mean MIG" in page
    assert "Its lead over every other of these is clear" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": ["mig"]},
        {"metrics": ["decomposition"]},
        {"seeds": "7", **LEAN},
        {"objectives": {"vae": {}}, **LEAN},
        {"objectives": {"a": {"of": "beta_tcvae", "beta": [1, 2, 4, 8], "gamma": [1, 2]}}, **LEAN},
        {"datasets": dict.fromkeys(("left", "right"), STUDY["datasets"]["tiny"]), **LEAN},
    ],
    ids=["mig alone", "no MIG", "one seed", "one objective", "two sweeps", "two data sets"],
)
def test_what_was_not_run_is_no_hindrance(tmp_path, changes):
    of = made(**changes)
    names = ["mig"] if "mig" in of.metrics else []
    page = rendered(tmp_path, of, scored(of, names))
    ranked = of.metrics != ["decomposition"]  # which has no value with a better end
    settings = sum(len(of.sweep(name)) for name in of.objectives)
    others = settings > (len(of.objectives) if ranked else 0)
    assert page.count('<table class="board"') == (ranked + others) * len(of.datasets)
    assert ("There is nothing to rank." in page) != ranked
    assert page.count("The choice is made on the same runs.") == len(of.datasets) * (
        ranked and len(of.packs) > 2
    )
    assert ("one seed, so no interval" in page) == (of.seeds == "7")


def test_all_runs_failed(tmp_path):
    of = made()
    trained(tmp_path, of, failed=range(4))
    page = rendered(tmp_path, of, scored(of) * np.nan)
    assert "No run of this data set has a score." in page
    assert "tiny/vae/default seed 0: noticed at step 3" in page


def test_failures_are_named_and_absent_ones_are_none(tmp_path):
    of, table = made(**LEAN), scored(made(**LEAN))
    trained(tmp_path, of)
    page = rendered(tmp_path, of, table)
    assert page.count("<dd>none</dd>") == 5
    assert page.count("<dd>not known: no run has a rate or active units</dd>") == 1
    assert status(page) == ["16 of 16 runs finished", "none diverged", "nothing to check"]
    trained(tmp_path, of, revisions=("abc", "def+"), failed=[2])
    table.loc[(slice(None), slice(None), slice(None), 2), :] = np.nan
    page = rendered(tmp_path, of, table.drop(("tiny", "vae", "default", 3)))
    assert "tiny/hfvae/beta-4 seed 2: noticed at step 3" in page
    assert "<li>tiny/vae/default seed 3</li>" in page
    assert "the numbers come from 2 code revisions: abc and def+" in page
    assert status(page) == [
        "15 of 16 runs finished",
        "4 diverged",
        "nothing to check",
        "origins differ or have no clean revision",
    ]
    anchors = re.findall(r'<p class="status">(.*)</p>', page)[0]
    for anchor in re.findall('href="#([a-z]+)"', anchors):
        assert f' id="{anchor}"' in page


def test_impossible_numbers_are_reported(tmp_path):
    of, table = made(), scored(made())
    run = ("tiny", "vae", "default", 1)
    table.loc[run, "index_code_mi"] = 100
    assert {bool(c.wrong) for c in checks.numeric(of, scored(of))} == {False}
    wrong = [check.text for check in checks.numeric(of, table) if check.wrong]
    assert wrong == ["index-code MI between 0 and log N", "the four terms sum to the rate"]
    page = rendered(tmp_path, of, table)
    assert "tiny/vae/default seed 1: off by" in page
    assert "2 of 4 checks failed" in status(page)


def test_what_was_resumed_and_scored_elsewhere_is_said(tmp_path):
    of = made(**LEAN)
    trained(tmp_path, of)
    pack = of.packs[0].path
    with h5py.File(tmp_path / of.study / pack / "latents.h5", "a") as file:
        said = json.loads(file.attrs["provenance"])
        parts = [
            {"from_step": 0, "revision": "abc", "versions": {"torch": "2"}, "device": "cpu"},
            {"from_step": 9, "revision": "abc", "versions": {"torch": "2"}, "device": "a GPU"},
        ]
        file.attrs["provenance"] = json.dumps(said | {"trained": parts})
    tidy = scored(of).rename_axis("metric", axis=1).stack(future_stack=True).rename("value")
    scorings = [{"revision": "abc", "versions": {"torch": "2", "numpy": "3"}, "device": "cpu"}]
    table = tmp_path / "scores.parquet"
    write_parquet(tidy.reset_index(), table, {"scored": scorings})
    render(of, tmp_path, table, tmp_path / "report/index.html")
    page = (tmp_path / "report/index.html").read_text()
    assert "the numbers come from 2 devices: a GPU and cpu" in page
    assert f"{pack} was trained in parts, of which these differ" in page
    assert "numpy 3" in page
