"""Published numbers stand beside the runs whose protocol is the publication's, and no others."""

from pathlib import Path

import pytest
import yaml
from builders.studies import made, rendered, scored

from disentbench.report import references
from disentbench.storage.study_file import read_study

CONFIGS = Path(__file__).parents[2] / "configs"
CHEN = yaml.safe_load((CONFIGS / "chen2018.yaml").read_text())
TRAINING = CHEN["training"]


def numbers(raw) -> list:
    study = read_study(raw)
    return [one for name in study.datasets for one in references.references(study, name)]


def test_the_study_of_2018_has_its_elbo_at_one_setting():
    (reference,) = numbers(CHEN)
    assert reference.key == ("beta_tcvae", "beta-6")
    assert (reference.value, reference.low, reference.high) == ("elbo", -86.40, -86.40)
    assert "Chen et al. 2018" in reference.source


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": "7", "pack": 1, "metrics": ["elbo"], "study": "mine"},
        {"datasets": {"mine": {"of": "dsprites"}}},
        {"objectives": {"mine": {"of": "beta_tcvae", "beta": [6.0]}}},
        {"training": TRAINING | {"sampling": "epochs"}},
    ],
    ids=["seeds and metrics", "name of the data set", "name of the objective", "a default"],
)
def test_names_and_seeds_are_no_part_of_a_protocol(changes):
    assert len(numbers(CHEN | changes)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"training": TRAINING | {"learning_rate": 0.0005}},
        {"training": TRAINING | {"steps": 18_001}},
        {"training": TRAINING | {"batch_size": 1000}},
        {"training": TRAINING | {"initialisation": "glorot"}},
        {"latents": 6},
        {"architecture": "conv_locatello2019"},
        {"architecture": {"of": "mlp_chen2018", "hidden": 256}},
        {"likelihood": {"of": "gaussian", "scale": 0.1}},
        {"datasets": {"dsprites": {"shape": [0, 1]}}},
        {"datasets": {"dsprites": {"of": "dsprites_small"}}},
        {"objectives": {"beta_tcvae": {"beta": [6], "estimator": "mss"}}},
        {"objectives": {"beta_tcvae": {"beta": [4]}}},
        {"objectives": {"beta_tcvae": {"of": "beta_vae", "beta": [6]}}},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_whatever_trains_otherwise_has_none(changes):
    assert numbers(CHEN | changes) == []


@pytest.mark.parametrize(
    "path", sorted(set(CONFIGS.glob("*.yaml")) - {CONFIGS / "chen2018.yaml"}), ids=lambda p: p.stem
)
def test_no_other_study_that_is_shipped_has_one(path):
    assert numbers(str(path)) == []


def test_a_small_study_has_none():
    assert references.references(made(), "tiny") == []


@pytest.mark.usefixtures("quick_figures")
@pytest.mark.parametrize("learning_rate", [0.001, 0.002])
def test_the_page_names_the_source_where_the_protocol_is_the_same(tmp_path, learning_rate):
    training = TRAINING | {"learning_rate": learning_rate}
    objectives = {"beta_tcvae": {"beta": [4, 6]}}
    changes = {"objectives": objectives, "seeds": "0-2", "training": training, "metrics": ["elbo"]}
    of = read_study(CHEN | changes)
    table = scored(of, ("elbo",)) - 87
    page = rendered(tmp_path, of, table)
    same = learning_rate == TRAINING["learning_rate"]
    assert ("ELBO of β-TCVAE (β = 6): −86.4. Chen et al. 2018" in page) == same
    assert ("Grey: published numbers" in page) == same
