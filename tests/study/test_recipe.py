"""A study's packs, and the recipe of each: what trains it is in there, and nothing else."""

import json

import pytest
from builders.good_study import GOOD, changed

from disentbench import plugins
from disentbench import study as studies
from disentbench.objectives import Objective
from disentbench.options import SINCE
from disentbench.storage import expected
from disentbench.storage.study_file import read_study
from disentbench.study.evaluation import Evaluate


def test_packs_are_every_setting_over_aligned_blocks_of_seeds():
    paths = [pack.path for pack in read_study(GOOD).packs]
    assert len(paths) == (1 + 6 + 1) * 3
    assert paths[:3] == [f"grid/vae/default/seeds-{b}" for b in ("3-4", "5-9", "10-11")]
    assert "grid/beta_tcvae/beta-0.5_gamma-3/seeds-5-9" in paths
    assert "grid/grouped/default/seeds-5-9" in paths


def test_a_recipe_is_the_study_of_its_pack():
    study = read_study(GOOD)
    for pack in study.packs:
        assert read_study(study.recipe(pack).text).packs == [pack]


def test_what_does_not_concern_a_pack_is_not_in_its_recipe():
    """Adding a strength, seeds, an objective or a metric leaves every other recipe as it was.

    So do the numbers of a published study.
    """
    study = read_study(GOOD)
    before = {pack.path: study.recipe(pack).text for pack in study.packs}
    for path, value in [
        ("metrics", ["mig", "elbo"]),
        ("objectives/beta_tcvae/beta", [0.5, 1, 4, 8]),
        ("objectives/beta_vae", {"beta": [1]}),
        ("seeds", "3-21"),
        ("published_id", {"grid": {"vae": {"default": 50}}}),
    ]:
        more = read_study(changed(path, value))
        after = {pack.path: more.recipe(pack).text for pack in more.packs}
        kept = {path for path in before if not path.endswith("seeds-10-11")}
        assert kept <= set(after)
        assert all(after[path] == before[path] for path in kept)


def test_a_key_that_a_study_gains_is_in_every_recipe():
    """What trains is not listed anywhere: only what does not is."""

    class More(studies.Study):
        new_key: int = 3
        another: dict = {"a": [1, 2]}  # noqa: RUF012

    study = More.model_validate(GOOD)
    for pack in study.packs:
        recipe = json.loads(study.recipe(pack).text)
        unsaid = studies.TRAINS_NOTHING | {"likelihood"}  # which is as before it could be chosen
        assert recipe.keys() == More.model_fields.keys() - unsaid
        assert (recipe["new_key"], recipe["another"]) == (3, {"a": [1, 2]})


CHANGES = {
    "study": "other",
    "datasets": {"grid": {"of": "dsprites_small", "scale": [0, 4]}},
    "objectives": {"vae": {"of": "beta_vae", "beta": 2}},
    "latents": 7,
    "architecture": "conv_burgess2018",
    "likelihood": {"of": "gaussian", "scale": 0.2},
    "training/steps": 11,
    "training/batch_size": 17,
    "training/learning_rate": 0.5,
    "training/adam_betas": [0.5, 0.9],
    "training/precision": "bf16",
    "training/sampling": "with_replacement",
    "training/learning_rate_schedule": "cosine",
    "training/warm_up": 5,
    "training/weight_decay": 0.01,
    "training/clip_norm": 1,
    "training/initialisation": "glorot",
}


def test_every_key_that_trains_changes_the_recipe():
    """Every key of a study and of its training is in `CHANGES`, or says which runs there are."""
    study, training = studies.Study.model_fields, studies.Training.model_fields
    keys = (study.keys() - {"training"}) | {f"training/{key}" for key in training}
    assert keys == CHANGES.keys() | studies.TRAINS_NOTHING | {"seeds", "pack"}
    recipe = read_study(GOOD).recipe(read_study(GOOD).packs[0]).text
    for path, value in CHANGES.items():
        other = read_study(changed(path, value))
        assert other.recipe(other.packs[0]).text != recipe


# What was done before an option came. If one of these changed, files of before would be taken for
# files of today.
BEFORE = {
    studies.Training: {
        "sampling": "epochs",
        "learning_rate_schedule": "constant",
        "warm_up": 0,
        "weight_decay": 0.0,
        "clip_norm": None,
        "initialisation": "torch",
    },
    studies.Study: {
        "published_id": {},
        "likelihood": {"of": "bernoulli"},
        "evaluate": Evaluate(),
    },
    Objective: {"warm_up": 0},
    plugins.load("architectures", "conv_locatello2019"): {"last_kernels": 2},
    plugins.load("datasets", "dsprites"): {"correlate": (), "hold_out": ()},
}


@pytest.mark.parametrize("options", BEFORE)
def test_an_option_that_came_later_is_by_default_what_was_done_before(options):
    fields = options.model_fields.items()
    later = {
        name: field.get_default(call_default_factory=True)
        for name, field in fields
        if SINCE in field.metadata
    }
    assert later == BEFORE[options]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training/batch_size", 16),  # as it is
        ("training/learning_rate", 1e-4),  # the default
        ("training/sampling", "epochs"),
        ("training/initialisation", "torch"),
        ("objectives/vae", {"warm_up": 0}),
        ("architecture", {"hidden": 8, "of": "mlp_chen2018"}),
        ("likelihood", "bernoulli"),
        ("datasets/grid/shape", [0, 1, 2]),
        ("datasets/grid/shape", ["heart", "square", "ellipse"]),
        ("datasets/grid/correlate", []),
        ("datasets/grid/hold_out", []),
        ("datasets/grid/scale", {"stride": 5}),
        ("objectives/vae", {"of": "vae"}),
        ("objectives/beta_tcvae/beta", [1.0, 4, 0.5]),
        ("objectives/beta_tcvae/estimator", "mws"),
        ("pack", 10),
    ],
)
def test_the_same_in_other_words_is_the_same_recipe(path, value):
    """Defaults that are written out, numbers in another form, keys in another order."""
    study, same = read_study(GOOD), read_study(changed(path, value))
    seeds = [pack for pack in study.packs if pack in same.packs]
    assert seeds
    assert all(study.recipe(pack).text == same.recipe(pack).text for pack in seeds)


def test_what_is_drawn_alters_a_recipe_and_no_file_of_images():
    drawn = {"correlate": [{"factors": ["posX", "posY"]}], "hold_out": {"shape": "heart"}}
    for key, value in drawn.items():
        plain, other = read_study(GOOD), read_study(changed(f"datasets/grid/{key}", value))
        assert plain.recipe(plain.packs[0]).text != other.recipe(other.packs[0]).text
        assert expected.images(plain.dataset("grid")) == expected.images(other.dataset("grid"))


def test_an_architectures_option_alters_a_recipe_unless_it_is_as_by_default():
    plain, default, other = (
        read_study(changed("architecture", {"of": "conv_locatello2019"} | options))
        for options in ({}, {"last_kernels": 2}, {"last_kernels": 4})
    )
    texts = [study.recipe(study.packs[0]).text for study in (plain, default, other)]
    assert "last_kernels" not in texts[0]  # as in files of before there was a choice
    assert texts[0] == texts[1] != texts[2]
    assert [study.network.last_kernels for study in map(read_study, texts)] == [2, 2, 4]


@pytest.mark.parametrize("pack", [1, 3, 5, 7, 1000])
@pytest.mark.parametrize("seeds", ["0-0", "3-11", "995-1007", "999999990-999999999"])
def test_a_recipe_has_one_pack_wherever_its_seeds_begin(seeds, pack):
    study = read_study(GOOD | {"seeds": seeds, "pack": pack})
    for each in study.packs:
        assert read_study(study.recipe(each).text).packs == [each]
