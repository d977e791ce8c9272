"""Rate against distortion: means with their strengths, labels that keep clear of one another."""

import numpy as np
import pytest
from builders.findings import block
from builders.studies import made, scored

from disentbench.report import runs, style
from disentbench.report.figures import _rate_distortion, bound
from disentbench.report.figures._rate_distortion import Box, labelled

LONG = "a" * 30 + "z" * 30
AREA = Box(0, 0, 200, 200)


def boxes(places, texts, offsets) -> list[Box]:
    wide = {key: _rate_distortion.LETTER * len(texts[key]) for key in offsets}
    return [
        _rate_distortion._around(np.add(places[key], offset), wide[key], _rate_distortion.FONT)
        for key, offset in offsets.items()
    ]


@pytest.mark.parametrize("count", [1, 10, 100])
def test_labels_meet_neither_marks_nor_labels(count):
    at = np.random.default_rng(0).uniform(0, 200, (count, 2))
    texts = {i: str(i) for i in range(count)}
    places = dict(enumerate(at))
    offsets = labelled(places, texts, at, AREA, set())
    shown = boxes(places, texts, offsets)
    marks = [_rate_distortion._around(mark, *[_rate_distortion.MARK] * 2) for mark in at]
    assert all(box.within(AREA) for box in shown)
    assert not any(box.meets(mark) for box in shown for mark in marks)
    assert not any(a.meets(b) for i, a in enumerate(shown) for b in shown[:i])
    assert len(offsets) >= min(count, 10) * 0.8


def test_where_all_marks_are_one_the_ends_alone_are_named():
    at = np.full((30, 2), 100.0)
    places, texts = dict(enumerate(at)), dict.fromkeys(range(30), "10")
    offsets = labelled(places, texts, at, AREA, {28, 29})
    assert {28, 29} <= set(offsets)
    assert len(offsets) <= len(_rate_distortion.PLACES) + 2


def study(seeds: int, name="beta_tcvae"):
    objectives = {"vae": {}, name: {"of": "beta_tcvae", "beta": [1, 2, 4, 8, 16]}}
    return made(objectives=objectives, seeds=f"0-{seeds - 1}", pack=seeds)


def drawn(of, table):
    with style.applied():
        part, _ = block(of, table)
        settings = runs.catalogue(of)
        figure = _rate_distortion.rate_distortion(part, settings, style.looks(of))
    return part, figure.axes[0]


def test_marks_are_the_means_and_the_ends_of_a_line_have_their_strengths():
    of = study(4)
    part, ax = drawn(of, scored(of))
    mean = part.summary.mean.loc["beta_tcvae"]
    marks = [c.get_offsets() for c in ax.collections]
    expected = mean[["distortion", "rate"]].to_numpy()
    assert any(len(m) == 5 and np.allclose(m, expected) for m in marks)
    assert sum(len(m) == 20 for m in marks) == 1  # every run a point
    words = {text.get_text(): text.xy for text in ax.texts}
    for strength, setting in (("1", "beta-1"), ("16", "beta-16")):
        assert words[strength] == pytest.approx(mean.loc[setting, ["distortion", "rate"]])


def test_of_many_runs_there_is_a_cross_for_each_setting():
    of = study(100)
    table = scored(of)
    _, ax = drawn(of, table)
    rows = table.loc[("tiny", "beta_tcvae", "beta-4")]
    low, high = rows["distortion"].quantile([0.25, 0.75])
    spans = [
        s[:, 0] for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments()
    ]
    assert any(span == pytest.approx([low, high]) for span in spans)
    offsets = [c for c in ax.collections if not hasattr(c, "get_segments")]
    assert max(len(c.get_offsets()) for c in offsets) == 5


def test_objectives_that_lack_runs_say_of_how_many_they_are():
    of = study(4)
    table = scored(of)
    table.loc[("tiny", "vae")] = np.nan
    table.loc[("tiny", "beta_tcvae", "beta-2", slice(0, 2)), "rate"] = np.nan
    _, ax = drawn(of, table)
    assert [t.get_text() for t in ax.figure.legends[0].get_texts()] == ["β-TCVAE (β), 17 of 20"]


def test_one_run_alone_is_drawn():
    of = study(4)
    table = scored(of)
    table.iloc[1:] = np.nan
    _, ax = drawn(of, table)
    assert [t.get_text() for t in ax.figure.legends[0].get_texts()] == ["β-TCVAE (β), 1 of 20"]


def test_long_names_leave_the_axes_their_room():
    of = study(3, LONG)
    table = scored(of)
    with style.applied():
        part, _ = block(of, table)
        settings = runs.catalogue(of)
        figures = [
            bound.decomposition(part, settings),
            _rate_distortion.rate_distortion(part, settings, style.looks(of)),
        ]
        for figure in figures:
            figure.draw_without_rendering()
            assert figure.axes[0].get_position().width > 0.5
