"""Which lead is clear and which is open, what p can say of it, and how both are shown."""

import numpy as np
import pytest
from builders.findings import THREE, TWO, block, given, said
from builders.studies import LEAN, made, scored
from scipy import stats

from disentbench.report import choices, comparisons, runs, tables

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
    p = stats.ttest_ind(*APART.values(), equal_var=False).pvalue
    assert pair.p == pytest.approx(p, abs=0.005)  # one setting each, so there is no choice
    assert "Its lead over VAE is 0.270 (95 % interval 0.066 to 0.474; p = 0.02" in words
    assert "both corrected" not in words
    assert "It is clear: the interval of the difference excludes 0." in words
    assert "So few runs cannot bring its p below 0.10 with 3 runs against 3" in words


def test_a_permutation_test_that_does_not_confirm_is_said_beside_the_verdict():
    of = made(
        objectives={"vae": {}, "beta_vae": {"beta": [4]}, "hfvae": {"beta": [4]}}, seeds="0-3"
    )
    table = scored(of)
    table["mig"] = np.tile([0.01, 0.02, 0.03, 0.04], len(table) // 4)
    leader = np.array([0.5, 0.6, 0.7, 0.8])
    table.loc[("tiny", "hfvae"), "mig"] = leader
    words = said(of, table)
    assert "Its lead over every other of these is clear" in words
    sentence = "The permutation test does not confirm it against β-VAE and VAE: its p, corrected"
    assert sentence in words
    # 4 against 4 can give 2 / 70, and three times that by Holm.
    assert "So few runs cannot bring its p below 0.029 with 4 runs against 4" in words


def test_interval_and_p_are_corrected_for_the_choice_and_for_the_pairs():
    """The same two samples, alone and as the best of six and one of three objectives."""
    of = made(**TWO, seeds="0-4")
    rise, step = np.array([0.3, 0.4, 0.5, 0.6, 0.7]), 0.26
    values = {("vae", "default"): rise, ("beta_vae", "beta-4"): rise + step}
    (alone,) = comparisons.pairs(*block(of, given(of, values)))
    sweep = [1, 2, 3, 4, 6, 8]
    several = made(
        **{**TWO, "objectives": {"vae": {}, "beta_vae": {"beta": sweep}}, "seeds": "0-4"}
    )
    others = {("beta_vae", f"beta-{b}"): rise + step - 0.01 * b for b in sweep if b != 4}
    (chosen,) = comparisons.pairs(*block(several, given(several, values | others)))
    assert chosen.difference.mean == pytest.approx(alone.difference.mean)
    assert alone.clear
    assert not chosen.clear
    assert (alone.choice, chosen.choice) == (False, True)
    assert alone.p <= 0.05 < chosen.p
    assert "both corrected for the choice of settings)" in comparisons.spoken(chosen)
    three = {"vae": {}, "beta_vae": {"beta": [4]}, "beta_tcvae": {"beta": [4]}}
    more = made(**{**TWO, "objectives": three, "seeds": "0-4"})
    values[("beta_tcvae", "beta-4")] = rise - 0.3
    pairs = comparisons.pairs(*block(more, given(more, values)))
    assert pairs[0].p > alone.p
    assert "both corrected for 3 pairs)" in comparisons.spoken(pairs[0])


@pytest.mark.parametrize("seeds", ["0-2", "0-4", "0-9"])
def test_no_interval_contradicts_its_p(seeds):
    of = made(objectives=THREE, **{**LEAN, "seeds": seeds})
    for shift in (0.05, 0.2, 0.4):
        table = scored(of)
        table.loc[("tiny", "beta_vae"), "mig"] = table.loc[("tiny", "beta_vae"), "mig"] + shift
        for pair in comparisons.pairs(*block(of, table)):
            assert pair.clear == (pair.p <= 0.05)


def test_of_many_objectives_the_first_is_compared_with_the_others():
    of = made(objectives={f"o{i}": {"of": "beta_vae", "beta": 4} for i in range(10)}, seeds="0-2")
    pairs = comparisons.pairs(*block(of, scored(of)))
    assert len(pairs) == 9
    assert {pair.first for pair in pairs} == {pairs[0].first}
    assert {pair.among for pair in pairs} == {45}  # the first was found among ten


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


def test_an_open_lead_denies_no_order_among_the_others():
    of = made(objectives=THREE, seeds="0-4", **LEAN)
    table = given(of, {("vae", "default"): [0.2, 0.5, 0.9, 0.1, 0.95]})
    for objective, level in (("beta_vae", 0.4), ("beta_tcvae", 0.1)):
        table.loc[("tiny", objective), "mig"] = np.tile(level + np.arange(5) / 100, 2)
    words = said(of, table)
    assert "these seeds do not settle that it leads. The table below says which" in words
    assert "no order" not in words


def test_the_permutation_test_does_not_overrule_an_open_interval():
    of = made(**TWO, seeds="0-9")
    spread = [0.21, 0.22] * 4 + [0.21, 0.9]
    table = given(
        of, {("vae", "default"): spread, ("beta_vae", "beta-4"): list(np.linspace(0.1, 0.19, 10))}
    )
    words = said(of, table)
    assert "It is open, the interval of the difference includes 0" in words
    assert "Against β-VAE the permutation test says otherwise" not in words  # never below Welch’s


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
    assert choices.chance(part, rule) == ""
    settings = runs.catalogue(of)
    rows = tables.lines(part, list(settings.index), runs.shown(of, part.runs), settings)
    assert [(row.cells[0].interval, row.cells[0].best) for row in rows] == [("", False)] * 2


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
    assert "95 % interval 0.0001 to 0.4081" in comparisons.spoken(pair).replace("\u00a0", " ")
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
    assert "So few runs cannot bring its p below 0.10 with 3 runs against 3" in said(of, table)


def test_many_seeds_need_no_word_on_how_small_p_can_be():
    of = made(**LEAN, seeds="0-49")
    table = scored(of)
    table.loc[("tiny", "hfvae"), "mig"] = np.linspace(0.95, 0.99, 50)
    part, rule = block(of, table)
    found = comparisons.pairs(part, rule)
    assert comparisons.floor(found, len(found)) == ""
    titles = {key: comparisons.title(runs.catalogue(of), key) for key in part.best}
    cells = tables.pair_cells(found, titles)[0]
    assert cells[5] == "2\u2009500 of 2\u2009500"
    assert cells[8:] == ["< 0.001", "< 0.001", "clear"]
