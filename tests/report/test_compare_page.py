"""Two results on one page: the verdict, the differences and their tests, the order; safe names."""

import base64
import hashlib
import html
import re

import numpy as np
import pandas as pd
import pytest
from builders.tidy_tables import saved, tidy
from scipy import stats

from disentbench.cli import main
from disentbench.report import compare_tables
from disentbench.report.compare import render
from disentbench.results import diff
from disentbench.storage import seals

pytestmark = pytest.mark.usefixtures("quick_figures")


def compared(tmp_path, a, b, name="page.html") -> str:
    """The page on two tables."""
    paths = [saved(tmp_path / side, table) for side, table in (("a", a), ("b", b))]
    render(*paths, tmp_path / "out" / name)
    return re.sub(r"\s+", " ", (tmp_path / "out" / name).read_text())


def table_of(tmp_path, name) -> pd.DataFrame:
    return pd.read_csv(tmp_path / f"out/tables/page_{name}.csv")


def moved(table, by, **where):
    """The table with some values moved by as much as `by` says."""
    rows = np.logical_and.reduce([table[key] == value for key, value in where.items()])
    table = table.copy()
    table.loc[rows, "value"] += by
    return table


def test_a_result_beside_itself_is_identical_and_has_nothing_to_draw(tmp_path):
    folder = saved(tmp_path / "a", tidy())
    render(folder, folder, tmp_path / "out/page.html")
    page = (tmp_path / "out/page.html").read_text()
    assert "Identical: 16 values of 8 runs." in page
    assert "A and B are the same results." in page
    assert not list((tmp_path / "out").glob("figures/*"))
    assert 'id="differences"' not in page


def test_the_differences_are_those_of_scipy_with_its_p_and_holm(tmp_path):
    a = tidy(("vae", "beta_vae", "factor_vae"), range(6))
    rng = np.random.default_rng(3)
    b = a.assign(value=a["value"] + rng.normal(0.1, 0.1, len(a)))
    others = b["objective"] == "factor_vae"
    b.loc[others, "seed"] += 100
    compared(tmp_path, a, b)
    table = table_of(tmp_path, "differences").set_index(["metric", "objective"])
    assert len(table) == 6
    for (metric, objective), row in table.iterrows():
        rows = (a["metric"] == metric) & (a["objective"] == objective)
        x, y = (side.loc[rows, "value"] for side in (a, b))
        if objective == "factor_vae":
            assert row["kind"] == "Welch"
            test = stats.ttest_ind(y, x, equal_var=False)
        else:
            test = stats.ttest_rel(y, x)
        interval = test.confidence_interval()
        assert row["difference"] == pytest.approx(y.mean() - x.mean())
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p"] == pytest.approx(test.pvalue)
    for _, rows in table.groupby("metric"):
        p = np.sort(rows["p"])
        expected = np.minimum(np.maximum.accumulate(p * [3, 2, 1]), 1)
        np.testing.assert_allclose(np.sort(rows["p_holm"]), expected)
    clear = table["p_holm"] <= 0.05
    assert (table["verdict"] == "clear").equals(clear)


def test_the_clearest_difference_stands_first(tmp_path):
    a = tidy()
    rng = np.random.default_rng(0)
    b = moved(a, 0.5 + rng.normal(0, 1e-3, 4), objective="vae", metric="elbo")
    b = moved(b, rng.normal(0, 1, 4), objective="beta_vae", metric="mig")
    compared(tmp_path, a, b)
    assert table_of(tmp_path, "differences")["metric"].tolist() == ["elbo", "mig"]


def test_an_order_turned_round_is_seen(tmp_path):
    names = ("vae", "beta_vae", "beta_tcvae")
    a = tidy(names, range(3), ("mig", "distortion"))
    for place, name in enumerate(names):
        a.loc[a["objective"] == name, "value"] = place / 10 + np.arange(6) / 1000
    b = a.assign(value=1 - a["value"])
    compared(tmp_path, a, b)
    agreement = table_of(tmp_path, "agreement").set_index("metric")
    assert agreement["tau"].to_dict() == {"mig": -1, "distortion": -1}
    order = table_of(tmp_path, "order").set_index("objective")
    assert order["rank_a"].to_dict() == {"vae": 3, "beta_vae": 2, "beta_tcvae": 1}  # of MIG
    assert order["rank_b"].to_dict() == {"vae": 1, "beta_vae": 2, "beta_tcvae": 3}


def test_without_a_common_run_both_are_summed_up(tmp_path):
    page = compared(tmp_path, tidy(("vae",)), tidy(("beta_vae",)))
    assert "Nothing to compare: no value of any run is in both" in page
    assert "0 in both, 4 in A alone, 4 in B alone" in page
    assert "<details>" not in page
    summary = table_of(tmp_path, "summaries").set_index(["objective", "metric"])
    vae = tidy(("vae",)).query("metric == 'mig'")["value"]
    row = summary.loc[("vae", "mig")]
    assert (row["mean_a"], row["sd_a"], row["n_a"]) == pytest.approx((vae.mean(), vae.std(), 4))
    assert row["n_b"] == 0
    assert table_of(tmp_path, "alone")["seeds"].tolist() == ["0–3", "0–3"]


def test_rounding_is_told_from_more(tmp_path):
    a = tidy()
    b = a.assign(value=np.nextafter(a["value"], np.inf))
    b.loc[0, "value"] += 0.1
    compared(tmp_path, a, b)
    metrics = table_of(tmp_path, "metrics").set_index("metric")
    assert metrics["differing"].to_dict() == {"mig": 8, "elbo": 8}
    assert metrics["beyond_rounding"].to_dict() == {"mig": 1, "elbo": 0}


def test_one_seed_a_side_and_values_that_are_no_numbers_break_nothing(tmp_path):
    a = tidy(seeds=[0])
    b = a.assign(value=[np.nan, np.inf, 0.3, -np.inf])
    page = compared(tmp_path, a, b)
    assert "4 of 4 values differ" in page
    assert not len(table_of(tmp_path, "differences"))
    assert "3 of them finite in A or B alone" in page


def test_a_large_comparison_is_cut_with_a_word_and_whole_in_its_table(tmp_path):
    settings = [f"beta-{n}" for n in range(120)]
    index = pd.MultiIndex.from_product([["d0", "d1"], ["beta_vae"], settings, range(3), ["mig"]])
    index.names = [*diff.RUN, "metric"]
    rng = np.random.default_rng(0)
    a = pd.DataFrame({"value": rng.uniform(size=len(index))}, index).reset_index()
    b = a.assign(value=a["value"] + rng.normal(0, 0.1, len(a)))
    page = compared(tmp_path, a, b)
    assert "And 180 more rows." in page
    assert len(table_of(tmp_path, "differences")) == 240
    assert len(page) < 1_000_000


EVIL = "<script>alert(1)</script>" + "ü" * 40


def test_no_name_is_markup_and_a_long_one_breaks_nothing(tmp_path):
    a = tidy(("vae", EVIL), metrics=("mig", f"{EVIL}$x_"))
    b = a.assign(value=a["value"] + np.random.default_rng(0).normal(0, 0.1, len(a)))
    page = compared(tmp_path, a, b)
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert " style=" not in re.sub(r"data:image/[^\"]*", "", page)


def test_the_style_of_the_page_is_the_only_one_that_it_allows(tmp_path):
    folder = saved(tmp_path / "a", tidy())
    render(folder, folder, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    (css,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in html.unescape(page)
    assert "unsafe-inline" not in page


def test_the_same_comparison_has_the_same_bytes_and_leaves_nothing_stale(tmp_path):
    a = tidy()
    b = moved(a, np.arange(4) / 10, objective="vae", metric="mig")
    compared(tmp_path, a, b)
    files = sorted(p for p in (tmp_path / "out").rglob("*") if p.is_file())
    before = [path.read_bytes() for path in files]
    assert any(path.suffix == ".pdf" for path in files)
    compared(tmp_path, a, b)
    assert [path.read_bytes() for path in files] == before
    assert seals.all_damaged(tmp_path / "out") == []
    mine = tmp_path / "out/figures/mine.png"
    mine.touch()
    compared(tmp_path, a, a)
    assert list((tmp_path / "out").glob("figures/*")) == [mine]
    assert seals.all_damaged(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("objective", "setting", "words"),
    [
        ("vae", "default", "VAE"),
        ("beta_tcvae", "beta-4", "β-TCVAE (β = 4)"),
        ("mine", "lambda_od-10_gamma-1e-05", "mine (λ_od = 10, γ = 1e-05)"),
        ("mine", "what else", "mine (what else)"),
    ],
)
def test_a_setting_is_named_as_in_the_report(objective, setting, words):
    assert compare_tables.title(objective, setting) == words


def test_seeds_in_words():
    assert compare_tables.spans([7, 0, 1, 2, 9, 8, 20]) == "0–2, 7–9, 20"


WRONG = {
    "study and two results": (["s.yaml", "--compare", "A", "B"], "takes no STUDY, --scores,"),
    "a table and two results": (["--scores", "t.csv", "--compare", "A", "B"], "takes no STUDY"),
    "a value and two results": (["--rank-by", "mig", "--compare", "A", "B"], "--rank-by or"),
    "a study alone": (["s.yaml"], "name it with --scores"),
    "a table alone": (["--scores", "t.csv"], "name a STUDY with --scores, or two"),
    "nothing": ([], "name a STUDY with --scores, or two results with --compare A B"),
    "no results": (["--compare", "A", "B"], "A is no results folder"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_a_report_cannot_be_of_is_one_sentence(tmp_path, capsys, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    words, sentence = WRONG[how]
    assert main(["report", *words, "--out", "out/page.html"]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["page.txt", "page", "page.html.pdf"])
def test_a_page_of_another_suffix_is_refused(tmp_path, capsys, name):
    assert main(["report", "--compare", "A", "B", "--out", str(tmp_path / "out" / name)]) == 2
    said = capsys.readouterr().err
    assert f"{name} must end in .html" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_command_line_renders_two_results(tmp_path, capsys):
    a, b = (str(saved(tmp_path / side, tidy())) for side in "ab")
    assert main(["report", "--compare", a, b, "--out", str(tmp_path / "page.html")]) == 0
    assert "page.html in " in capsys.readouterr().err
    assert (tmp_path / "page.sha256").exists()
