"""What the report concludes: who leads, whether that is clear, who is left out, what p can say."""

import re

import numpy as np
import pandas as pd
import pytest
from builders.studies import LEAN, made, scored

from disentbench.report import comparisons, headline, methods, runs, tables
from disentbench.scoring import statistics
from disentbench.storage.study_file import read_study
from disentbench.study import Study

BETA = {"datasets": {"tiny": {"of": "dsprites_small"}}, "seeds": "0-9", **LEAN}
TWO = {"objectives": {"vae": {}, "beta_vae": {"beta": [4]}}, **LEAN}
THREE = {"beta_vae": {"beta": [1, 4]}, "beta_tcvae": {"beta": [1, 4]}, "vae": {}}


def block(of: Study, table: pd.DataFrame) -> tuple[runs.Block, runs.Rule]:
    """The only data set's part of a report on these scores, and its rule."""
    table = table.reindex(runs.planned(of))
    values = runs.shown(of, table)
    rule, (name,) = runs.rule(values), of.datasets
    return runs.block(name, table, runs.summarise(table, values), rule), rule


def said(of: Study, table: pd.DataFrame) -> str:
    part, rule = block(of, table)
    settings, pairs = runs.catalogue(of), comparisons.pairs(part, rule)
    by_tc = headline.least_tc(part, rule, settings)
    sentences = headline.finding(part, rule, settings, pairs)
    sentences += headline.also(part, rule, settings, by_tc)
    return " ".join(sentences).replace("\u00a0", " ")


def given(of: Study, values: dict[tuple[str, str], list[float]], name="mig") -> pd.DataFrame:
    """Made-up scores, with these values of some settings."""
    table = scored(of)
    for (objective, setting), scores in values.items():
        rows = table.loc[(slice(None), objective, setting), :].index
        table.loc[rows, name] = scores
    return table


def test_ties_go_to_the_lower_total_correlation():
    of, table = made(), scored(made())
    table["mig"] = 0.5
    for setting, tc in (("beta-1", 2.0), ("beta-4", 1.0)):
        table.loc[("tiny", "beta_tcvae", setting), "total_correlation"] = tc
    assert ("beta_tcvae", "beta-4") in block(of, table)[0].best


# The intervals of the two means overlap; that of their difference excludes 0: 0.27, t(4) = 2.776,
# and so Welch's half width is 2.776 * sqrt(2 * 0.09^2 / 3) = 0.204. (The half width of each mean is
# t(2) = 4.303 times 0.09 / sqrt(3), 0.224: 0.5 - 0.224 < 0.23 + 0.224.)
APART = {("vae", "default"): [0.14, 0.23, 0.32], ("beta_vae", "beta-4"): [0.41, 0.50, 0.59]}


def test_the_interval_of_the_difference_decides():
    of = made(**TWO, seeds="0-2")
    table = given(of, APART)
    part, rule = block(of, table)
    low, high = part.summary.low["mig"], part.summary.high["mig"]
    assert low["beta_vae", "beta-4"] < high["vae", "default"]
    (pair,) = comparisons.pairs(part, rule)
    assert pair.clear
    assert pair.difference == pytest.approx((0.27, 0.27 - 0.204, 0.27 + 0.204), abs=5e-4)
    words = said(of, table)
    assert "Its lead over VAE is 0.270 (95 % interval 0.066 to 0.474; p = 0.10)." in words
    assert "It is clear: the interval of the difference excludes 0." in words
    assert "So few runs cannot bring p below 0.10 with 3 runs against 3" in words


def test_a_corrected_p_that_does_not_agree_is_said_beside_the_verdict():
    of = made(**{**BETA, "seeds": "0-4", "objectives": {**THREE, "hfvae": {"beta": [4]}}})
    table = scored(of)
    table["mig"] = np.tile([0.01, 0.02, 0.03, 0.04, 0.05], len(table) // 5)
    leader = np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    table.loc[("tiny", "hfvae"), "mig"] = leader
    table.loc[("tiny", "vae"), "mig"] = leader - 0.25  # t(8) = 2.5 and p = 0.037, uncorrected
    words = said(of, table)
    assert "Its lead over every other of these is clear" in words
    sentence = "The permutation test does not confirm it against VAE: p, corrected for 6 pairs"
    assert sentence in words
    assert "So few runs" not in words  # 5 against 5 can give 2 / 252, corrected 0.048


def test_bold_are_the_best_and_what_the_same_rule_does_not_tell_from_it():
    of = made(**TWO, seeds="0-2")
    near = {**APART, ("vae", "default"): [0.24, 0.33, 0.42]}
    for values, bold in ((APART, [False, True]), (near, [True, True])):
        part, _ = block(of, given(of, values))
        settings = runs.catalogue(of)
        shown = runs.shown(of, part.runs)
        rows = tables.lines(part, list(settings.index), shown, settings)
        assert [row.cells[0].best for row in rows] == bold


def test_a_clear_lead_over_some_names_those_over_whom_it_is_open():
    of = made(**LEAN, seeds="0-4")
    table = scored(of)
    near, far = np.linspace(0.7, 0.8, 5), np.linspace(0.1, 0.2, 5)
    table["mig"] = np.tile(far, len(table) // 5)
    table.loc[("tiny", "hfvae"), "mig"] = near + 0.01
    table.loc[("tiny", "vae"), "mig"] = near
    words = said(of, table)
    assert "Its lead over VAE is 0.01" in words
    assert (
        "The interval of its lead over VAE includes 0, so these seeds do not settle that" in words
    )


def test_survivors_are_not_called_best():
    of = made(**{**BETA, "objectives": {"vae": {}, "beta_vae": {"beta": [1, 4, 16]}}})
    nan = [np.nan]
    survivors = [0.9] * 2 + nan * 8
    half = [0.7, 0.71, 0.72, 0.73, 0.74] + nan * 5
    table = given(
        of,
        {
            ("vae", "default"): np.linspace(0.1, 0.2, 10),
            ("beta_vae", "beta-1"): np.linspace(0.2, 0.3, 10),
            ("beta_vae", "beta-4"): half,
            ("beta_vae", "beta-16"): survivors,
        },
    )
    part, _ = block(of, table)
    assert part.best == [("beta_vae", "beta-4"), ("vae", "default")]
    words = said(of, table)
    assert "β-VAE (β = 4) has the highest mean MIG: 0.720" in words
    assert "5 of 10 runs" in words
    assert (
        "Left out of the choice of the best, which needs MIG of 5 of the 10 planned runs: "
        "β-VAE (β = 16) with 2."
    ) in words
    settings = runs.catalogue(of)
    rows = tables.lines(part, list(settings.index), runs.shown(of, part.runs), settings)
    assert [(row.n, row.planned) for row in rows] == [(10, 10), (10, 10), (5, 10), (2, 10)]
    assert not rows[-1].cells[0].best


def test_where_all_lost_most_runs_there_is_no_best():
    of = made(**TWO, seeds="0-3")
    table = given(of, {("vae", "default"): [0.9, *[np.nan] * 3]})
    table.loc[("tiny", "beta_vae"), "mig"] = np.nan
    words = said(of, table)
    assert "No setting of this data set has runs enough to be called best." in words
    assert "VAE with 1" in words


@pytest.mark.parametrize(
    ("planned", "needed"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (10, 5), (50, 25)]
)
def test_a_best_setting_has_half_of_its_runs_and_an_interval(planned, needed):
    assert runs.needed(planned) == needed


def test_total_correlation_is_compared_at_equal_strength():
    of = made(objectives=THREE)
    table = given(of, {("beta_tcvae", "beta-4"): [0.95, 0.96, 0.97, 0.98]})
    # The lowest of all is at another strength, and so of no account.
    values = {"beta-1": [0.1, 0.2], "beta-4": [2.0, 1.0]}
    for setting, levels in values.items():
        for objective, tc in zip(("beta_vae", "beta_tcvae"), levels, strict=True):
            noise = [-0.1, 0, 0.1, 0]
            table.loc[("tiny", objective, setting), "total_correlation"] = np.add(tc, noise)
    words = said(of, table)
    assert (
        "At the leader’s strength, β = 4, β-TCVAE has the lowest total correlation of 2 objectives"
        in words
    )
    # Welch's half width: t(6) = 2.447 times sqrt(2 / 4) times the standard deviation, 0.0816.
    gap = "1.000 nats (95 % interval 0.859 to 1.141; p = 0.029)"
    assert f"{gap} below β-VAE; its lead is clear." in words
    assert "exact" not in words


# Pairs of objectives that swept the same, of which the total correlation is not comparable.
UNLIKE = {
    "a fixed beta differs": (
        {
            "a": {"of": "beta_tcvae", "beta": 1, "gamma": [1, 2]},
            "b": {"of": "beta_tcvae", "beta": 10, "gamma": [1, 2]},
        },
        ("a", "gamma-2"),
    ),
    "a fixed gamma differs": (
        {
            "a": {"of": "beta_tcvae", "beta": [2, 4], "gamma": 10},
            "b": {"of": "beta_tcvae", "beta": [2, 4]},
        },
        ("a", "beta-4"),
    ),
    "a word is swept": (
        {
            "a": {"of": "beta_tcvae", "beta": 4, "estimator": ["mws", "mss"]},
            "b": {"of": "beta_tcvae", "beta": 2, "estimator": ["mws", "mss"]},
        },
        ("a", "estimator-mss"),
    ),
}


@pytest.mark.parametrize("case", UNLIKE)
def test_total_correlation_is_not_compared_between_different_weights(case):
    objectives, leader = UNLIKE[case]
    of = made(objectives=objectives)
    assert "total correlation" not in said(of, given(of, {leader: [0.95, 0.96, 0.97, 0.98]}))


def test_equal_total_correlations_have_no_lowest():
    of = made(objectives=THREE)
    table = given(of, {("beta_tcvae", "beta-4"): [0.95, 0.96, 0.97, 0.98]})
    table["total_correlation"] = 0.115
    assert "lowest total correlation" not in said(of, table)


def test_what_p_does_not_confirm_is_said_of_total_correlation_too():
    of = made(objectives=THREE, seeds="0-2")
    table = given(of, {("beta_tcvae", "beta-4"): [0.95, 0.96, 0.97]})
    table.loc[("tiny", "beta_vae", "beta-4"), "total_correlation"] = [1.0, 1.1, 1.2]
    table.loc[("tiny", "beta_tcvae", "beta-4"), "total_correlation"] = [0.5, 0.51, 0.52]
    words = said(of, table)
    after = words.split("lowest total correlation")[1]
    assert "below β-VAE; its lead is clear. The permutation test does not confirm it" in after
    assert "So few runs cannot bring p below 0.10" in after


def test_an_open_lead_denies_no_order_among_the_others():
    of = made(objectives=THREE, seeds="0-4", **LEAN)
    table = given(of, {("vae", "default"): [0.2, 0.5, 0.9, 0.1, 0.95]})
    for objective, level in (("beta_vae", 0.4), ("beta_tcvae", 0.1)):
        table.loc[("tiny", objective), "mig"] = np.tile(level + np.arange(5) / 100, 2)
    words = said(of, table)
    assert "these seeds do not settle that it leads. The table below says which" in words
    assert "no order" not in words


def test_a_p_that_is_small_beside_an_open_interval_is_said():
    of = made(**TWO, seeds="0-9")
    spread = [0.21, 0.22] * 4 + [0.21, 0.9]
    table = given(
        of, {("vae", "default"): spread, ("beta_vae", "beta-4"): list(np.linspace(0.1, 0.19, 10))}
    )
    words = said(of, table)
    assert "It is open, the interval of the difference includes 0" in words
    assert "Against β-VAE the permutation test says otherwise: p is at most 0.05." in words


def test_values_that_runs_share_in_have_no_interval_and_no_verdict():
    """Of two runs UDR has one pair, and so one score: no spread, and no knowledge of it either."""
    of = made(**{**TWO, "metrics": ["udr"]}, seeds="0-1")
    values = {("vae", "default"): [0.2423] * 2, ("beta_vae", "beta-4"): [0.2410] * 2}
    table = given(of, values, "udr_spearman")[["udr_spearman"]]
    part, rule = block(of, table)
    assert comparisons.pairs(part, rule) == []
    assert part.summary.low.isna().all(axis=None)
    words = said(of, table)
    assert "VAE has the highest mean UDR" in words
    assert "it has no interval over seeds, and an order by it no test" in words
    assert "clear" not in words
    assert headline.chance(part, rule) == ""
    settings = runs.catalogue(of)
    rows = tables.lines(part, list(settings.index), runs.shown(of, part.runs), settings)
    assert [(row.cells[0].interval, row.cells[0].best) for row in rows] == [("", False)] * 2


def test_the_same_model_under_two_names_is_told():
    of = made(objectives={"vae": {}, "beta_tcvae": {"beta": [1]}, "beta_vae": {"beta": [4]}})
    table = scored(of)
    for objective in ("vae", "beta_tcvae"):
        table.loc[("tiny", objective)] = table.loc[("tiny", "vae")].to_numpy()
        table.loc[("tiny", objective), "mig"] = [0.9, 0.91, 0.92, 0.93]
    words = said(of, table)
    assert "share the highest mean MIG: 0.915" in words
    assert "Its lead" not in words
    assert "the same model under two names: " in words


def test_rounding_is_no_lead():
    of = made(**TWO, seeds="0-9")
    third = 1 / 3
    few = [third] * 6 + [np.nan] * 4
    (pair,) = comparisons.pairs(
        *block(of, given(of, {("vae", "default"): [third] * 10, ("beta_vae", "beta-4"): few}))
    )
    assert pair.difference == pytest.approx((0, 0, 0), abs=1e-15)
    assert not pair.clear


def test_a_bound_that_is_not_nought_does_not_look_like_it():
    of = made(**TWO, seeds="0-2")
    near = {
        ("vae", "default"): [0.14, 0.23, 0.32],
        ("beta_vae", "beta-4"): [0.3441, 0.4341, 0.5241],
    }
    (pair,) = comparisons.pairs(*block(of, given(of, near)))
    assert 0 < pair.difference.low < 0.0005
    assert "95 % interval 0.0001 to 0.4081" in comparisons.spoken(pair, 1).replace("\u00a0", " ")
    titles = {key: "" for key in (pair.first, pair.second)}
    assert tables.pair_cells([pair], titles)[0][4].startswith("0.000")
    assert tables.pair_cells([pair], titles)[0][4][:5] != "0.000 "
    small = {key: [x * 1e-6 for x in values] for key, values in near.items()}
    assert "mean MIG: 0.0000004" in said(of, given(of, small))


def test_where_runs_are_lacking_every_place_says_of_how_many_it_is(tmp_path):
    of = made(**TWO, seeds="0-5")
    nan = [np.nan] * 3
    table = given(
        of,
        {
            ("vae", "default"): [0.5, 0.51, 0.52, 0.53, 0.54, 0.55],
            ("beta_vae", "beta-4"): [0.1, 0.11, 0.12, *nan],
        },
    )
    table["elbo"] = -30.0
    part, rule = block(of, table)
    settings, pairs = runs.catalogue(of), comparisons.pairs(part, rule)
    assert "Its lead over β-VAE (β = 4, 3 of 6 runs) is 0.415" in said(of, table)
    assert tables.pair_cells(pairs, {key: "" for key in part.best})[0][2] == "6, 3"
    shown = runs.shown(of, part.runs)
    tables.write(tmp_path / "settings", part, part.best, shown, settings)
    (line,) = (x for x in (tmp_path / "settings.tex").read_text().splitlines() if "-VAE" in x)
    assert "0.110} $\\pm$ 0.010 (3 of 6)" in line or "0.110 $\\pm$ 0.010 (3 of 6)" in line


def test_so_few_runs_are_told_of_the_pair_that_p_does_not_confirm():
    of = made(
        objectives={"beta_vae": {"beta": [4]}, "beta_tcvae": {"beta": [4]}, "vae": {}}, seeds="0-5"
    )
    few = [np.nan] * 3
    table = given(
        of,
        {
            ("vae", "default"): [0.9, 0.91, 0.92, *few],
            ("beta_vae", "beta-4"): [0.5, 0.51, 0.52, *few],
            ("beta_tcvae", "beta-4"): [0.1, 0.11, 0.12, 0.13, 0.14, 0.15],
        },
    )
    assert "So few runs cannot bring p below 0.10 with 3 runs against 3" in said(of, table)


def test_nothing_is_ranked_by_a_value_without_a_better_end():
    of = made(metrics=["active_units"])
    table = scored(of)[["mig"]].rename(columns={"mig": "active_units"})
    _, rule = block(of, table)
    assert rule is None
    assert said(of, table) == "None of the study’s values has a better end."


def test_what_is_missing_is_named():
    of = made(metrics=["mig", "elbo"])
    table = scored(of).assign(elbo=-30.0, mig=np.nan)
    assert said(of, table) == "No run of this data set has MIG."


def test_the_choice_counts_the_settings_with_runs_enough_and_their_own_spreads():
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [1, 4, 16]}}, **LEAN)
    table = given(
        of,
        {
            ("beta_vae", "beta-4"): [0.5, *[np.nan] * 3],
            ("beta_vae", "beta-16"): [np.nan] * 4,
        },
    )
    words = headline.chance(*block(of, table))
    assert "Were the 2 settings with runs enough equal in their means" in words
    assert "without a choice it is" in words


def test_a_leader_without_a_strength_has_nothing_to_be_compared_with():
    of = made(objectives=THREE)
    table = given(of, {("vae", "default"): [0.95, 0.96, 0.97, 0.98]})
    assert "total correlation" not in said(of, table)


def test_many_seeds_need_no_word_on_how_small_p_can_be():
    of = made(**LEAN, seeds="0-49")
    table = scored(of)
    table.loc[("tiny", "hfvae"), "mig"] = np.linspace(0.95, 0.99, 50)
    part, rule = block(of, table)
    found = comparisons.pairs(part, rule)
    assert comparisons.floor(found, len(found)) == ""
    titles = {key: comparisons.title(runs.catalogue(of), key) for key in part.best}
    cells = tables.pair_cells(found, titles)[0]
    assert cells[5:] == ["2\u2009500 of 2\u2009500", "< 0.001", "< 0.001", "clear"]


def test_what_the_choice_does_by_itself_is_said_in_numbers():
    of = made(**TWO, seeds="0-3")
    table = given(of, {("vae", "default"): [0.1, 0.2, 0.3, 0.4], ("beta_vae", "beta-4"): [0.2] * 4})
    sd = np.sqrt(0.05 / 3)  # of the runs of one setting; of the other it is 0
    words = headline.chance(*block(of, table)).replace("\u00a0", " ")
    shown = re.search(
        r"come out ([\d.]+) too good on average, lead the next objective by ([\d.]+)", words
    )
    lead = sd / 2 * np.sqrt(2 / np.pi)  # E |x| of a mean of four; E max(0, x) is half of it
    assert [float(x) for x in shown.groups()] == pytest.approx([lead / 2, lead], rel=0.05)
    assert "Were all 2 settings equal" in words
    one = made(objectives={"vae": {}}, **LEAN)
    assert headline.chance(*block(one, scored(one))) == ""
    words = "How much better the best looks by it, a single seed cannot tell."
    seed = made(**TWO, seeds="3")
    assert headline.chance(*block(seed, scored(seed))) == words


def test_equal_settings_lead_as_often_as_the_page_says():
    """Whole studies of equal settings, their intervals taken from the runs themselves."""
    rng, n, k = np.random.default_rng(1), 3, 7
    table = rng.normal(size=(4_000, k, n))
    best = table.mean(2).argmax(1)
    clear, ahead, excess = [], [], []
    for study, first in zip(table[:1_000], best, strict=False):
        gaps = [statistics.difference(study[first], other).low > 0 for other in study]
        clear.append(gaps[(first + rng.integers(1, k)) % k])
        ahead.append(any(gaps))
        excess.append(study[first].mean())
    found = statistics.best_of_equals(
        np.ones(k), np.full(k, n), np.arange(k), rng=np.random.default_rng(0)
    )
    assert found.excess == pytest.approx(np.mean(excess), abs=0.05)
    assert found.clear == pytest.approx(np.mean(clear), abs=0.03)
    assert found.ahead == pytest.approx(np.mean(ahead), abs=0.05)


@pytest.mark.parametrize("name", ["demo", "smoke", "chen2018", "locatello2019", "scale"])
def test_the_study_is_shown_with_every_default_and_is_the_same_study(name, tmp_path):
    of = read_study(f"configs/{name}.yaml")
    path = tmp_path / "again.yaml"
    path.write_text(methods.yaml_text(of))
    again = read_study(path)
    assert again.packs == of.packs
    for objective in of.objectives:
        assert list(again.settings(objective)) == list(of.settings(objective))
        for key in next(iter(of.settings(objective)))[1].model_dump():
            assert key in again.objectives[objective]
    for dataset in of.datasets:
        assert again.dataset(dataset) == of.dataset(dataset)
        assert set(of.dataset(dataset).model_dump()) <= set(again.datasets[dataset])
    assert again.network == of.network
    assert set(of.network.model_dump()) <= set(again.architecture)
    assert again.training == of.training
    assert methods.yaml_text(again) == methods.yaml_text(of)
