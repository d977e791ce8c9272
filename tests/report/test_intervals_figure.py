"""Every setting with its interval: what is drawn is what the tables say, in order, whole names."""

import dataclasses

import numpy as np
import pytest
from builders.findings import block
from builders.studies import made, rendered, scored

from disentbench.report import runs, style
from disentbench.report.figures import intervals
from disentbench.report.figures._rows import mark_levels
from disentbench.report.levels import Level
from disentbench.report.ranking import Shown
from disentbench.report.references import Reference

pytestmark = pytest.mark.usefixtures("quick_figures")
METRICS = {"metrics": ["mig", "elbo"]}
SWEEP = {"beta_vae": {"beta": [1, 2, 4]}, "factor_vae": {"gamma": [10, 20]}, "vae": {}}


def scores(of):
    table = scored(of)
    table["distortion"] = np.random.default_rng(1).uniform(20, 40, len(table))
    table["elbo"] = -table["distortion"] - 1
    return table


def ordered(of, table, value="mig") -> tuple[runs.Block, intervals.Rows]:
    part, _ = block(of, table)
    values = runs.shown(of, table)
    return part, intervals.rows(part, values[value], list(runs.catalogue(of).index))


@pytest.mark.parametrize(("value", "sign"), [("mig", 1), ("distortion", -1)])
def test_rows_stand_best_first_as_the_tables_say(value, sign):
    of = made(objectives=SWEEP, **METRICS)
    part, rows = ordered(of, scores(of), value)
    means = sign * rows.table["mean"].to_numpy()
    assert (np.diff(means) <= 0).all()
    assert set(rows.keys) == set(runs.catalogue(of).index)
    for key, row in rows.table.iterrows():
        for name in ("mean", "low", "high", "n"):
            assert row[name] == getattr(part.summary, name).loc[key, value]


def test_what_is_drawn_are_the_means_the_intervals_and_every_run():
    of = made(objectives=SWEEP, **METRICS)
    table = scores(of)
    _, rows = ordered(of, table)
    ax = intervals.drawn(rows, runs.catalogue(of), style.looks(of), 4).axes[0]
    marks = [line.get_xdata()[0] for line in ax.lines]
    assert marks == list(rows.table["mean"])
    ticks = [c for c in ax.collections if not hasattr(c, "get_segments")]
    at = np.concatenate([tick.get_offsets()[:, 0] for tick in ticks])
    assert sorted(at) == pytest.approx(sorted(table["mig"]))
    bars = [c.get_segments()[0] for c in ax.collections if hasattr(c, "get_segments")]
    drawn = np.array([bar[:, 0] for bar in bars])
    assert drawn == pytest.approx(rows.table[["low", "high"]].to_numpy())
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(names)) == 6
    assert "β-VAE (β = 4)" in names


def test_settings_that_lost_runs_stand_last_and_say_of_how_many_they_are():
    of = made(objectives=SWEEP, **METRICS)
    table = scores(of)
    table.loc[("tiny", "beta_vae", "beta-1"), "mig"] = [0.99, np.nan, np.nan, np.nan]
    table.loc[("tiny", "vae", "default"), "mig"] = np.nan
    _, rows = ordered(of, table)
    assert rows.keys[-2:] == [("beta_vae", "beta-1"), ("vae", "default")]
    ax = intervals.drawn(rows, runs.catalogue(of), style.looks(of), 4).axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[-2:] == ["β-VAE (β = 1), 1 of 4", "VAE, 0 of 4"]
    assert "no run has it" in [text.get_text() for text in ax.texts]


def test_a_value_without_a_better_end_keeps_the_usual_order():
    of = made(objectives=SWEEP, **METRICS)
    table = scores(of)
    usual = list(runs.catalogue(of).index)[::-1]
    part, _ = block(of, table)
    shown = runs.shown(of, table)["mig"]
    still = Shown(dataclasses.replace(shown.value, better="neither"), shown.metric)
    assert intervals.rows(part, still, usual).keys == usual


def test_of_many_settings_the_best_of_each_objective_and_the_first_of_all_are_kept(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(intervals, "MOST", 4)
    of = made(objectives=SWEEP, metrics=["mig"])
    table = scored(of)
    table.loc[("tiny", "vae"), "mig"] = 0.01
    table.loc[("tiny", "factor_vae"), "mig"] = 0.02
    _, rows = ordered(of, table)
    kept = intervals.kept(rows)
    assert len(kept.table) == 4
    assert kept.keys == [*rows.keys[:2], rows.keys[3], ("vae", "default")]
    assert "Of 6 settings a figure shows 4" in rendered(tmp_path, of, table)


@pytest.mark.parametrize(
    ("level", "words", "lines"),
    [
        (Level(0.1, 0.9), ["chance", "perfect code"], [0.1, 0.9]),
        (Level(0.1, 0.2), ["chance, perfect code"], [0.1, 0.2]),
        (Level(0.1, 2.0), ["chance", "perfect code 2.00 →"], [0.1]),
        (Level(-1.0, np.nan), ["← chance −1.00"], []),
    ],
)
def test_levels_are_lines_within_the_axis_and_words_beyond_it(level, words, lines):
    ax = style.canvas(3, 2).add_subplot()
    ax.set_xlim(0, 1)
    mark_levels(ax, level)
    assert [text.get_text() for text in ax.texts if text.get_text()] == words
    assert [line.get_xdata()[0] for line in ax.lines] == lines
    assert ax.get_xlim() == (0, 1)


def test_a_published_number_is_a_grey_bar_in_the_row_of_its_setting():
    of = made(objectives=SWEEP, **METRICS)
    _, rows = ordered(of, scores(of))
    key = rows.keys[2]
    published = [
        Reference(key, "mig", 0.3, 0.4, "a paper"),
        Reference(("other", "one"), "mig", 0, 1, ""),
    ]
    draw = {"settings": runs.catalogue(of), "looks": style.looks(of), "planned": 4}
    ax = intervals.drawn(rows, **draw, published=published).axes[0]
    bar = ax.collections[-1].get_segments()
    assert [tuple(end[0]) for end in bar] == [(0.3, 1.5), (0.4, 1.5)]
    assert ax.get_xlabel() == "0 to 1; grey: published"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": "0", "pack": 1}, "One run of a setting has no interval."),
        ({"metrics": ["udr"]}, "Runs share in UDR"),
        ({"objectives": {"vae": {}}}, "There is one setting, or no run has a value"),
    ],
    ids=["one seed", "shared", "one setting"],
)
def test_the_page_says_what_it_cannot_say(tmp_path, changes, said):
    of = made(**{"metrics": ["mig"]} | changes)
    names = ("udr_spearman",) if changes.get("metrics") else ("mig",)
    page = rendered(tmp_path, of, scored(of, names))
    assert said in page


def test_nothing_breaks_where_no_run_has_a_value(tmp_path):
    of = made(metrics=["mig"])
    page = rendered(tmp_path, of, scored(of).assign(mig=np.nan))
    assert "There is one setting, or no run has a value" in page
    assert not list((tmp_path / "report/figures").glob("*intervals*"))
