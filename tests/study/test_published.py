"""The numbers that the runs of a study have in a published one, and what is wrong with them."""

import json
from pathlib import Path

import pytest
from builders.good_study import GOOD, changed

from disentbench.cli import main
from disentbench.errors import UserError
from disentbench.storage.study_file import read_study
from disentbench.study import published

ROOT = Path(__file__).parents[2]
# The order of data sets and objectives in the study of 2019, each at six strengths with 50 seeds.
DATASETS = [
    *("dsprites", "dsprites_color", "dsprites_noisy", "dsprites_background"),
    *("smallnorb", "cars3d", "shapes3d"),
]
PLACES = {
    **{"beta_vae": 0, "factor_vae": 1, "dip_vae_i": 2},
    **{"dip_vae_ii": 3, "beta_tcvae": 4, "annealed_vae": 5},
}
STRENGTHS, SEEDS = 6, 50
MANY = "beta-1_gamma-1, beta-1_gamma-3, beta-4_gamma-1, beta-4_gamma-3, beta-0.5_gamma-1, "

MISTAKES = [
    ({"colour": {}}, "published_id: the study has no data set 'colour'; choose from grid"),
    (
        {"grid": {"btcvae": {}}},
        "published_id.grid: the study has no objective 'btcvae'; "
        "choose from vae, beta_tcvae, grouped",
    ),
    (
        {"grid": {"vae": {"beta-1": 0}}},
        "published_id.grid.vae: the study has no setting 'beta-1'; choose from default",
    ),
    ({"grid": {"beta_tcvae": {"beta-1": 0}}}, f"setting 'beta-1'; choose from {MANY}"),
    (
        {"grid": {"vae": {"default": 0.5}}},
        "published_id.grid.vae.default is 0.5; it should be a whole number",
    ),
    (
        {"grid": {"vae": {"default": "first"}}},
        "published_id.grid.vae.default is 'first'; it should be a whole number",
    ),
    (
        {"grid": {"vae": {"default": None}}},
        "published_id.grid.vae.default is None; it should be a whole number",
    ),
    ({"grid": {"vae": {"default": True}}}, "it takes no true or false"),
    (
        {"grid": {"vae": {"default": -1}}},
        "published_id.grid.vae.default is -1; it should be at least 0",
    ),
    ({"grid": {"vae": {"default": 10**12}}}, "it should be at most 1000000000"),
    ({"grid": {"vae": 0}}, "published_id.grid.vae is 0; it should be a mapping of keys to values"),
    ([0, 50], "published_id is [0, 50]; it should be a mapping of keys to values"),
]


@pytest.mark.parametrize(("numbers", "words"), MISTAKES, ids=str)
def test_every_mistake_is_one_sentence_and_exit_code_2(numbers, words, capsys):
    assert main(["status", json.dumps(changed("published_id", numbers))]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def numbered(first, second, seeds):
    """The good study with numbers for two settings of two objectives."""
    numbers = {"grid": {"vae": {"default": first}, "beta_tcvae": {"beta-4_gamma-1": second}}}
    return read_study(GOOD | {"seeds": seeds, "published_id": numbers})


def test_sixty_seeds_do_not_fit_into_fifty_numbers():
    """The sentence names both runs and the number that they would have."""
    numbered(0, 50, "0-49")
    words = "published_id gives grid/vae/default seed 50 and grid/beta_tcvae/beta-4_gamma-1 seed 0"
    with pytest.raises(UserError) as caught:
        numbered(0, 50, "0-59")
    assert f"{words} one number, 50; keep settings 60 apart" in str(caught.value)


@pytest.mark.parametrize("seeds", ["0-8", "3-11", "999-1007"])
@pytest.mark.parametrize(("first", "second"), [(100, 92), (100, 100), (92, 100)])
def test_one_number_of_two_runs_is_refused_whatever_the_seeds(first, second, seeds):
    with pytest.raises(UserError, match=r"one number, \d+; keep settings 9 apart, as the study"):
        numbered(first, second, seeds)
    numbered(first, first + 9, seeds)
    numbered(first + 9, first, seeds)


def test_two_data_sets_have_no_number_in_common():
    datasets = {name: {"of": "dsprites_small", "scale": [0, 5]} for name in ("one", "two")}
    numbers = {name: {"vae": {"default": 1800}} for name in datasets}
    with pytest.raises(UserError, match="one/vae/default seed 3 and two/vae/default seed 3 one"):
        read_study(GOOD | {"datasets": datasets, "published_id": numbers})


def test_a_study_without_numbers_says_nothing_of_them():
    """Its tables and its report are those of before there were any."""
    assert "published_id" not in read_study(GOOD).text
    assert read_study(GOOD | {"published_id": {}}).text == read_study(GOOD).text
    numbers = {"grid": {"vae": {"default": 50}}}
    study = read_study(GOOD | {"published_id": numbers})
    assert json.loads(study.text)["published_id"] == numbers
    assert read_study(study.text) == study


def test_the_runs_of_2019_have_their_numbers():
    """Data set x 1800 + setting x 50 + seed; what is before another picture has none."""
    study = read_study(ROOT / "configs/locatello2019.yaml")
    assert list(study.datasets) == DATASETS
    places = {
        (dataset, name, setting): (d * len(PLACES) + PLACES[name]) * STRENGTHS + strength
        for d, dataset in enumerate(DATASETS)
        for name in study.objectives
        for strength, (setting, _) in enumerate(study.settings(name))
        if dataset != "dsprites_background"
    }
    assert published.of_seed_0(study.published_id) == {
        of: place * SEEDS for of, place in places.items()
    }
    assert study.seeds == f"0-{SEEDS - 1}"
    first = published.of_seed_0(study.published_id)
    numbers = {
        first[pack.of] + seed for pack in study.packs if pack.of in first for seed in pack.seeds
    }
    models = range(len(DATASETS) * len(PLACES) * STRENGTHS * SEEDS)
    assert set(models) - numbers == set(range(5400, 7200))
