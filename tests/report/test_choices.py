"""The choice of settings: what it does by itself, scores unseen, and where it ends a sweep."""

import json
import re

import numpy as np
import pytest
from builders.findings import TWO, block, given, said
from builders.studies import LEAN, made, rendered, scored

from disentbench.errors import UserError
from disentbench.report import choices, comparisons, runs, tables
from disentbench.storage import expected, seals

SWEEP = {"objectives": {"vae": {}, "beta_vae": {"beta": [1, 4, 16]}}, **LEAN}
STRONGER = {"objectives": {"vae": {}, "beta_vae": {"beta": [1, 2, 4]}}}


def test_the_choice_counts_the_settings_with_runs_enough_and_their_own_spreads():
    of = made(**SWEEP)
    table = given(
        of,
        {
            ("beta_vae", "beta-4"): [0.5, *[np.nan] * 3],
            ("beta_vae", "beta-16"): [np.nan] * 4,
        },
    )
    words = choices.chance(*block(of, table))
    assert "Were the 2 settings with runs enough equal in their means" in words
    assert "would call a lead between objectives clear in" in words


def test_what_the_choice_does_by_itself_is_said_in_numbers():
    of = made(**TWO, seeds="0-3")
    table = given(of, {("vae", "default"): [0.1, 0.2, 0.3, 0.4], ("beta_vae", "beta-4"): [0.2] * 4})
    sd = np.sqrt(0.05 / 3)  # of the runs of one setting; of the other it is 0
    words = choices.chance(*block(of, table)).replace("\u00a0", " ")
    excess = sd / 2 / np.sqrt(2 * np.pi)  # E max(0, x) of a mean of four
    shown = re.search(r"come out ([\d.]+) too good on average", words)
    assert float(shown[1]) == pytest.approx(excess, rel=0.05)
    assert "Were all 2 settings equal" in words
    share = re.search(r"clear in (\d+) % of studies", words)
    assert int(share[1]) == pytest.approx(5, abs=1)  # one pair and no choice: as Student says


def test_where_nothing_is_chosen_or_known_of_the_choice():
    one = made(objectives={"vae": {}}, **LEAN)
    assert choices.chance(*block(one, scored(one))) == ""
    words = "How much better the best looks by it, a single seed cannot tell."
    seed = made(**TWO, seeds="3")
    assert choices.chance(*block(seed, scored(seed))).endswith(words)
    alone = made(objectives={"beta_vae": {"beta": [1, 4]}}, **LEAN)
    assert choices.chance(*block(alone, scored(alone))).endswith("too good on average.")


def test_what_a_choice_that_does_not_see_the_run_scores_is_said():
    of = made(**SWEEP, seeds="0-2")
    # Without its 0.9 the second is not chosen (0.1 against 0.3), and the first scores 0.3 there.
    table = given(
        of,
        {
            ("beta_vae", "beta-1"): [0.3, 0.3, 0.3],
            ("beta_vae", "beta-4"): [0.1, 0.1, 0.9],
            ("beta_vae", "beta-16"): [0.0, 0.0, 0.0],
            ("vae", "default"): [0.2, 0.2, 0.2],
        },
    )
    part, _ = block(of, table)
    choice = part.choice["beta_vae"]
    assert choice.key == ("beta_vae", "beta-4")
    assert choice.cross_fitted == pytest.approx((0.1 + 0.1 + 0.3) / 3)
    assert (choice.agreeing, choice.of) == (2, 3)
    assert part.choice["vae"].cross_fitted == pytest.approx(0.2)
    words = said(of, table)
    assert (
        "With its setting chosen on the other seeds, β-VAE scores 0.167 (0.200 lower; the same in "
        "2 of 3 choices); by such scores VAE leads."
    ) in words


def test_of_a_value_that_runs_share_in_and_of_one_seed_nothing_is_unseen():
    of = made(**{**SWEEP, "metrics": ["udr"]}, seeds="0-2")
    table = given(of, {}, "udr_spearman").rename(columns={"mig": "udr_spearman"})
    part, _ = block(of, table[["udr_spearman"]])
    assert np.isnan([choice.cross_fitted for choice in part.choice.values()]).all()
    seed = made(**SWEEP, seeds="0")
    part, _ = block(seed, scored(seed))
    assert np.isnan(part.choice["beta_vae"].cross_fitted)
    assert "other seeds" not in said(seed, scored(seed))


@pytest.mark.parametrize(
    ("best", "warned"),
    [
        (1, ""),  # at beta = 1 it is the VAE, and nothing is beyond
        (4, ""),
        (16, "β = 16 is the largest of 3 strengths swept: the best may lie beyond it."),
    ],
)
def test_a_best_strength_at_the_edge_of_its_sweep_is_told(best, warned):
    of = made(**SWEEP)
    table = given(of, {("beta_vae", f"beta-{best}"): [0.95, 0.96, 0.97, 0.98]})
    words = said(of, table)
    assert warned in words
    assert ("strengths swept" in words) == bool(warned)


def test_edges_of_the_others_are_told_together():
    sweep = {"beta": [2, 4, 8]}
    of = made(objectives={"vae": {}, "beta_vae": sweep, "beta_tcvae": sweep}, **LEAN)
    high = [0.95, 0.96, 0.97, 0.98]
    table = given(of, {("vae", "default"): high})
    for objective, setting in (("beta_vae", "beta-2"), ("beta_tcvae", "beta-8")):
        table.loc[("tiny", objective, setting), "mig"] = [0.9, 0.91, 0.92, 0.93]
    words = said(of, table)
    assert "Best at an edge of their sweep: " in words
    assert "β-VAE (β = 2), the smallest of 3" in words
    assert "β-TCVAE (β = 8), the largest of 3" in words


def two_values(of):
    """MIG and the ELBO, by which the settings of beta-VAE have opposite orders."""
    table = scored(of)[["mig"]].assign(elbo=-50.0)
    for setting, mig, elbo in (("beta-1", 0.2, -20), ("beta-2", 0.5, -30), ("beta-4", 0.8, -40)):
        noise = np.array([0, 0.01, 0.02, 0.03])
        table.loc[("tiny", "beta_vae", setting), "mig"] = mig + noise
        table.loc[("tiny", "beta_vae", setting), "elbo"] = elbo + noise
    table.loc[("tiny", "vae"), "mig"] = [0.3, 0.31, 0.32, 0.33]
    return table


def test_ranked_by_one_value_and_chosen_by_another():
    of = made(**{**STRONGER, "metrics": ["mig", "elbo"]})
    table = two_values(of)
    part, rule = block(of, table)
    assert part.best == [("beta_vae", "beta-4"), ("vae", "default")]
    assert not rule.blind
    part, rule = block(of, table, rank_by="elbo")
    assert (rule.name, part.best[0]) == ("elbo", ("beta_vae", "beta-1"))
    part, rule = block(of, table, choose_by="elbo")
    assert part.best == [("vae", "default"), ("beta_vae", "beta-1")]
    assert rule.text.startswith("highest mean ELBO over the runs that have one")
    assert "objectives are ranked by the highest mean MIG" in rule.text
    (pair,) = comparisons.pairs(part, rule)
    assert pair.choice
    assert pair.permutation >= pair.p
    words = choices.chance(part, rule)
    assert "The settings were chosen by ELBO: that choice did not look at MIG" in words
    assert "corrected as if MIG itself had chosen" in words
    assert "as if MIG had made it" in choices.correction(pair, rule)["includes"]
    assert part.choice["beta_vae"].cross_fitted == pytest.approx(0.215)


def test_where_another_value_chose_the_level_is_that_of_a_choice_by_the_value_itself():
    """Values that go together choose alike, so that the luck of the runs is in the choice."""
    of = made(**{**STRONGER, "metrics": ["mig", "elbo"]})
    table = two_values(of)
    table["elbo"] = table["mig"]
    (same,) = comparisons.pairs(*block(of, table))
    (other,) = comparisons.pairs(*block(of, table, choose_by="elbo"))
    assert (other.p, other.level, other.difference) == (same.p, same.level, same.difference)


def test_a_choice_by_a_value_that_runs_share_in_says_that_it_sees_the_run():
    of = made(**{**SWEEP, "metrics": ["mig", "udr"]}, seeds="0-3")
    table = scored(of)[["mig"]].assign(udr_spearman=0.5)
    word = "UDR (Spearman) compares runs with each other, so the latents of the run that is read"
    assert word in said(of, table, choose_by="udr_spearman")
    assert word not in said(of, table)


@pytest.mark.parametrize(("lost", "told"), [(0, False), (1, False), (2, True)])
def test_that_two_runs_hardly_have_a_spread_is_said(lost, told):
    of = made(**TWO, seeds="0-3")
    runs_left = [0.1, 0.2, 0.3, 0.4][: 4 - lost] + [np.nan] * lost
    part, rule = block(of, given(of, {("vae", "default"): runs_left}))
    words = choices.two_runs(comparisons.pairs(part, rule), part)
    assert ("A setting has two runs alone" in words) == told


def test_the_page_says_what_its_promise_rests_on(tmp_path, draw):
    draw()
    two, four = (made(**TWO, seeds=seeds, pack=2) for seeds in ("0-1", "0-3"))
    pages = [rendered(tmp_path, of, scored(of), name=of.seeds) for of in (two, four)]
    assert all("equal and their scores normal" in page for page in pages)
    assert ["A setting has two runs alone" in page for page in pages] == [True, False]


def test_of_two_strengths_either_is_an_end():
    of = made(objectives={"vae": {}, "beta_vae": {"beta": [2, 4]}}, **LEAN)
    table = given(of, {("beta_vae", "beta-4"): [0.95, 0.96, 0.97, 0.98]})
    assert "β-VAE was tried at two strengths, both ends of the sweep" in said(of, table)


def test_a_run_counts_only_with_both_values():
    of = made(**{**STRONGER, "metrics": ["mig", "elbo"]})
    table = two_values(of)
    table.loc[("tiny", "beta_vae", "beta-1"), "elbo"] = [-20, np.nan, np.nan, np.nan]
    part, _ = block(of, table, choose_by="elbo")
    assert ("beta_vae", "beta-2") in part.best
    words = said(of, table, choose_by="elbo")
    assert "which needs MIG and ELBO of 2 of the 4 planned runs: β-VAE (β = 1) with 1." in words


def test_the_page_says_by_what_it_ranks_and_chooses(tmp_path):
    of = made(**{**STRONGER, "metrics": ["mig", "elbo"]})
    page = rendered(tmp_path, of, two_values(of), rank_by="mig", choose_by="elbo")
    asked = {"rank_by": "mig", "choose_by": "elbo"}
    said_by_seal = seals.identity(tmp_path / "report/index.html")
    assert said_by_seal == expected.of_page(of, **asked) | {"code": said_by_seal["code"]}
    assert said_by_seal.items() >= asked.items()
    assert not expected.differences(said_by_seal, expected.of_study(of, "report/index"))
    assert expected.of_page(of) == expected.of_study(of, "report/index")
    content = json.loads((tmp_path / "report/results.json").read_text())
    assert content["identity"] == expected.of_page(of, **asked)
    assert "highest mean ELBO over the runs that have one" in page
    assert "objectives are ranked by the highest mean MIG" in page
    assert "How sure is the order?" in page


def test_a_value_that_cannot_rank_is_refused_with_those_that_can(tmp_path):
    of = made(**{**STRONGER, "metrics": ["mig", "elbo", "active_units"]})
    table = two_values(of).assign(active_units=2.0)
    with pytest.raises(UserError, match="--rank-by mag: it is no value of this study; choose from"):
        rendered(tmp_path, of, table, rank_by="mag")
    with pytest.raises(UserError, match=r"--choose-by active_units: it has no better end; .* mig"):
        rendered(tmp_path, of, table, choose_by="active_units")


def test_a_value_that_a_data_set_lacks_is_replaced_with_a_word():
    of = made(**{**STRONGER, "metrics": ["mig", "elbo"]})
    part, _ = block(of, two_values(of))
    mig = runs.shown(of, part.runs)["mig"].value
    _, rule = block(of, two_values(of)[["elbo"]], rank_by="mig", choose_by="mig")
    assert choices.fallen_back(rule, mig, mig) == [
        "MIG, which was asked for, cannot be measured here: objectives are ranked by ELBO.",
        "MIG, which was asked for, cannot be measured here: settings are chosen by ELBO.",
    ]
    assert choices.fallen_back(rule, None, None) == []


def test_the_table_of_pairs_says_what_is_in_its_numbers(tmp_path):
    of = made(**SWEEP)
    part, rule = block(of, scored(of))
    pairs = comparisons.pairs(part, rule)
    says = choices.correction(pairs[0], rule)
    assert says["includes"].endswith("the choice of each setting among those of its objective")
    assert says["included"] == "choice"
    titles = {key: "" for key in part.best}
    tables.write_pairs(tmp_path / "pairs", "tiny", pairs, titles, runs.catalogue(of))
    header = (tmp_path / "pairs.csv").read_text().splitlines()[0].split(",")
    assert {"p", "p_permutation_holm", "hedges_g", "seeds_needed", "level"} <= set(header)


def test_of_one_seed_the_order_has_no_test(tmp_path):
    of = made(**{**STRONGER, "metrics": ["mig"], "seeds": "3"})
    page = rendered(tmp_path, of, scored(of, ["mig"]))
    assert "With a single seed there is no interval and no test." in page
    assert "Interval and p include" not in page
