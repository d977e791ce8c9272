"""Table 5 of the study of 2019 beside a study's own shares, and where their protocols differ."""

import html
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from builders.studies import made, rendered, scored

from disentbench import plugins
from disentbench.report.figures import _protocols, _table5, figures
from disentbench.storage.study_file import read_study

CONFIG = Path(__file__).parents[2] / "configs/locatello2019.yaml"
FEW = {
    "beta_vae": {"beta": [1, 4]},
    "factor_vae": {"gamma": [10], "critic_units": 8},
    "dip_vae_i": {"lambda_od": [1]},
    "dip_vae_ii": {"lambda_od": [1]},
    "mine": {"of": "beta_tcvae", "beta": [1, 2, 4, 6, 8, 10]},
    "annealed_vae": {"c_max": [5], "threshold": 2},
}

CORRELATED = {"correlate": [{"factors": ["posX", "posY"], "sigma": 0.1}]}
CONSEQUENCES = ("noise alone: objective and strength",)


def protocol(**changes):
    """The study of 2019 with some keys replaced."""
    study = yaml.safe_load(CONFIG.read_text())
    del study["published_id"]
    return read_study(study | changes)


def differing(study, dataset="dsprites") -> dict[str, tuple[str, str]]:
    return {what: texts for what, *texts in _table5.published(study, dataset).differences}


def test_the_config_of_the_study_of_2019_has_its_protocol():
    """Only the images that are measured are others: all, and not a sample."""
    of = read_study(CONFIG)
    assert set(differing(of)) == {"images measured"}
    values = {v.name for m in of.metrics for v in plugins.load("metrics", m).values}
    assert set(_table5.VALUES) <= values
    assert set(_table5.IMAGES) == set(_table5.PUBLISHED) <= set(plugins.names("datasets"))


@pytest.mark.parametrize("name", ["dsprites", "dsprites_color", "dsprites_noisy"])
def test_the_published_images_are_those_of_the_data_set(name):
    dataset = plugins.make("datasets", name, {})
    assert _table5.IMAGES[name] == (dataset.size, dataset.image_shape)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seeds": "5-9"}, {"seeds of a setting": ["50", "5"]}),
        ({"seeds": "0"}, {"seeds of a setting": ["50", "1"]}),
        ({"latents": 6}, {"latents": ["10", "6"]}),
        (
            {"architecture": {"of": "conv_locatello2019", "channels": 16}},
            {"architecture, channels": ["32", "16"]},
        ),
        (
            {"datasets": {"dsprites": {"scale": [0, 1]}}},
            {"images": ["737,280", "245,760"]},
        ),
        ({"datasets": {"dsprites": {"of": "dsprites_color"}}}, {}),
        (
            {"datasets": {"dsprites": {"of": "dsprites_small"}}},
            {"images": ["737,280", "4,608"], "an image": ["1 × 64 × 64", "1 × 32 × 32"]},
        ),
        (
            {"datasets": {"dsprites": CORRELATED}},
            {"images drawn": ["all alike", "by their weights"]},
        ),
        (
            {"training": {"steps": 300_000, "adam_betas": [0.5, 0.999]}},
            {
                "sampling": ["with_replacement", "epochs"],
                "initialisation": ["glorot", "torch"],
                "adam betas": ["0.9, 0.999", "0.5, 0.999"],
            },
        ),
        (
            {"likelihood": {"of": "gaussian", "scale": 0.1}},
            {"likelihood": ["bernoulli", "gaussian"], "likelihood, scale": ["–", "0.1"]},
        ),
    ],
)
def test_what_differs_is_said_and_nothing_else(change, expected):
    found = differing(protocol(**change))
    assert found.pop("images measured")
    assert {what: texts for what, texts in found.items() if what not in CONSEQUENCES} == expected


def test_every_option_of_an_objective_is_compared():
    found = differing(protocol(objectives=FEW))
    assert found["β-VAE, β"] == ["1, 2, 4, 6, 8, 16", "1, 4"]
    assert found["FactorVAE, critic_units"] == ["1,000", "8"]
    assert found["AnnealedVAE, threshold"] == ["100,000", "2"]
    assert not any(name.startswith("β-TCVAE") for name in found)


def test_what_noise_would_explain_is_of_settings_and_runs():
    assert _protocols.floor(protocol()) == pytest.approx(35 / 1799)
    few = protocol(objectives=FEW, seeds="0-4")
    assert _protocols.floor(few) == pytest.approx(11 / 59)
    assert differing(few)["noise alone: objective and strength"] == ["1.9\u00a0%", "18.6\u00a0%"]


@pytest.mark.parametrize(
    "change",
    [
        {"objectives": {"beta_vae": {"beta": [1, 2, 4, 6, 8, 16]}}},
        {"objectives": FEW | {"vae": {}}},
        {"objectives": FEW | {"again": {"of": "beta_vae", "beta": [9]}}},
        {"datasets": {"dsprites": {"of": "rooms3d"}}, "metrics": ["mig"]},
    ],
)
def test_other_objectives_and_other_data_have_nothing_beside_them(change):
    assert _table5.published(protocol(**change), "dsprites") is None


def test_the_page_says_that_the_protocol_is_another(tmp_path, monkeypatch, quick_figures):
    drawn = {"variance": figures()["variance"]}
    for room in ("page", "dataset"):
        monkeypatch.setattr(f"disentbench.report.{room}.figures", lambda: drawn)
    metrics = ["mig", "sap", "decomposition", "elbo", "active_units"]
    of = made(objectives=FEW, metrics=metrics)
    text = html.unescape(rendered(tmp_path, of, scored(of, ("mig", "sap"))))
    assert re.search(r'<th scope="row">MIG</th>.*<td>26</td><td>72</td></tr>', text)
    assert "published by another protocol, %" in text
    assert "Published: dSprites in Table 5 of Locatello et al. 2019" in text
    (table,) = re.findall(r'data-table="protocol".*?</table>', text, re.DOTALL)
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', table)
    assert rows == [tuple(row) for row in _table5.published(of, "tiny").differences]
    written = pd.read_csv(tmp_path / "report/tables/tiny_variance.csv").set_index("value")
    assert written.loc["mig", ["published_objective", "published_settings"]].tolist() == [
        0.26,
        0.72,
    ]
    assert written.loc["elbo", ["published_objective"]].isna().all()
