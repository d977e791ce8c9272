"""results.json says what the page and its tables say, to the last digit, and is plain JSON."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.studies import examined, made, rendered, scored, trained

from disentbench.report import machine
from disentbench.storage import seals

pytestmark = pytest.mark.usefixtures("quick_figures")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, draw):
    """A study with models, levels and one diverged run, its report and the scores."""
    draw()
    folder, of = tmp_path_factory.mktemp("machine"), made()
    trained(folder, of, revisions=("abc", "def+"), failed=(1,))
    examined(folder, of)
    table = scored(of)
    table.loc[(slice(None), "vae", slice(None), 1), :] = np.nan
    table.loc[(slice(None), "hfvae", slice(None), 2), "mig"] = np.inf
    rendered(folder, of, table)
    return folder


@pytest.fixture(scope="module")
def content(finished):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads((finished / "report/results.json").read_text(), parse_constant=refuse)


def number(value) -> float:
    return math.nan if value is None else value


def test_settings_are_those_of_the_table_to_the_last_digit(finished, content):
    table = pd.read_csv(finished / "report/tables/tiny_settings.csv")
    settings = {(s["objective"], s["setting"]): s for s in content["datasets"]["tiny"]["settings"]}
    names = {"mean": "mean", "sd": "sd", "n": "n", "low_95": "low", "high_95": "high"}
    assert len(table) == sum(len(setting["values"]) for setting in settings.values())
    for row in table.to_dict("records"):
        setting = settings[row["objective"], row["setting"]]
        value = setting["values"][row["value"]]
        assert setting["planned"] == row["planned"]
        for column, name in names.items():
            np.testing.assert_array_equal(number(value[name]), row[column])


def test_the_best_and_their_comparisons_are_those_of_the_tables(finished, content):
    tables, tiny = finished / "report/tables", content["datasets"]["tiny"]
    board = pd.read_csv(tables / "tiny_leaderboard.csv")[["objective", "setting"]]
    best = list(dict.fromkeys(board.itertuples(index=False, name=None)))
    assert [(key["objective"], key["setting"]) for key in tiny["best"]] == best
    pairs = pd.read_csv(tables / "tiny_pairs.csv")
    assert set(tiny["choices"]) == {key["objective"] for key in tiny["best"]}
    assert len(pairs) == len(tiny["comparisons"]) == 3
    for row, pair in zip(pairs.to_dict("records"), tiny["comparisons"], strict=True):
        assert pair["first"] == {key: row[key] for key in ("objective", "setting")}
        assert pair["second"] == {key: row[f"other_{key}"] for key in ("objective", "setting")}
        gap = pair["difference"]
        assert (gap["mean"], gap["low"], gap["high"]) == (
            *(row["difference"], row["low_95"], row["high_95"]),
        )
        assert (pair["p"], pair["permutation"]) == (row["p"], row["p_permutation_holm"])
        assert (pair["level"], pair["seeds"]) == (row["level"], row["seeds_needed"])
        assert pair["clear"] == row["clear"]


def test_levels_checks_trouble_and_what_made_them(finished, content):
    levels = pd.read_csv(finished / "report/tables/tiny_levels.csv")
    row = levels.set_index("value").loc["mig"]
    assert content["datasets"]["tiny"]["levels"] == {
        "mig": {"chance": row["chance"], "perfect": row["perfect"]}
    }
    assert content["trouble"]["diverged"] == 4
    assert all(check["holds"] in (True, None) for check in content["checks"])
    assert content["made_by"] == {
        "revisions": ["abc", "def+"],
        "devices": ["cpu"],
        "versions": {"torch": ["2"]},
    }


def test_it_says_what_it_is(content):
    assert content["schema"] == 1
    assert content["study"] == "little"
    assert content["identity"]["of"] == "little/report/index"
    assert content["rule"]["name"] == "mig"
    assert content["rule"]["end"] == "highest"
    assert content["values"]["elbo"] == {
        **{"label": "ELBO", "unit": "nats", "better": "higher", "prominence": 7},
        **{"low": None, "high": None},
    }
    swept = {s["setting"]: s["swept"] for s in content["datasets"]["tiny"]["settings"]}
    assert swept == {"default": {}, "beta-1": {"beta": 1}, "beta-4": {"beta": 4}}


def words(content) -> set[str]:
    """The keys of the schema in results.json: those of all that has one key for each of a kind."""
    tiny, (value, *_) = content["datasets"]["tiny"], content["values"].values()
    setting, pair, (choice, *_) = (
        tiny["settings"][0],
        tiny["comparisons"][0],
        tiny["choices"].values(),
    )
    parts = [content, content["rule"], content["made_by"], content["checks"][0], value]
    parts += [tiny, tiny["levels"]["mig"], setting, setting["values"]["mig"], pair, choice]
    return {key for mapping in (*parts, pair["difference"]) for key in mapping}


def test_the_documentation_names_every_key_and_no_other(content):
    text = (Path(__file__).parents[2] / "docs/reading.md").read_text()
    text = text.partition("## For machines")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", text))
    assert words(content) == named


def test_keys_are_sorted_and_bytes_are_the_same_again(finished, content):
    path = finished / "report/results.json"
    again = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert path.read_text() == again
    before = path.read_bytes()
    table = scored(made())
    table.loc[(slice(None), "vae", slice(None), 1), :] = np.nan
    table.loc[(slice(None), "hfvae", slice(None), 2), "mig"] = np.inf
    rendered(finished, made(), table)
    assert path.read_bytes() == before


def test_the_checksums_of_the_report_hold_it(finished):
    assert seals.all_damaged(finished / "report") == []
    path = finished / "report/results.json"
    text = path.read_text()
    path.write_text(text.replace('"schema": 1', '"schema": 2'))
    damaged = seals.all_damaged(finished / "report")
    path.write_text(text)
    assert damaged == [path]


def test_a_study_without_a_score_has_results_all_the_same(tmp_path):
    of = made(metrics=["mig"], objectives={"vae": {}}, seeds="0")
    rendered(tmp_path, of, scored(of) * np.nan)
    content = json.loads((tmp_path / "report/results.json").read_text())
    (setting,) = content["datasets"]["tiny"]["settings"]
    assert setting["n"] == 0
    assert setting["values"]["mig"] == {
        **{"mean": None, "sd": None, "n": 0, "low": None, "high": None}
    }
    assert content["datasets"]["tiny"]["best"] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), 0.1),
        (-np.inf, None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        ((1, math.nan), [1, None]),
        ({1: pd.Series([2.5])}, {"1": [2.5]}),
    ],
)
def test_what_becomes_of_a_number(value, expected):
    assert machine.plain(value) == expected
