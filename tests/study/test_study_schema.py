"""The JSON schema of a study takes what a study may say, and refuses what a look can tell."""

import json
import math
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from builders.good_study import GOOD, changed
from builders.strangers import STUDY
from jsonschema import Draft202012Validator
from test_published import MISTAKES as MISNUMBERED
from test_recipe import CHANGES
from test_security_studies import NAMES, PLACES
from test_study import MISTAKES

from disentbench import plugins
from disentbench.cli import main
from disentbench.datasets import _forms
from disentbench.datasets._grid import classes_kept
from disentbench.errors import UserError
from disentbench.storage.study_file import read_plain, read_study
from disentbench.study import schema as schemas

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "configs/study.schema.json"
# What takes more than a look at a value: the first words of what reading a study says of it.
BEYOND = (
    *("training.batch_size", "datasets.one has one image"),  # the data set, the objectives' needs
    *("objectives.grouped.groups.a names latent", "objectives.grouped: latent 1 is named twice"),
    "objectives.beta_tcvae: beta is nan",  # no number of JSON; every bound lets it through
    *("seeds: '5-3' is no range", "seeds: '0-999999999' is no range"),
    *("published_id: the study has no", "published_id.grid: the study has no"),
    "published_id.grid.vae: the study has no",
    "published_id.grid.beta_tcvae: the study has no",
)


@cache
def made() -> dict:
    return schemas.schema()


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(made())


def takes(study) -> bool:
    return validator().is_valid(study)


def test_it_is_a_schema_and_says_it_in_one_way():
    Draft202012Validator.check_schema(made())
    assert json.loads(schemas.text()) == made()


def test_the_schema_that_we_ship_is_current(monkeypatch):
    """But for files that git does not know, which a visitor is trying out, say."""
    everything = plugins.names
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = ["git", "-C", str(ROOT), "ls-files", "disentbench"]
        tracked = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
        monkeypatch.setattr(
            plugins,
            "names",
            lambda kind: [n for n in everything(kind) if f"disentbench/{kind}/{n}.py" in tracked],
        )
    said = "disentbench schema --out configs/study.schema.json writes it anew"
    assert schemas.schema() == json.loads(WRITTEN.read_text()), said


def test_the_command_writes_it_or_says_it(tmp_path, capsys):
    assert main(["schema", "--out", str(tmp_path / "s.json")]) == 0
    assert capsys.readouterr().out == ""
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == (tmp_path / "s.json").read_text()
    assert json.loads((tmp_path / "s.json").read_text()) == made()


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_it_takes_the_studies_that_we_ship(path):
    assert [error.message for error in validator().iter_errors(read_plain(path))] == []


@pytest.mark.parametrize("path", CHANGES)
def test_it_takes_what_reading_a_study_takes(path):
    study = changed(path, CHANGES[path])
    assert read_study(study).packs
    assert takes(study)


def test_it_takes_the_short_forms_and_a_schedule():
    short = {"datasets": ["dsprites"], "objectives": ["vae"], "architecture": "mlp_chen2018"}
    rising = {"beta_vae": {"beta": {"from": 0, "to": 4, "steps": 9}}, "vae": None}
    grid = {"correlate": [{"factors": ["posX", "posY"]}], "hold_out": {"shape": "heart"}}
    for changes in (
        *(short, {"objectives": rising}, {"seeds": 3}, {"seeds": "7"}),
        {"datasets": {"dsprites": {"shape": ["heart", 0], **grid}, "vae": {"of": "dsprites"}}},
        {"objectives": {"vae": {"of": "beta_vae", "beta": [1, 2]}}},
        *({"likelihood": {"of": "gaussian", "scale": s}} for s in ("learned", 1, {})),
    ):
        assert read_study(GOOD | changes).packs
        assert takes(GOOD | changes), changes


@pytest.mark.parametrize(("path", "value", "words"), MISTAKES)
def test_it_refuses_the_mistakes_that_a_look_tells(path, value, words):
    study = changed(path, value)
    with pytest.raises(UserError) as caught:
        read_study(study)
    assert takes(study) == beyond(caught.value)


@pytest.mark.parametrize(("numbers", "words"), MISNUMBERED, ids=str)
def test_it_refuses_published_numbers_that_are_none(numbers, words):
    study = changed("published_id", numbers)
    with pytest.raises(UserError) as caught:
        read_study(study)
    assert takes(study) == beyond(caught.value)


def beyond(error: UserError) -> bool:
    return str(error).removeprefix("study: ").startswith(BEYOND)


@pytest.mark.parametrize("place", PLACES)
def test_it_refuses_the_names_that_could_leave_a_folder(place):
    """But those of groups, which become names later, and a last line break, as Python reads `$`."""
    named = [name for name in NAMES if takes(STUDY | PLACES[place](name))]
    by_pattern = ("study", "dataset", "objective")
    if place in ("group", "discrete"):
        assert named == NAMES
    else:
        assert named == (["a\n"] if place in by_pattern else [])


REQUIRED = {"contents": {"images": 9, "shape": [1, 8, 8]}, "path": "x"}


@pytest.mark.parametrize("kind", schemas.WITH_OPTIONS)
def test_every_file_of_a_registry_has_its_options_and_no_others(kind):
    for name in plugins.names(kind):
        fields = plugins.load(kind, name).model_fields
        needed = {key: REQUIRED.get(key, 2) for key, field in fields.items() if field.is_required()}
        for study in written(kind, name, needed):
            assert takes(study), study
        for study in written(kind, name, needed | {"colour": 1}):
            assert not takes(study), study
        for key in needed:
            less = {other: needed[other] for other in needed if other != key}
            assert not any(map(takes, written(kind, name, less)))


def written(kind, name, options):
    """The studies in which this has these options, by its own name and by another."""
    if kind in plugins.SINGLE:
        return [GOOD | {kind.removesuffix("s"): {"of": name, **options}}]
    return [GOOD | {kind: {name: options}}, GOOD | {kind: {"mine": {"of": name, **options}}}]


CHOICES = [
    *(0, 5, 6, -1, 1.5, True, None, "0", "", [], [0], [3, 0], [1, 1], [0, 1.5], [0, 6], [[0]]),
    *({"stride": 2}, {"stride": 9}, {"stride": 0}, {"step": 2}, {}, {"stride": 2, "from": 1}),
    *({"from": 0, "to": 5}, {"from": 2}, {"from": 1, "to": 6}, {"from": "b", "to": 5}),
    *("b", "g", ["a", 3], ["a", "g"]),
]


@pytest.mark.parametrize("names", [(), tuple("abcdef")])
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_choice_of_classes_is_taken_by_both_or_by_neither(choice, names):
    try:
        kept = classes_kept(choice, 6, names)
    except ValueError:
        kept = None
    of_six = Draft202012Validator(_forms.choice(6, names))
    assert of_six.is_valid(choice) == (kept is not None)


def test_classes_that_end_before_they_begin_are_beyond_it():
    with pytest.raises(ValueError, match="holds no class"):
        classes_kept({"from": 4, "to": 3}, 6)
    assert Draft202012Validator(_forms.choice(6)).is_valid({"from": 4, "to": 3})


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({"correlate": [{"factors": ["posX", "pos"]}]}, False),
        ({"correlate": [{"factors": ["posX", "posX"]}]}, False),
        ({"correlate": [{"factors": ["posX", "posY"], "sigma": 0}]}, False),
        ({"hold_out": {}}, False),
        ({"hold_out": {"pos": 1}}, False),
        ({"hold_out": [{"shape": "star"}]}, False),
        ({"image_size": 4}, False),
        ({"image_size": 16}, True),
        ({"hold_out": {"shape": [0, 1, 2]}}, True),  # nothing is left: it has to be counted
    ],
    ids=str,
)
def test_the_other_options_of_a_grid(options, taken):
    assert takes(GOOD | {"datasets": {"dsprites": options}}) == taken


@pytest.mark.parametrize("scale", [0, "lernt", {"learned_above": -1}, {"least": 1}, None])
def test_a_scale_that_is_none(scale):
    assert not takes(GOOD | {"likelihood": {"of": "gaussian", "scale": scale}})
    assert takes(GOOD | {"likelihood": {"of": "gaussian", "scale": math.nan}})  # as any number


def test_each_key_and_part_is_described():
    """By what its file or class says of it: what an editor shows."""
    whole = made()
    assert whole["description"].startswith("One study: ")
    for kind in ("datasets", "objectives"):
        named, _ = whole["properties"][kind]["anyOf"]
        assert all(named["properties"][name]["description"] for name in plugins.names(kind))
    metrics = whole["properties"]["metrics"]["items"]
    sentences = dict(zip(metrics["enum"], metrics["enumDescriptions"], strict=True))
    text = plugins.source("metrics", "mig").read_text()
    assert text.startswith(f'"""{sentences["mig"]}\n')
