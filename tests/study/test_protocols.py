"""The studies that are shipped: what configs/README.md says of them, and what the papers say."""

import re
from math import ceil
from pathlib import Path

import pytest

from disentbench.errors import UserError
from disentbench.storage.study_file import read_study, require_files
from disentbench.workflow import memory

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(path.name for path in CONFIGS.glob("*.yaml"))
README = (CONFIGS / "README.md").read_text()
DSPRITES = 3 * 6 * 40 * 32 * 32
WHOLE = "locatello2019.yaml"
PARTS = ("locatello2019_drawn.yaml", "locatello2019_dsprites.yaml")
FROM_FILES = {"smallnorb", "cars3d", "shapes3d"}


@pytest.fixture(scope="module")
def studies():
    return {name: read_study(CONFIGS / name) for name in FILES}


def rows():
    """The rows of the table in configs/README.md by file: data sets, then numbers, then where."""
    cells = [line.strip("|").split("|") for line in README.splitlines() if line.startswith("| `")]
    stripped = [[cell.strip() for cell in row] for row in cells]
    return {name.strip("`"): row for name, *row in stripped}


def whole(text):
    """A number as it stands in a table."""
    return int(text.replace(",", ""))


def test_the_table_names_every_study_and_the_text_says_what_each_is():
    assert sorted(rows()) == FILES
    _, _, explained = README.partition("## The protocols")
    for name in FILES:
        assert f"`{name}`" in explained


@pytest.mark.parametrize("name", FILES)
def test_the_numbers_of_the_table_are_the_studys(name, studies):
    study, (sets, *numbers, where) = studies[name], rows()[name]
    settings = sum(len(list(study.settings(objective))) for objective in study.objectives)
    seeds = sum(last - first + 1 for first, last in study.blocks)
    runs = sum(len(pack.seeds) for pack in study.packs)
    assert runs == settings * seeds * len(study.datasets)
    training = study.training
    counted = [settings, seeds, runs, len(study.packs), training.steps, training.batch_size]
    assert [whole(number) for number in numbers] == counted
    of = {study.file_of("datasets", dataset) for dataset in study.datasets}
    assert set(sets.partition(", nine")[0].partition(", seven")[0].split(", ")) == of
    assert ("needs" in where) == bool(of & FROM_FILES or "mpi3d_complex" in of)


@pytest.mark.parametrize("name", FILES)
def test_every_study_names_the_schema_and_then_itself_in_words(name):
    first, second = (CONFIGS / name).read_text().splitlines()[:2]
    assert first == "# yaml-language-server: $schema=study.schema.json"
    assert second.startswith("# ")
    year = re.search(r"(19|20)\d\d", name)  # of the publication that a file has its name from
    assert year is None or year[0] in second or name in PARTS


def test_only_the_parts_of_a_study_have_its_name(studies):
    """And so its folder."""
    names = [study.study for name, study in studies.items() if name not in PARTS]
    assert len(set(names)) == len(names)
    assert {studies[name].study for name in (WHOLE, *PARTS)} == {"locatello2019"}


# Weights and biases by hand of encoder, decoder and critic, from the tables of papers and code:
# images of 64 x 64, in one channel or three.
MLP = (
    4096 * 1200 + 1200 * 1200 + 2 * 1200 + 1200 * 20 + 20
    + 10 * 1200 + 2 * 1200 * 1200 + 3 * 1200 + 1200 * 4096 + 4096
)  # fmt: skip
BURGESS = (
    16 * 32 + 3 * 16 * 32 * 32 + 4 * 32 + 512 * 256 + 256 * 256 + 2 * 256 + 256 * 20 + 20
    + 10 * 256 + 256 * 256 + 2 * 256 + 256 * 512 + 512 + 3 * 16 * 32 * 32 + 3 * 32 + 16 * 32 + 1
)  # fmt: skip
KIM = (
    16 * 32 + 16 * 32 * 32 + 16 * 32 * 64 + 16 * 64 * 64 + 2 * 32 + 2 * 64
    + 1024 * 128 + 128 + 128 * 20 + 20
    + 10 * 128 + 128 + 128 * 1024 + 1024
    + 16 * 64 * 64 + 16 * 64 * 32 + 16 * 32 * 32 + 16 * 32 + 64 + 2 * 32 + 1
)  # fmt: skip
CRITIC = 10 * 1000 + 5 * 1000 * 1000 + 6 * 1000 + 1000 * 2 + 2


def locatello(channels, latents):
    """The study of 2019: kernels of 4, 4, 2 and 2, and 256 units."""
    return (
        (16 * channels * 32 + 16 * 32 * 32 + 4 * 32 * 64 + 4 * 64 * 64 + 2 * 32 + 2 * 64)
        + (1024 * 256 + 256 + 256 * 2 * latents + 2 * latents)
        + (latents * 256 + 256 + 256 * 1024 + 1024)
        + (16 * 64 * 64 + 16 * 64 * 32 + 16 * 32 * 32 + 16 * 32 * channels + 64 + 2 * 32 + channels)
    )


@pytest.mark.parametrize(
    ("name", "dataset", "objective", "size"),
    [
        ("chen2018.yaml", "dsprites", "beta_tcvae", MLP),
        ("kumar2018.yaml", "dsprites", "dip_vae_ii", MLP),
        ("burgess2018.yaml", "dsprites", "annealed_vae", BURGESS),
        ("kim2018.yaml", "dsprites", "beta_vae", KIM),
        ("kim2018.yaml", "dsprites", "factor_vae", KIM + CRITIC),
        (WHOLE, "dsprites", "beta_vae", locatello(1, 10)),
        (WHOLE, "dsprites", "factor_vae", locatello(1, 10) + CRITIC),
        (WHOLE, "dsprites_noisy", "annealed_vae", locatello(3, 10)),
        (WHOLE, "smallnorb", "dip_vae_i", locatello(1, 10)),
        (WHOLE, "cars3d", "beta_tcvae", locatello(3, 10)),
        ("hsu2023.yaml", "shapes3d", "beta_vae", locatello(3, 12)),
        ("hsu2023_mpi3d.yaml", "mpi3d_complex", "beta_tcvae", locatello(3, 14)),
    ],
)
def test_the_networks_have_as_many_parameters_as_the_tables(
    name, dataset, objective, size, studies
):
    study = studies[name]
    pack = next(
        pack for pack in study.packs if (pack.dataset, pack.objective) == (dataset, objective)
    )
    assert memory.of_recipe(study.recipe(pack)).parameters == size


@pytest.mark.parametrize(
    ("name", "epochs"), [("chen2018.yaml", 50), ("hfvae2019.yaml", 50), ("burgess2018.yaml", 30)]
)
def test_steps_that_come_of_epochs(name, epochs, studies):
    """An epoch of dSprites draws every image once; what fills no batch is a batch, too."""
    training = studies[name].training
    assert training.sampling == "epochs"
    assert training.steps == epochs * ceil(DSPRITES / training.batch_size)


def test_the_strengths_of_2019_are_six_of_each_objective(studies):
    """As its authors' code has them, in its order; what comes with them is our default."""
    strengths = {
        "beta_vae": {"beta": [1, 2, 4, 6, 8, 16]},
        "factor_vae": {"gamma": [10, 20, 30, 40, 50, 100]},
        "dip_vae_i": {"lambda_od": [1, 2, 5, 10, 20, 50]},
        "dip_vae_ii": {"lambda_od": [1, 2, 5, 10, 20, 50]},
        "beta_tcvae": {"beta": [1, 2, 4, 6, 8, 10]},
        "annealed_vae": {"c_max": [5, 10, 25, 50, 75, 100]},
    }
    for name in (WHOLE, *PARTS, "correlated.yaml"):
        assert studies[name].objectives == strengths
    first = {name: dict(studies[WHOLE].settings(name)) for name in strengths}
    assert first["dip_vae_i"]["lambda_od-5"].lambda_d_factor == 10
    assert first["dip_vae_ii"]["lambda_od-5"].lambda_d_factor == 1
    annealed = first["annealed_vae"]["c_max-25"]
    assert (annealed.gamma, annealed.threshold) == (1000, 100_000)
    critic = first["factor_vae"]["gamma-10"].critic(10)
    assert (critic.learning_rate, critic.adam_betas) == (1e-4, (0.5, 0.9))


def test_kim_and_mnih_permute_a_second_batch_and_the_study_of_2019_the_same(studies):
    batches = {
        name: dict(studies[name].settings("factor_vae"))["gamma-10"].structure().batches
        for name in ("kim2018.yaml", WHOLE)
    }
    assert batches == {"kim2018.yaml": 2, WHOLE: 1}


@pytest.mark.parametrize("name", ["hsu2023.yaml", "hsu2023_mpi3d.yaml"])
def test_latents_are_twice_the_factors(name, studies):
    study = studies[name]
    (dataset,) = study.datasets
    assert study.latents == 2 * len(study.dataset(dataset).factors)
    assert study.evaluate.count(study.dataset(dataset)) == 10_000


@pytest.mark.parametrize("name", PARTS)
def test_what_a_part_has_made_is_the_whole_studys(name, studies):
    """The same recipe to the last letter, at the same path, with the same published number."""
    part, study = studies[name], studies[WHOLE]
    assert set(part.packs) < set(study.packs)
    for pack in part.packs:
        assert part.recipe(pack).text == study.recipe(pack).text
    assert part.metrics == study.metrics
    published = {name: study.published_id[name] for name in part.published_id}
    assert part.published_id == published
    assert set(part.datasets) - set(published) <= {"dsprites_background"}


def test_the_parts_need_no_file_and_the_whole_says_what_to_fetch(studies, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTBENCH_DATA", str(tmp_path))
    for name in PARTS:
        require_files(studies[name])
    with pytest.raises(UserError) as caught:
        require_files(studies[WHOLE])
    assert str(caught.value).startswith(f"datasets.smallnorb reads {tmp_path}/smallnorb/")
    assert "; `disentbench fetch smallnorb` downloads it, or name the folder" in str(caught.value)
    assert str(caught.value).endswith("; likewise for cars3d, shapes3d")
