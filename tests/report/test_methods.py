"""The study that the report shows is the study that ran, with every default."""

import pytest

from disentbench.report import methods
from disentbench.storage.study_file import read_study


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
