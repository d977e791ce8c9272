"""Names that are cut in the middle: how wide, and still apart."""

import pandas as pd
import pytest

from disentbench.report.figures import _names

LONG = "a" * 30 + "b" * 30


@pytest.mark.parametrize("most", [8, 25, 59])
@pytest.mark.parametrize("text", [LONG, "β" * 60, "漢字" * 30, "e\u0301" * 60, "<script>" * 9])
def test_a_short_name_is_as_wide_as_it_may_be_and_keeps_both_ends(text, most):
    shown = _names.short(text, most)
    assert most - 2 <= _names.width(shown) <= most
    start, end = shown.split("…")
    assert text.startswith(start)
    assert text.endswith(end)
    assert start
    assert end


def test_what_fits_stays_as_it_is():
    assert _names.short("β-TCVAE (β = 4)", 15) == "β-TCVAE (β = 4)"
    assert _names.shorts(["VAE", "β-VAE"], 5) == ["VAE", "β-VAE"]


@pytest.mark.parametrize("differs", [5, 20, 40, 55])
def test_long_names_that_differ_in_one_letter_stay_apart(differs):
    names = [LONG, LONG[:differs] + "x" + LONG[differs + 1 :]]
    most = 2 * min(differs + 2, 61 - differs)  # the letter lies within reach of one end
    shown = _names.shorts(names, most)
    assert shown[0] != shown[1]
    assert max(map(_names.width, shown)) <= most


def test_names_that_differ_far_from_both_ends_stay_apart():
    names = [LONG[:29] + f"{place:02d}" + LONG[31:] for place in range(12)]
    shown = _names.shorts(names, 10)
    assert len(set(shown)) == 12
    assert max(map(_names.width, shown)) <= 10
    assert [text.strip("…") in name for text, name in zip(shown, names, strict=True)] == [True] * 12
    assert _names.shorts([LONG, LONG], 10) == [_names.short(LONG, 10)] * 2


def test_a_setting_keeps_its_strength_whatever_is_cut():
    keys = [("one", "beta-4"), ("one", "beta-16"), ("vae", "default")]
    rows = [(LONG, "β = 4"), (LONG, "β = 16"), ("VAE", "")]
    settings = pd.DataFrame(rows, pd.MultiIndex.from_tuples(keys), columns=["label", "text"])
    shown = _names.titles(settings, keys, 24)
    assert [name.partition(" (")[2] for name in shown] == ["β = 4)", "β = 16)", ""]
    assert shown[0].startswith("aaaa")
    assert "bbb (β" in shown[0]
    assert shown[2] == "VAE"
    assert max(map(_names.width, shown)) <= 24
    whole = _names.titles(settings, keys, 80)
    assert whole[0] == f"{LONG} (β = 4)"
