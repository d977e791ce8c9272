"""What the page's script is given: the numbers of the table, and names that stay names."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
from builders.studies import LEAN, STUDY, made, rendered, scored, trained

from disentbench.report import browser, document, traces
from disentbench.results.tidy import RUN
from disentbench.scoring import statistics
from disentbench.storage.layout import StudyFolder

pytestmark = pytest.mark.usefixtures("quick_figures")
EVIL = '</script><script>alert(1)</script> <!-- \u2028 "it\'s" & β'


def given(page: str) -> dict:
    """The data of a page."""
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )


@pytest.fixture(scope="module")
def of():
    return made(datasets=dict.fromkeys(("left", "right"), STUDY["datasets"]["tiny"]))


@pytest.fixture(scope="module")
def table(of) -> pd.DataFrame:
    table = scored(of)
    table.loc[("left", "vae", "default", 0), "mig"] = np.nan
    table.loc[("left", "vae", "default", 1), "mig"] = np.inf
    table.loc[("right", "hfvae", "beta-4", 2), "active_units"] = 0
    return table.drop(("right", "vae", "default", 3))


@pytest.fixture(scope="module")
def data(tmp_path_factory, draw, of, table) -> dict:
    draw()
    return given(rendered(tmp_path_factory.mktemp("data"), of, table))


def named(data: dict) -> list[tuple]:
    """The runs by name, in the order of the columns."""
    runs = data["runs"]
    settings = [data["settings"][place] for place in runs["setting"]]
    return [
        (data["datasets"][d]["name"], data["objectives"][s["objective"]]["name"], s["name"], seed)
        for d, s, seed in zip(runs["dataset"], settings, runs["seed"], strict=True)
    ]


def test_every_number_is_that_of_the_table(data, of, table):
    planned = table.reindex(pd.MultiIndex.from_tuples(named(data), names=RUN))
    assert len(planned) == len(of.packs) * 2
    for name, column in data["scores"].items():
        expected = planned[name].replace(np.inf, np.nan).to_numpy(float)
        written = np.array(column, float)
        np.testing.assert_allclose(written, expected, rtol=5e-5)


def test_every_run_says_how_it_went(data):
    state = dict(zip(named(data), (data["states"][i] for i in data["runs"]["state"]), strict=True))
    others = {run: word for run, word in state.items() if word != "ok"}
    assert others == {
        ("right", "hfvae", "beta-4", 2): "collapsed",
        ("right", "vae", "default", 3): "unscored",
    }


def test_a_run_that_diverged_is_no_other_kind():
    index = pd.MultiIndex.from_product([["d"], ["o"], ["s"], [0, 1, 2]], names=RUN)
    runs = pd.DataFrame({"active_units": [0.0, np.nan, 0.0]}, index)
    first, second, third = index
    state = browser.states(runs, {first, third}, {first})
    assert state == {first: "diverged", second: "unscored", third: "collapsed"}


def test_paths_are_those_of_the_packs(data, of):
    paths = {
        data["path"].format(
            dataset=dataset, objective=objective, setting=setting, first=first, last=last
        )
        for (dataset, objective, setting, _), block in zip(
            named(data), data["runs"]["block"], strict=True
        )
        for first, last in [data["blocks"][block]]
    }
    assert paths == {pack.path for pack in of.packs}


@pytest.mark.parametrize("n", [2, 3, 10])
def test_intervals_are_students(n):
    half = statistics.half_width(np.array(1.0), np.array(n))
    assert browser.quantiles(10)[n] / np.sqrt(n) == pytest.approx(float(half))


def test_no_name_ends_the_element_it_is_in():
    text = document.embedded({EVIL: [EVIL]})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {EVIL: [EVIL]}


def test_a_number_that_is_none_is_no_number():
    assert [browser.brief(x) for x in (np.nan, np.inf, 0.1234567, -1e-9)] == [
        *(None, None),
        *(0.12346, -1e-9),
    ]


def points(sketch: traces.Sketch) -> np.ndarray:
    """A curve as it is read again."""
    share = np.frombuffer(base64.b64decode(sketch.bytes), np.uint8).astype(float)
    share = np.where(share == traces.MISSING, np.nan, share / (traces.MISSING - 1))
    if sketch.log:
        return np.exp(np.log(sketch.low) + share * np.log(sketch.high / sketch.low))
    return sketch.low + share * (sketch.high - sketch.low)


@pytest.mark.parametrize("log", [False, True])
def test_a_curve_is_within_half_a_step_of_its_values(log):
    values = np.geomspace(1, 1000, 200) if log else np.linspace(5, 9, 200)
    sketch = traces.sketch(values)
    kept = values[traces.chosen(200)]
    assert sketch.log == log
    assert len(kept) == traces.POINTS
    assert (kept[0], kept[-1]) == (values[0], values[-1])
    close = {"rtol": np.log(1000) / 400} if log else {"atol": 4 / 400}
    np.testing.assert_allclose(points(sketch), kept, **close)


def test_a_curve_has_gaps_where_a_loss_was_no_number():
    sketch = traces.sketch(np.array([1.0, np.nan, 3.0, np.inf]))
    np.testing.assert_array_equal(points(sketch), [1, np.nan, 3, np.nan])
    assert traces.sketch(np.array([np.nan])) is None
    assert points(traces.sketch(np.array([2.0, 2.0]))).tolist() == [2, 2]


def test_curves_and_logs_end_where_they_would_weigh_too_much(tmp_path):
    of = made(**LEAN)
    trained(tmp_path, of)
    files = StudyFolder(tmp_path / of.study)
    for pack in of.packs:
        path = files.pack(pack).log("train")
        path.parent.mkdir()
        path.write_text("\n".join(f"line {i} \x1b[31m{EVIL}" for i in range(9)) + "\n")
    few = traces.curves(files, of.packs, most=5)
    assert (len(few["runs"]), few["left_out"]) == (4, 4 * 4 - 4)
    one = traces.tail(files.pack(of.packs[0]).log("train"))
    assert one.count("\n") == traces.LINES - 1
    assert one.startswith("line 5 ")
    assert "\x1b" not in one
    logs = traces.logs(files, of.packs, most=len(one.encode()))
    assert (list(logs["packs"]), logs["left_out"]) == ([of.packs[0].path], 14)
    assert traces.tail(tmp_path / "gone.log") == ""
