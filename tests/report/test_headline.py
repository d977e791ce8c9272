"""What the report concludes: who leads, who is left out, what choosing does by itself."""

import re

import numpy as np
import pytest
from builders.findings import BETA, THREE, TWO, block, given, said
from builders.studies import made, scored

from disentbench.report import runs, tables


def test_ties_go_to_the_lower_total_correlation():
    of, table = made(), scored(made())
    table["mig"] = 0.5
    for setting, tc in (("beta-1", 2.0), ("beta-4", 1.0)):
        table.loc[("tiny", "beta_tcvae", setting), "total_correlation"] = tc
    assert ("beta_tcvae", "beta-4") in block(of, table)[0].best


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
    # Welch's half width: t(6) = 2.447 times sqrt(2 / 4) times the standard deviation, 0.0816, is
    # 0.141 for one pair; for one at each of the two strengths 0.170 by Sidak with exact freedom.
    told = re.search(r"1.000 nats \(95 % interval ([\d.]+) to ([\d.]+); p < 0.001; (.*?)\)", words)
    low, high = float(told[1]), float(told[2])
    assert 0.145 < high - 1 < 0.171
    assert high - 1 == pytest.approx(1 - low)
    assert told[3] == "both corrected for the choice of settings"
    assert "below β-VAE; its lead is clear." in words
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
    "only one is warmed up": (
        {"beta_vae": {"beta": [4]}, "beta_tcvae": {"beta": [4], "warm_up": 100}},
        ("beta_vae", "beta-4"),
    ),
    "a weight of one is a schedule": (
        {
            "beta_tcvae": {"beta": [4], "alpha": {"from": 0, "to": 1, "steps": 5}},
            "hfvae": {"beta": [4], "alpha": 1},
        },
        ("beta_tcvae", "beta-4"),
    ),
    "beta is a schedule": (
        {
            "a": {"of": "beta_tcvae", "beta": {"from": 0, "to": 4, "steps": 5}, "alpha": [2, 3]},
            "b": {"of": "beta_tcvae", "beta": {"from": 0, "to": 4, "steps": 5}, "alpha": [2, 3]},
        },
        ("a", "alpha-3"),
    ),
    "beta is another's": (
        {"beta_tcvae": {"beta": [4]}, "hfs_vae": {"beta": [4], "gamma": 1}},
        ("beta_tcvae", "beta-4"),
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
    assert "So few runs cannot bring its p below 0.10" in after


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


def test_a_leader_without_a_strength_has_nothing_to_be_compared_with():
    of = made(objectives=THREE)
    table = given(of, {("vae", "default"): [0.95, 0.96, 0.97, 0.98]})
    assert "total correlation" not in said(of, table)
