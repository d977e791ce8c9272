"""The page of studies that went wrong, are tiny, or are huge: whole, and frank about it."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from builders import browsed, large_study
from builders.studies import made, rendered, scored

from disentbench.report import style

pytestmark = pytest.mark.usefixtures("on_the_page_alone")
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}
MOST_BYTES = {"3,600 runs": 8e6, "12,600 runs": 16e6}


@pytest.fixture
def on_the_page_alone(monkeypatch):
    """Figures are drawn for the page, and not again for the files beside it: thrice as quick."""
    monkeypatch.setattr(style, "save", lambda figure, folder, name: None)


class Extreme(NamedTuple):
    """A study: what makes its report in a folder, and words that the page must have."""

    make: Callable[[Path], str | None]
    words: tuple[str, ...] = ()


def lonely(folder: Path) -> str:
    of = made(objectives={"vae": {}}, seeds="3", pack=1)
    return rendered(folder, of, scored(of))


def one_strength(folder: Path) -> str:
    of = made(objectives={"beta_vae": {"beta": [4]}})
    return rendered(folder, of, scored(of))


def one_seed(folder: Path) -> str:
    of = made(seeds="0", pack=1)
    return rendered(folder, of, scored(of))


def objective_failed(folder: Path) -> str:
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}, "beta_tcvae": {"beta": [4]}})
    return rendered(folder, of, large_study.failed(scored(of), "beta_vae"))


def all_failed(folder: Path) -> str:
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}})
    return rendered(folder, of, scored(of) * np.nan)


def metric_missing(folder: Path) -> str:
    """MIG, by which the report would rank, is no number anywhere."""
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}})
    return rendered(folder, of, scored(of).assign(mig=np.nan))


def other_metric_missing(folder: Path) -> str:
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}}, metrics=["mig", "sap"])
    return rendered(folder, of, scored(of, ("mig",)).assign(sap=np.nan))


def infinite(folder: Path) -> str:
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}}, metrics=["mig"])
    table = scored(of)
    table.iloc[::2] = np.inf
    table.iloc[1] = -np.inf
    return rendered(folder, of, table)


def equal(folder: Path) -> str:
    """Every run has the same scores: nothing varies, nothing leads."""
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}})
    table = scored(of)
    return rendered(folder, of, pd.DataFrame([table.iloc[0]] * len(table), table.index))


def scores_gone(folder: Path) -> str:
    """Half of the runs are not in the table at all."""
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4]}})
    return rendered(folder, of, scored(of).iloc[::2])


def nothing_ranks(folder: Path) -> str:
    of = made(objectives={"vae": {}}, metrics=["active_units"])
    return rendered(folder, of, scored(of, ("active_units",)).round())


def without_elbo(folder: Path) -> str:
    """The rate has terms, and there is no distortion beside it."""
    of = made(metrics=["mig", "decomposition"])
    return rendered(folder, of, scored(of).drop(columns=["distortion", "elbo"]))


def a_term_missing(folder: Path) -> str:
    """The rate is known, and one of its terms is not."""
    of = made()
    return rendered(folder, of, scored(of).assign(index_code_mi=np.nan))


def many(folder: Path) -> str:
    """Seven data sets, 36 settings, 50 seeds: as many as Locatello et al. (2019) trained."""
    of = large_study.sweeping(datasets=7)
    return rendered(folder, of, large_study.scores(of))


EXTREMES = {
    "one run": Extreme(lonely, ("one seed, so no interval", "1 of 1 run finished")),
    "one strength": Extreme(one_strength, ("reaches a mean MIG of",)),
    "one seed": Extreme(one_seed, ("With a single seed an order of the objectives says nothing",)),
    "an objective failed": Extreme(
        objective_failed, ("Without a setting that has MIG of 2 of its 4 runs: β-VAE.",)
    ),
    "all failed": Extreme(all_failed, ("No run of this data set has a score.",)),
    "the metric is missing": Extreme(metric_missing, ("No run of this data set has MIG.",)),
    "another is missing": Extreme(other_metric_missing, ("missing or not a number in 12 runs",)),
    "infinite": Extreme(infinite, ("infinite in",)),
    "all equal": Extreme(equal, ("share the highest mean MIG",)),
    "half gone": Extreme(scores_gone, ("6 of 12 runs finished",)),
    "nothing ranks": Extreme(nothing_ranks, ("None of the study’s values has a better end.",)),
    "no distortion": Extreme(without_elbo, ("The rate of each setting, split over",)),
    "a term is missing": Extreme(a_term_missing, ("Rate against distortion",)),
    "hostile names": Extreme(browsed.hostile, ("&lt;script&gt;alert(1)&lt;/script&gt;",)),
}
LARGE = {
    "12,600 runs": Extreme(many, ("12\u2009600 of 12\u2009600 runs finished",)),
    "3,600 runs": Extreme(
        lambda folder: large_study.reported(folder, large_study.sweeping()),
        ("3\u2009600 of 3\u2009600 runs finished",),
    ),
}


class Outline(HTMLParser):
    """What a page is made of; raises where a tag does not close, or closes what is not open."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert len(given) == len(attrs), f"<{tag}> has an attribute twice"
        self.ids += [given["id"]] if "id" in given else []
        address = given.get("href") or ""
        self.targets += [address[1:]] if address.startswith("#") else []
        self.words += [
            given[name] or "" for name in ("alt", "title", "aria-label") if name in given
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data):
        if not {"script", "style", "pre"} & set(self.open):
            self.words.append(data)


def sound(page: str) -> None:
    """A page is well-formed, its links lead somewhere, and no number is written `nan`."""
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert outline.open == []
    assert [name for name in set(outline.ids) if outline.ids.count(name) > 1] == []
    assert set(outline.targets) <= set(outline.ids)
    text = " ".join(outline.words)
    assert not re.search(r"\b(nan|NaN|inf)\b|^None$", text)
    assert not re.search(r"\b1 (runs|settings|objectives|seeds|images|data sets|pairs)\b", text)
    assert "  of " not in text


@pytest.mark.parametrize("name", EXTREMES)
def test_the_page_is_whole_and_says_what_it_cannot(tmp_path, name):
    extreme = EXTREMES[name]
    extreme.make(tmp_path)
    page = (tmp_path / "report/index.html").read_text()
    sound(page)
    for words in extreme.words:
        assert words in page.replace("\u00a0", " ")


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_of_however_many_runs(tmp_path, name):
    extreme = LARGE[name]
    page = extreme.make(tmp_path)
    assert page
    sound(page)
    assert len(page.encode()) < MOST_BYTES[name]
    for words in extreme.words:
        assert words in page


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<p><b></p></b>", "does not close"),
        ("</p>", "closes nothing"),
        ("<p id='a'></p><p id='a'></p>", "assert"),
        ("<a href='#b'></a>", "assert"),
        ("<p>a mean of nan</p>", "assert"),
        ("<p>All 1 settings</p>", "assert"),
    ],
)
def test_what_is_unsound_would_be_noticed(page, words):
    with pytest.raises(AssertionError, match=words):
        sound(page)
