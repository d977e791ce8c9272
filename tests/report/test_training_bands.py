"""Training curves: quantiles of many runs, lines of few, and apart from them what diverged."""

import numpy as np
import pandas as pd
import pytest
from builders.studies import LEAN, made, rendered, scored, trained

from disentbench.report import style
from disentbench.report.figures import _losses, training
from disentbench.report.figures._losses import Lost
from disentbench.report.figures.training import Curve

pytestmark = pytest.mark.usefixtures("quick_figures")
LOOK = style.Look("#0072B2", "s")
LOSS = Curve("loss")
ONE = {"objectives": {"beta_tcvae": {"beta": [1, 4]}}, **LEAN}
MANY, LOGGED, OBJECTIVES = 50, 100, 12


def losses(runs: int, steps=range(1, LOGGED + 1), name="a") -> pd.DataFrame:
    """Made-up losses of so many runs."""
    rng, steps = np.random.default_rng(runs), np.array(steps)
    fall = 40 + 600 * np.exp(-steps / 20)
    tables = [
        pd.DataFrame({"seed": seed, "step": steps, "loss": fall * rng.normal(1, 0.05, len(steps))})
        for seed in range(runs)
    ]
    told = {_losses.OBJECTIVE: name, _losses.ESTIMATOR: ""}
    table = pd.concat(tables, ignore_index=True).assign(**told)
    return table.assign(**{_losses.IS_MEDIAN: table["seed"] == 0})


def axes(table: pd.DataFrame, curve=LOSS, looks=None):
    return training.drawn(table, curve, looks or {"a": LOOK}).axes[0]


def test_bands_are_the_quantiles_of_the_runs():
    table = losses(11, steps=range(1, 31))
    steps, values = _losses.band(table, "loss")
    assert list(steps) == list(range(1, 31))
    by_step = table["loss"].to_numpy().reshape(11, 30)
    np.testing.assert_allclose(values, np.quantile(by_step, _losses.QUANTILES, axis=0).T)


def test_a_band_is_on_all_steps_that_half_of_the_runs_log():
    """Runs logged at other steps share what they share, and a few alone have no band."""
    even, odd = losses(4, steps=range(2, 21, 2)), losses(2, steps=range(1, 20, 2))
    table = pd.concat([even, odd.assign(seed=odd["seed"] + 4)])
    assert list(_losses.band(table, "loss").steps) == list(range(2, 21, 2))
    all_four = pd.concat([even[even["seed"] < 2], odd.assign(seed=odd["seed"] + 4)])
    assert list(_losses.band(all_four, "loss").steps) == list(range(1, 21))


def test_the_first_and_the_last_step_are_kept_of_many():
    steps, _ = _losses.band(losses(5, steps=range(1, 1001)), "loss")
    assert len(steps) == _losses.POINTS
    assert (steps[0], steps[-1]) == (1, 1000)
    assert list(_losses.thinned(1)) == [0]


@pytest.mark.parametrize(("runs", "lines", "bands"), [(1, 1, 0), (4, 4, 0), (5, 1, 1), (10, 1, 2)])
def test_few_runs_are_lines_and_many_are_bands(runs, lines, bands):
    ax = axes(losses(runs))
    assert (len(ax.lines), len(ax.collections)) == (lines, bands)


def test_twelve_objectives_of_fifty_runs_weigh_little_on_the_page():
    """As many panels as a training has terms: under 300 kB together."""
    names = [f"objective_{i}" for i in range(OBJECTIVES)]
    table = pd.concat([losses(MANY, name=name) for name in names])
    with style.applied():
        all_, six, one = (weight(table, names[:n]) for n in (OBJECTIVES, 6, 1))
    assert 3 * all_ + 9 * one < 300_000  # three terms that all log, and nine that one does
    assert 3 * six + 6 * one < 200_000  # as in 36 settings of six objectives


def weight(table: pd.DataFrame, names: list[str]) -> int:
    shown = table[table[_losses.OBJECTIVE].isin(names)]
    return len(style.svg(training.drawn(shown, LOSS, dict.fromkeys(names, LOOK)), "salt"))


def lost(seed: int, ends: int, last: float) -> Lost:
    pack = made().packs[0]
    falls = pd.Series(np.linspace(9, last, ends), range(1, ends + 1))
    return Lost(pack, seed, falls, ends + 1)


def test_ends_that_are_one_are_numbered_together():
    runs = [lost(0, 5, 3.0), lost(1, 5, 3.0), lost(2, 5, 3.0), lost(3, 50, 900.0)]
    ax = training.drawn_lost(runs, LOOK, 3).axes[0]
    assert [text.get_text() for text in ax.texts] == ["3–5", "6"]
    assert ax.get_yscale() == "log"


def test_a_run_that_never_had_a_loss_is_no_hindrance():
    empty = Lost(made().packs[0], 0, pd.Series(dtype=float), 1)
    ax = training.drawn_lost([empty], LOOK, 1).axes[0]
    assert not ax.texts
    training.drawn_lost([empty, lost(1, 4, -2.0)], LOOK, 1)  # nor one below nought


def test_what_diverged_is_drawn_apart_and_in_no_band(tmp_path):
    of = made(**ONE)
    table = scored(of)
    trained(tmp_path, of, failed=[2])
    table.loc[(slice(None), slice(None), slice(None), 2), :] = np.nan
    page = rendered(tmp_path, of, table)
    assert "2 runs diverged." in page
    assert "β-TCVAE, β = 4, seed 2: noticed at step 3" in page
    assert (tmp_path / "report/figures/tiny_training_diverged_beta_tcvae.pdf").exists()
    assert page.count("Of fewer than five runs each is a line") == 1


def test_no_run_that_diverged_no_panel(tmp_path):
    of = made(**ONE)
    trained(tmp_path, of)
    assert "Runs that diverged" not in rendered(tmp_path, of, scored(of))


def test_where_all_runs_diverged_there_are_their_losses_alone(tmp_path):
    of = made(**LEAN)
    trained(tmp_path, of, failed=range(4))
    page = rendered(tmp_path, of, scored(of) * np.nan)
    assert "16 runs diverged, of which 12 are drawn: at most 12." in page
    assert "The terms of the loss on minibatches" not in page


def test_bands_are_of_all_packs_of_the_best_setting(tmp_path):
    """Six seeds in three packs: a band, whose median is that of all six."""
    of = made(objectives={"vae": {}}, seeds="0-5", **LEAN)
    trained(tmp_path, of)
    for place, pack in enumerate(of.packs):
        path = tmp_path / of.study / pack.path / "history.csv"
        pd.read_csv(path).assign(loss=10.0 * (place + 1)).to_csv(path, index=False)
    page = rendered(tmp_path, of, scored(of))
    assert "bands hold the middle half" in page
    assert "by training step; median at the end: VAE 20" in page


def test_without_groups_the_term_between_them_is_the_total_correlation():
    curve = training.Curve("tc_between", "mws")
    assert training.title(curve) == "TC between, estimated by mws"
    alone = curve._replace(grouped=False)
    assert training.title(alone) == "Total correlation, estimated by mws"
