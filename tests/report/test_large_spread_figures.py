"""36 settings of 50 seeds: what is many points is an image, and every figure stays small."""

import pytest
from builders.findings import block
from builders.studies import made, scored

from disentbench.report import runs, style
from disentbench.report.figures import bound, distributions, intervals
from disentbench.report.figures._rate_distortion import rate_distortion

NAME = "a" * 25 + "_und_so_weiter_" + "z" * 20
SIX = {f"{NAME[:-1]}{i}": {"of": "beta_tcvae", "beta": [1, 2, 4, 6, 8, 10]} for i in range(6)}
MOST = 200_000  # bytes of a figure on the page


@pytest.fixture(scope="module")
def figures() -> dict:
    """Each of these figures of the only data set."""
    of = made(objectives=SIX, seeds="0-49", pack=50)
    with style.applied():
        return drawn(of, scored(of))


def drawn(of, table) -> dict:
    part, rule = block(of, table)
    settings, looks = runs.catalogue(of), style.looks(of)
    value = runs.shown(of, table)["mig"]
    rows = intervals.kept(intervals.rows(part, value, list(settings.index)))
    best = [
        distributions.BestRuns(key, key[0][-1], looks[key[0]], part.scores(key, "mig").to_numpy())
        for key in part.best
    ]
    return {
        "intervals": intervals.drawn(rows, settings, looks, part.planned),
        "violins": distributions.violins(best, value.value),
        "profiles": distributions.profiles(best, value.value, rule.sign, banded=False),
        "rate against distortion": rate_distortion(part, settings, looks),
        "decomposition": bound.decomposition(part, settings),
    }


def test_every_figure_is_small_and_its_axes_have_their_room(figures):
    with style.applied():
        for name, figure in figures.items():
            assert len(style.svg(figure, name)) < MOST, name
            box = figure.axes[0].get_position()
            assert box.width > 0.45, name
            assert box.height > 0.5, name


def test_rows_that_differ_in_their_last_letter_have_names_of_their_own(figures):
    ax = figures["intervals"].axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(names)) == 36
    low, high = ax.get_ylim()
    assert (low, high) == (35.6, -0.6)
