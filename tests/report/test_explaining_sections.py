"""Correlation, variance and choices on the page against the functions that they come from."""

import html
import re

import numpy as np
import pandas as pd
import pytest
from builders.findings import block
from builders.studies import made, rendered, scored

from disentbench import plugins
from disentbench.report.figures import correlation, figures, selecting, variance
from disentbench.report.text import fixed
from disentbench.scoring import statistics

pytestmark = pytest.mark.usefixtures("quick_figures")
OURS = ("correlation", "variance", "selecting")
METRICS = ["mig", "sap", "decomposition", "elbo", "active_units"]
TWO = {"tiny": {"of": "dsprites_small"}, "other": {"of": "dsprites_small", "posX": [0, 8]}}


@pytest.fixture(autouse=True)
def only_these(monkeypatch):
    """What the other figures draw is not looked at."""
    drawn = {name: figure for name, figure in figures().items() if name in OURS}
    for room in ("page", "dataset"):
        monkeypatch.setattr(f"disentbench.report.{room}.figures", lambda: drawn)


def page(tmp_path, of, table) -> str:
    return html.unescape(rendered(tmp_path, of, table))


def read(tmp_path, name) -> pd.DataFrame:
    return pd.read_csv(tmp_path / f"report/tables/tiny_{name}.csv", keep_default_na=False)


def rows(text: str, name: str) -> dict[str, list[str]]:
    """The rows of the tables of a section, by their heads, without what is small."""
    section = re.search(rf'<(h[23]) id="{name}-tiny".*?(?=<\1 |</section>)', text, re.DOTALL)
    assert section
    found = {}
    for row in re.findall(r"<tr.*?</tr>", section[0]):
        head, *cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        found[head] = [cell.partition("<small>")[0] for cell in cells]
    return found


def test_places_and_names():
    assert [figures()[name].place for name in OURS] == [46, 47, 48]


def test_the_page_shows_what_the_functions_give(tmp_path):
    of = made(metrics=METRICS)
    table = scored(of, ("mig", "sap"))
    text = page(tmp_path, of, table)
    pairs = read(tmp_path, "correlation").set_index(["value", "other"])
    turned = table.assign(distortion=-table["distortion"])
    for one, other in (("mig", "sap"), ("mig", "distortion")):
        expected = turned[one].corr(turned[other], method="spearman")
        assert pairs.loc[(one, other), "spearman"] == pytest.approx(expected)
    assert "over 16 runs: 1 where both" in text
    shares = variance.of(block(of, table)[0].runs["sap"])
    assert shares.settings_floor == pytest.approx(3 / 15)
    expected = [shares.objective, shares.settings, shares.seed, shares.rest]
    expected += [shares.objective_adjusted, shares.settings_adjusted]
    cells = rows(text, "variance")["SAP"]
    assert cells == ["16", *(fixed(100 * share, 1) for share in expected)]
    assert f"<small>noise {fixed(20, 1)}</small>" in text
    assert "published, %" not in text
    written = read(tmp_path, "variance").set_index("value")
    assert written.loc["sap", "strength"] == pytest.approx(shares.strength)
    for name in ("correlation", "variance"):
        assert (tmp_path / f"report/figures/tiny_{name}.pdf").exists()
        assert set(read(tmp_path, name)["dataset"]) == {"tiny"}


def test_what_a_choice_by_the_elbo_costs(tmp_path):
    of = made(metrics=METRICS)
    table = scored(of, ("mig", "sap"))
    found = rows(page(tmp_path, of, table), "selecting")
    runs = table.loc["tiny"].unstack("seed")
    of_tcvae = runs.loc["beta_tcvae"]
    for rows_of, place in ((of_tcvae, 0), (runs, 1)):
        scores, elbo = (rows_of[name].to_numpy() for name in ("mig", "elbo"))
        cost = statistics.cost_of_choosing(scores, elbo)
        for head, number in (("ELBO", cost.cost), ("a random setting", cost.random)):
            assert float(found[head][place].replace("−", "-")) == pytest.approx(number, abs=1e-3)
    assert found["chosen by"] == ["β-TCVAE", "among all settings"]  # others have one setting
    assert "SAP" not in found


def test_where_a_choice_holds(tmp_path):
    of = made(metrics=METRICS, datasets=TWO)
    table = scored(of, ("mig", "sap"))
    found = rows(page(tmp_path, of, table), "selecting")
    scores = np.array(
        [
            [table[name].loc[dataset].unstack("seed").to_numpy() for dataset in TWO]
            for name in ("mig", "sap")
        ]
    )
    expected = statistics.transfer_shares(scores, source=0)
    shown = [found[label][0] for label in selecting.KINDS.values()]
    assert shown == [f"{fixed(100 * share, 1)}\u00a0%" for share in expected]


def test_nothing_is_drawn_where_there_is_nothing_to_say(tmp_path):
    one_seed = made(metrics=METRICS, seeds="0-0", pack=1)
    text = page(tmp_path, one_seed, scored(one_seed, ("mig", "sap")))
    assert not re.findall('id="(?:correlation|variance|selecting)-', text)
    one_setting = made(metrics=METRICS, objectives={"vae": {}})
    text = page(tmp_path, one_setting, scored(one_setting, ("mig", "sap")))
    assert not re.findall('id="(?:correlation|variance|selecting)-', text)  # four runs
    lean = made(metrics=["mig"])
    text = page(tmp_path, lean, scored(lean))
    assert "correlation-tiny" not in text
    assert "Does a choice hold elsewhere?" in text
    assert "What choosing without factors costs" not in text


def test_gaps_failures_and_long_names(tmp_path):
    name = "unlikely_" * 6
    of = made(metrics=METRICS, objectives={name: {"of": "beta_vae", "beta": [1, 4]}, "vae": {}})
    table = scored(of, ("mig", "sap"))
    table["sap"] = np.nan
    table.loc[("tiny", "vae"), :] = np.nan
    table.loc[("tiny", name, "beta-1", 0), "elbo"] = -np.inf
    text = page(tmp_path, of, table)
    assert "over 7 to 8 runs, as pairs have: 1 where" in text
    assert "SAP" not in rows(text, "variance")
    assert "There is one objective" not in text
    nothing = scored(of, ("mig", "sap")) * np.nan
    assert "variance-tiny" not in page(tmp_path, of, nothing)


def test_values_that_rank_alike_stand_together():
    groups = np.array([0, 1, 0, 1, 0, 1])
    order = correlation.clustered(np.where(groups[:, None] == groups, 0.9, -0.2))
    assert [groups[place] for place in order] == [0, 0, 0, 1, 1, 1]


def test_digits():
    found = [correlation.digits(x) for x in (0.874, -0.12, 1.0, -1.0, 0.001, -0.001, np.nan)]
    assert found == [".87", "−.12", "1", "−1", "0", "0", "–"]


def test_every_metric_fits_the_heat_map_at_a_legible_size():
    metrics = [plugins.load("metrics", name) for name in plugins.names("metrics")]
    names = [v.label[:28] for m in metrics for v in m.values if v.better != "neither"]
    assert len(names) > 25
    drawn = correlation.draw(np.eye(len(names)), names)
    assert drawn.get_figwidth() < 11
    sizes = {text.get_fontsize() for text in drawn.axes[0].texts}
    assert min(sizes) >= 6
