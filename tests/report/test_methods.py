"""The study that the report shows is the study that ran, with every default."""

from pathlib import Path

import pytest
from builders.studies import made

from disentbench.report import methods
from disentbench.storage.study_file import read_study

STUDIES = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("name", sorted(path.stem for path in STUDIES.glob("*.yaml")))
def test_the_study_is_shown_with_every_default_and_is_the_same_study(name, tmp_path):
    of = read_study(STUDIES / f"{name}.yaml")
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


def test_the_head_says_how_it_was_trained():
    """What a study leaves as it is by default is not dwelt on."""
    plain = {fact.name: fact.text for fact in methods.facts(made(), 1, [])}
    assert plain["optimiser"] == "Adam, learning rate 0.0001, β₁ = 0.9, β₂ = 0.999"
    assert plain["initialisation"].startswith("uniform within 1 / √(fan in)")
    training = {
        "steps": 1000,
        "batch_size": 8,
        "sampling": "with_replacement",
        "learning_rate_schedule": "cosine",
        "warm_up": 100,
        "weight_decay": 0.01,
        "clip_norm": 5,
        "initialisation": "glorot",
    }
    said = {fact.name: fact.text for fact in methods.facts(made(training=training), 1, [])}
    assert said["training"] == "1\u2009000 steps of 8 images, drawn with replacement"
    assert said["optimiser"] == (
        "Adam, learning rate 0.0001, β₁ = 0.9, β₂ = 0.999, rising over 100 steps, falling to "
        "nought by half a cosine, weight decay 0.01, decoupled, gradients clipped to a norm of 5"
    )
    assert "Glorot" in said["initialisation"]
