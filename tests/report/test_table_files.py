"""The tables beside the page: CSV that stands alone, LaTeX that fits a page and any TeX."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.studies import STUDY, made, rendered, scored

from disentbench import plugins
from disentbench.report import methods, tables, tabular, text
from disentbench.report import runs as run_tables
from disentbench.report.text import count, fixed, latex, number, probability

pytestmark = pytest.mark.usefixtures("quick_figures")


@pytest.fixture(scope="module")
def written(tmp_path_factory, draw) -> Path:
    """The tables of a study in which one objective sweeps two settings; no figure is drawn."""
    folder = tmp_path_factory.mktemp("written")
    swept = STUDY["objectives"] | {"info_vae": {"lambda_mmd": [2, 4], "alpha": [0, 0.5]}}
    of = made(objectives=swept, metrics=[*STUDY["metrics"], "mig_chen", "sap"])
    draw()
    rendered(folder, of, scored(of, ("mig", "mig_chen", "sap")))
    return folder / "report/tables"


def test_what_is_swept_has_a_column_of_numbers(written):
    for name in ("runs", "settings", "leaderboard", "leaderboard_all"):
        table = pd.read_csv(written / f"tiny_{name}.csv")
        names = ["dataset", "objective", "setting", "beta", "lambda_mmd", "alpha"]
        assert list(table)[:6] == names
    runs = pd.read_csv(written / "tiny_runs.csv").set_index("setting")
    assert set(runs.loc["beta-4", "beta"]) == {4}
    assert runs.loc["default", "beta"].isna().all()
    assert set(runs.loc["lambda_mmd-4_alpha-0.5", "lambda_mmd"]) == {4}
    assert set(runs.loc["lambda_mmd-4_alpha-0.5", "alpha"]) == {0.5}


def test_pairs_have_the_strengths_of_both_sides(written):
    pairs = pd.read_csv(written / "tiny_pairs.csv")
    for side in ("", "other_"):
        strength = pairs[f"{side}setting"].str.extract(r"beta-(\d+)")[0].astype(float)
        pd.testing.assert_series_equal(pairs[f"{side}beta"], strength, check_names=False)


def test_a_setting_without_a_sweep_adds_no_column():
    of = made(objectives={"vae": {}})
    table = pd.DataFrame({"objective": ["vae"], "setting": ["default"], "value": [1.0]})
    placed = tables.placed(table, "tiny", run_tables.catalogue(of))
    assert list(placed) == ["dataset", "objective", "setting", "value"]


def test_what_is_swept_may_be_called_as_a_column_is():
    index = pd.MultiIndex.from_tuples([("mine", "rate-2")], names=["objective", "setting"])
    settings = pd.DataFrame({"point": [{"rate": 2, "n": 7}]}, index)
    table = pd.DataFrame({"objective": ["mine"], "setting": ["rate-2"], "n": [3], "rate": [0.5]})
    assert tables.placed(table, "tiny", settings).loc[0].to_dict() == {
        **{"dataset": "tiny", "objective": "mine", "setting": "rate-2"},
        **{"swept_rate": 2, "swept_n": 7, "n": 3, "rate": 0.5},
    }


def tabulars(path: Path) -> list[list[list[str]]]:
    """The rows of cells of every tabular of a file."""
    bodies = re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", path.read_text(), re.DOTALL)
    rows = [re.findall(r"^(.* & .*) \\\\$", body, re.MULTILINE) for body in bodies]
    return [[re.split(r"(?<!\\) & ", row) for row in body] for body in rows]


def test_no_table_is_wider_than_a_page(written):
    for path in written.glob("tiny_[ls]*.tex"):
        for body in tabulars(path):
            assert {len(row) for row in body} == {len(body[0])}
            assert 4 <= len(body[0]) <= 3 + tabular.COLUMNS


def test_parts_of_a_table_have_the_same_rows_and_together_every_value(written):
    first, *others = tabulars(written / "tiny_settings.tex")
    assert others
    for body in others:
        assert [row[:3] for row in body] == [row[:3] for row in first]
    table = pd.read_csv(written / "tiny_settings.csv")
    assert sum(len(body[0]) - 3 for body in (first, *others)) == table["value"].nunique()
    assert len(first) == 1 + len(table[["objective", "setting"]].drop_duplicates())


def test_the_table_for_a_paper_is_one_of_few_columns(written):
    (body,) = tabulars(written / "tiny_leaderboard.tex")
    heads = [re.sub(r"\\shortstack\[r\]|[{}]|\\\\", " ", cell).split() for cell in body[0]]
    assert [head[0] for head in heads] == [
        "objective",
        "setting",
        "n",
        "MIG",
        "distortion",
        "active",
    ]
    assert set(pd.read_csv(written / "tiny_leaderboard.csv")["value"]) == {
        "mig",
        "distortion",
        "active_units",
    }


def test_groups_of_braces_and_environments_close(written):
    for path in written.glob("*.tex"):
        content = path.read_text()
        assert content.isascii(), path.name
        plain = re.sub(r"\\[{}\\]", "", content)
        assert plain.count("{") == plain.count("}")
        assert content.count(r"\begin{tabular}") == content.count(r"\end{tabular}") > 0
        assert len(re.findall(r"(?<!\\)\$", content)) % 2 == 0


def test_no_sign_of_a_label_a_setting_or_a_number_is_beyond_ascii():
    metrics = [plugins.load("metrics", name) for name in plugins.names("metrics")]
    objectives = [plugins.load("objectives", name) for name in plugins.names("objectives")]
    values = [value for metric in metrics for value in metric.values]
    words = [m.label for m in metrics] + [o.label for o in objectives]
    words += [v.label for v in values] + [v.unit for v in values]
    words += [methods._range(value) for value in values]
    words += [text.symbol(key) for key in (*text.GREEK, "lambda_od", "beta")]
    numbers = [0.0, -1.5, 1234567.0, 1e-9, -2.5e300, 1e7, np.inf, -np.inf, np.nan]
    words += [number(x) for x in numbers] + [fixed(x, 2) for x in numbers]
    words += [probability(p) for p in (0, 0.0499, 1, np.nan)] + [count(12600, "run")]
    words += ['± × · ≥ ≤ ≈ ≠ ∞ → ↑ ↓ ‖ ∑ ∏ √ ₀₁₂ ² ’‘“” … – — − \u00a0\u2009\u202f " | < >']
    for word in words:
        assert re.fullmatch(r"[ -~]*", latex(word)), word


def test_a_number_is_typeset_as_one():
    assert latex(fixed(-12345.678, 1)) == r"$-$12\,345.7"
    assert latex("95\u00a0% of β ≤ 4") == r"95~\% of $\beta$ $\leq$ 4"
    assert tabular.head("index-code mutual information (nats)") == (
        r"\shortstack[r]{index-code\\mutual\\information\\(nats)}"
    )
    assert tabular.head("MIG") == "MIG"


@pytest.mark.parametrize(
    ("n", "noun", "expected"),
    [
        (1, "study", "1 study"),
        (2, "study", "2 studies"),
        (2, "day", "2 days"),
        (2, "class", "2 classes"),
        (2, "index", "2 indexes"),
        (2, "batch", "2 batches"),
        (0, "run", "0 runs"),
        (12600, "run", "12\u2009600 runs"),
    ],
)
def test_nouns_are_counted(n, noun, expected):
    assert count(n, noun) == expected
