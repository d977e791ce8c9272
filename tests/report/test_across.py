"""The objectives over several data sets: ranks of their means, and their runs pooled."""

import html
import re

import numpy as np
import pandas as pd
import pytest
from builders.studies import LEAN, STUDY, made, rendered, scored

from disentbench.scoring import statistics

TINY = STUDY["datasets"]["tiny"]
TWO = {"datasets": {"tiny": TINY, "twin": TINY}, **LEAN}


@pytest.fixture(autouse=True)
def few(draw):
    draw()


def rows(page: str) -> dict[str, list[str]]:
    """The cells of the section by objective, what is small among them left out."""
    section = html.unescape(page.partition('id="across"')[2].partition("</section>")[0])
    found = {}
    for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", section):
        head, *cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        found[head] = [re.sub(r"<small>.*?</small>", "", cell) for cell in cells]
    return found


def test_ranks_and_what_all_runs_come_to(tmp_path):
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [4]}}, seeds="0-5", pack=6, **TWO)
    table = scored(of)
    table.loc[(slice(None), "beta_vae"), :] += 0.1
    shown = rows(rendered(tmp_path, of, table))
    runs = [table.loc[(name, "beta_vae"), "mig"].to_numpy() for name in of.datasets]
    pooled = np.sort(np.concatenate(runs))
    assert float(shown["β-VAE"][1]) == pytest.approx(pooled.mean(), abs=1e-3)
    assert float(shown["β-VAE"][2]) == pytest.approx(np.median(pooled), abs=1e-3)
    assert float(shown["β-VAE"][3]) == pytest.approx(pooled[3:9].mean(), abs=1e-3)
    written = pd.read_csv(tmp_path / "report/tables/ranks.csv").set_index("objective")
    expected = statistics.aggregate(runs, "iqm", rng=np.random.default_rng(0))
    assert tuple(written.loc["beta_vae", ["iqm", "iqm_low_95", "iqm_high_95"]]) == expected
    means = table["mig"].groupby(level=["dataset", "objective"]).mean().unstack()
    ranks = means.rank(axis=1, ascending=False).mean()
    assert written["mean_rank"].to_dict() == ranks.to_dict()


def test_nats_are_not_pooled_over_data_sets(tmp_path):
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [4]}}, **TWO | {"metrics": ["elbo"]})
    table = scored(of)[["mig"]].set_axis(["elbo"], axis=1)
    assert [len(cells) for cells in rows(rendered(tmp_path, of, table)).values()] == [1, 1]


def test_an_objective_that_is_best_nowhere_on_one_set_has_no_pooled_number(tmp_path):
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [4]}}, **TWO)
    table = scored(of)
    table.loc[("twin", "vae"), :] = np.nan
    shown = rows(rendered(tmp_path, of, table))
    assert shown["VAE"][1:] in ([], ["–"] * 3)
    assert len(shown["β-VAE"]) == 4
