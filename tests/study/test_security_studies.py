"""Studies and names from a stranger are data: none is run, and none leaves its folder."""

import json
from pathlib import Path

import pytest
import yaml
from builders.strangers import STUDY, refused

from disentbench.errors import UserError
from disentbench.recipe import as_path
from disentbench.storage import plain_data
from disentbench.storage.study_file import read_study

pytestmark = pytest.mark.usefixtures("canary")


TAGS = [
    "!!python/object/apply:os.system ['touch CANARY']",
    "!!python/object/new:os.system ['touch CANARY']",
    "!!python/object:builtins.object {}",
    "!!python/name:os.system",
    "!!python/module:os",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch CANARY']",
]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("key", ["study", "extra", "seeds"])
def test_a_study_is_plain_data(capsys, tag, key):
    text = yaml.safe_dump({k: v for k, v in STUDY.items() if k != key})
    Path("study.yaml").write_text(f"{text}{key}: {tag}\n")
    assert "study.yaml cannot be read" in refused(capsys, "status", "study.yaml")
    assert "study.yaml" in refused(capsys, "collect", "study.yaml", "--out", "x.csv")


def bombed(levels: int = 30) -> str:
    """Lists of lists that stand for two to the power of `levels` parts."""
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        *(bombed(), f"study: &s [*s]\n{bombed(3)}", "[" * 100_000, '{"a":' * 100_000),
        *("a: " + "[" * 5000, "9" * 5000, "seeds: " + "9" * 5000, "? [a]\n: 1", "a: \0"),
    ],
    ids=["bomb", "circle", "deep", "deep JSON", "deep YAML", "long", "number", "odd key", "NUL"],
)
def test_a_study_cannot_exhaust_its_reader(capsys, text):
    Path("study.yaml").write_text(text)
    refused(capsys, "status", "study.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds: 1\npack: 2\nseeds: 3", "the key 'seeds' stands twice, in lines 1 and 3; keep one"),
        ("training: {steps: 1, steps: 2}", "the key 'steps' stands twice, in line 1; keep one"),
        ("a: {b: {c: 1,\n 'c': 2}}", "the key 'c' stands twice, in lines 1 and 2; keep one"),
        ('{"study": "x", "study": "y"}', "the key 'study' stands twice; keep one"),
    ],
)
def test_a_key_that_stands_twice_is_named(text, words):
    with pytest.raises(UserError) as caught:
        plain_data.parsed(text)
    assert str(caught.value) == words


def test_keys_that_are_merged_stand_once():
    text = "base: &b {k: 0, l: 1}\na: {q: &x {<<: *b, k: 1}}\nc: {<<: *x, l: 2}"
    assert plain_data.parsed(text)["c"] == {"k": 1, "l": 2}


NAMES = [
    *("../../x", "..", ".", "a/b", "/etc/passwd", "a\0b", "", " ", "a b", "a\n", "-rf", "~"),
    *("a\\b", "a:b", "x" * 65, "x" * 10_000, "\u0430", "a\u202e", "$(touch CANARY)", "`x`", "a;b"),
    *("{input}", "<b>", "a\x1b[31m", "CON.", "*", "a'b", 'a"b', "%s", "a,b", "a=b"),
]
HFVAE = {"of": "hfvae", "beta": 1}
PLACES = {
    "study": lambda name: {"study": name},
    "dataset": lambda name: {"datasets": {name: {"of": "dsprites_small"}}},
    "data sets": lambda name: {"datasets": [name]},
    "dataset of": lambda name: {"datasets": {"a": {"of": name}}},
    "objective": lambda name: {"objectives": {name: {"of": "vae"}}},
    "objective of": lambda name: {"objectives": {"a": {"of": name}}},
    "architecture": lambda name: {"architecture": name},
    "architecture of": lambda name: {"architecture": {"of": name}},
    "metric": lambda name: {"metrics": [name]},
    "group": lambda name: {"objectives": {"a": {**HFVAE, "groups": {name: [0, 1]}}}},
    "discrete": lambda name: {"objectives": {"a": {**HFVAE, "discrete": {name: 2}}}},
    "swept": lambda name: {"objectives": {"a": {**HFVAE, "estimator": [name]}}},
    "key": lambda name: {name: 1},
    "option": lambda name: {"objectives": {"a": {**HFVAE, name: 1}}},
    "seeds": lambda name: {"seeds": name},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_could_leave_its_folder_is_refused(capsys, place):
    for name in NAMES:
        text = json.dumps(STUDY | PLACES[place](name))
        error = refused(capsys, "report", text, "--scores", "x.csv", "--out", "index.html")
        assert len(error) < 1000
        assert error.isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_a_swept_text_is_a_part_of_a_path(name):
    """No objective sweeps free text yet; the next one is safe all the same."""
    assert as_path("mws") == "mws"
    with pytest.raises(ValueError, match="cannot be a folder's name"):
        as_path(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_part_that_does_not_exist_is_not_imported(capsys, name):
    refused(capsys, "data", f"x{name}".replace("\0", ""), "--out", "images.h5")


@pytest.mark.parametrize("value", [True, False, [True], [4, False]])
@pytest.mark.parametrize(
    "key", ["seeds", "pack", "latents", "beta", "steps", "adam_betas", "group"]
)
def test_true_is_no_number(key, value):
    training = STUDY["training"]
    change = {
        "beta": {"objectives": {"a": {"of": "hfvae", "beta": value}}},
        "steps": {"training": training | {"steps": value}},
        "adam_betas": {"training": training | {"adam_betas": value}},
        "group": {"objectives": {"a": {**HFVAE, "groups": {"x": value}}}},
    }.get(key, {key: value})
    with pytest.raises(UserError, match=r"takes no true or false|should be"):
        read_study(STUDY | change)
