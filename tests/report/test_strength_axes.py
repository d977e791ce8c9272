"""What the strength does: whose axes are whose, what has none, and what a crowd of runs shows."""

import re
from itertools import pairwise

import numpy as np
import pytest
from builders.findings import block
from builders.studies import LEAN, STUDY, made, rendered, scored

from disentbench.report import runs, style
from disentbench.report.figures import _scale, strength
from disentbench.report.figures._sweep import Swept, drawn

pytestmark = pytest.mark.usefixtures("quick_figures")
GAMMAS = {"factor_vae": {"gamma": [1, 2], "critic_units": 8}, "hfs_vae": {"gamma": [1, 2]}}
BETAS = {"vae": {}, "beta_vae": {"beta": [1.5, 3]}, "beta_tcvae": {"beta": [1.5, 3]}}


def of_objectives(objectives, **changes):
    return made(objectives=objectives, **LEAN | changes)


def axes(of):
    return strength.sweeps(of, runs.catalogue(of))


def canvas(of, key="beta"):
    """The panel of MIG by one key, of made-up scores."""
    part, _ = block(of, scored(of))
    sweep = Swept(part, key, axes(of).settings, style.looks(of), {})
    return drawn(sweep, runs.shown(of, part.runs)["mig"]).axes[0]


def test_gammas_of_different_objectives_have_axes_of_their_own(tmp_path):
    of = of_objectives({"vae": {}, **GAMMAS})
    assert axes(of).keys == ["gamma@factor_vae", "gamma@hfs_vae"]
    page = rendered(tmp_path, of, scored(of))
    for name in GAMMAS:
        assert (tmp_path / f"report/figures/tiny_mig_gamma_{name}.pdf").exists()
    assert re.search("MIG against γ of FactorVAE: VAE [0-9.]+; FactorVAE", page)
    assert canvas(of, "gamma@factor_vae").get_xlabel() == "γ of FactorVAE"


def test_beta_is_one_axis_and_so_is_an_objective_of_two_names():
    twice = {
        name: {"of": "factor_vae", "gamma": [1, 2], "critic_units": n}
        for name, n in (("narrow", 8), ("wide", 9))
    }
    assert axes(of_objectives(BETAS)).keys == ["beta"]
    assert axes(of_objectives(twice)).keys == ["gamma@factor_vae"]


def test_a_single_strength_has_no_line(tmp_path):
    of = of_objectives({**BETAS, "factor_vae": {"gamma": [2], "critic_units": 8}})
    assert axes(of).keys == ["beta"]
    page = rendered(tmp_path, of, scored(of))
    assert "With a single strength, FactorVAE (γ = 2) has no line" in page
    assert not list((tmp_path / "report/figures").glob("tiny_mig_gamma*"))


@pytest.mark.parametrize("objectives", [{"vae": {}}, {"vae": {}, "beta_vae": {"beta": [4]}}])
def test_a_study_that_sweeps_nothing_has_no_line_charts(tmp_path, objectives):
    of = of_objectives(objectives)
    page = rendered(tmp_path, of, scored(of))
    assert "No objective of this study has two strengths" in page
    assert not list((tmp_path / "report/figures").glob("tiny_mig*"))


def test_the_trend_is_said_in_words(tmp_path):
    of, table = of_objectives(BETAS), scored(of_objectives(BETAS))
    values = {"vae": [("default", 0.31)], "beta_vae": [("beta-1.5", 0.35), ("beta-3", 0.42)]}
    for name, settings in values.items():
        for setting, value in settings:
            table.loc[("tiny", name, setting), "mig"] = value
    table.loc[("tiny", "beta_tcvae"), "mig"] = np.nan
    page = rendered(tmp_path, of, table)
    assert 'alt="MIG against β: VAE 0.310; β-VAE 0.350 at 1.5 to 0.420 at 3"' in page


def test_few_runs_are_points_and_a_crowd_is_its_quartiles():
    of = of_objectives(BETAS, seeds="0-39", pack=40)
    few, crowd = canvas(of_objectives(BETAS)), canvas(of)
    assert sum(len(c.get_offsets()) for c in few.collections if len(c.get_offsets()) > 2) == 5 * 4
    bars = [c for c in crowd.collections if hasattr(c, "get_segments")]
    ends = np.array([segment[:, 1] for bar in bars for segment in bar.get_segments()])
    mig = scored(of)["mig"].droplevel("dataset")
    keys = [(name, f"beta-{x}") for name in ("beta_vae", "beta_tcvae") for x in (1.5, 3)]
    expected = [np.quantile(mig.loc[key], [0.25, 0.75]) for key in keys]
    np.testing.assert_allclose(ends, expected)


def test_ticks_are_short_apart_and_without_an_offset():
    strengths = [1e-5, 0.00123456, 0.5, 1, 12.4292145, 12.5, 12.6, 100, 2.5e6]
    of = of_objectives({"beta_vae": {"beta": strengths}})
    ax = canvas(of)
    texts = [label.get_text() for label in ax.get_xticklabels()]
    assert set(texts) <= {"1e−5", "0.001235", "0.5", "1", "12.43", "12.5", "12.6", "100", "2.5e6"}
    assert (texts[0], texts[-1]) == ("1e−5", "2.5e6")
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
    assert ax.yaxis.get_offset_text().get_text() == ""


def test_labels_that_cover_others_are_left_out_but_for_the_ends():
    assert _scale.apart(np.array([0, 0.5, 0.55, 1]), ["a", "b", "c", "d"], 100) == [0, 1, 3]
    assert _scale.apart(np.array([0, 0.95, 1]), ["a", "b", "c"], 100) == [0, 2]
    assert _scale.apart(np.array([0.0]), ["a"], 100) == [0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-2.5, "−2.5"), (12.4292145, "12.43"), (1e5, "100000"), (1e-7, "1e−7")],
)
def test_a_tick_has_four_digits(value, text):
    assert _scale.tick(value) == text


def test_lacking_runs_are_counted_in_one_number_where_there_is_no_room():
    of = of_objectives({"beta_vae": {"beta": [1, *np.linspace(2, 4, 12).round(2).tolist()]}})
    table = scored(of)
    table.loc[(slice(None), slice(None), slice(None), 0), :] = np.nan
    part, _ = block(of, table)
    sweep = Swept(part, "beta", axes(of).settings, style.looks(of), {})
    ax = drawn(sweep, runs.shown(of, part.runs)["mig"]).axes[0]
    assert ax.get_xlabel() == "β (without 13 runs that lack it)"
    assert not ax.texts


def test_twelve_objectives_look_different():
    names = {f"beta_{i}": {"of": "beta_vae", "beta": [1, 2]} for i in range(11)}
    looks = style.looks(of_objectives({"vae": {}, **names}, datasets=STUDY["datasets"]))
    assert len({look.colour for look in looks.values()}) == 12
    assert len(set(looks.values())) == 12


def test_colours_differ_with_any_vision():
    """In OKLab (Ottosson 2020), as seen by Machado et al. 2009's dichromats; 1 is white's L."""
    seen = np.array([[oklab(vision @ linear(c)) for c in style.COLOURS] for vision in VISIONS])
    gaps = np.linalg.norm(seen[:, :, None] - seen[:, None], axis=-1)
    assert gaps[:, ~np.eye(len(style.COLOURS), dtype=bool)].min() > 0.045


VISIONS = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ]
)


def linear(colour: str) -> np.ndarray:
    shades = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(shades <= 0.04045, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    opponents = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return opponents @ np.cbrt(cones @ np.clip(rgb, 0, 1))
