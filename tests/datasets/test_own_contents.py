"""What a study is told of somebody's images when it is read: it is in the recipe."""

import json
import re

import pytest
from builders.good_study import changed
from builders.own_images import BYTES, DATASETS, FACTORS, ROWS, TEXT

from disentbench.cli import main
from disentbench.errors import UserError
from disentbench.storage.study_file import read_recipe, read_study, require_files


def test_what_a_plan_needs_is_filled_in(own):
    dataset = own.made(images=BYTES, factors=FACTORS, factor_names=["a", "b"])
    contents = {"images": ROWS, "shape": [3, 5, 7], "factors": {"a": 4, "b": 3}}
    assert dataset.model_dump(mode="json")["contents"] == contents
    assert dataset.factors == {"a": (0, 1, 2, 3), "b": (0, 1, 2)}
    assert (dataset.size, dataset.sizes, dataset.image_shape) == (ROWS, (4, 3), (3, 5, 7))
    assert dataset.files == (own.path,)
    own.path.unlink()
    same = DATASETS[own.kind].model_validate(dataset.model_dump(mode="json"))
    assert same == dataset
    with pytest.raises(UserError, match="does not exist"):
        same.images()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"images": 1}, "contents.images"),
        ({"shape": [2, 5, 7]}, "contents.shape"),
        ({"shape": [1, 5, 4097]}, "contents.shape"),
        ({"factors": {"a/b": 3}}, "cannot be a factor's name"),
        ({"factors": {"a": 10**9}}, "at most 1,000,000 together"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_contents_that_cannot_be(own, wrong, sentence):
    contents = {"images": ROWS, "shape": [3, 5, 7], "factors": {}} | wrong
    study = {"of": own.kind, "path": str(own.path), "contents": contents}
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_study(changed("datasets/grid", study))


def test_a_file_of_other_contents_is_not_what_was_planned(own):
    contents = {"images": ROWS, "shape": [3, 5, 7], "factors": {"a": 3}}
    dataset = own.made({"contents": contents}, images=BYTES, factors=TEXT, factor_names=["b"])
    of, known = (f"23 images of 3 x 5 x 7 and the factors {name} (3 classes)" for name in "ba")
    with pytest.raises(UserError) as refused:
        dataset.images()
    assert str(refused.value) == (
        f"{own.path} has {of}, where `contents` says {known}; leave `contents` out, it is filled "
        "in when a study is read"
    )
    dataset = own.made({"contents": contents | {"factors": {}}}, images=BYTES[:-1])
    with pytest.raises(UserError, match=r"has 22 images of 3 x 5 x 7 and the factors none, where"):
        dataset.images()


def study_of(own, **options):
    grid = {"of": own.kind, "path": str(own.path), **options}
    return changed("datasets/grid", grid) | {"metrics": ["elbo"]}


def test_a_recipe_has_the_contents_and_needs_no_file(own):
    own.write(images=BYTES, factors=FACTORS)
    study = read_study(study_of(own))
    require_files(study)
    recipe = study.recipe(study.packs[0])
    contents = json.loads(recipe.text)["datasets"]["grid"]["contents"]
    assert contents == {"images": ROWS, "shape": [3, 5, 7], "factors": {"factor0": 4, "factor1": 3}}
    own.path.unlink()
    again = read_recipe(recipe.text)
    assert again.text == recipe.text
    assert again.dataset == recipe.dataset
    with pytest.raises(UserError, match="cannot be looked at") as refused:
        read_study(study_of(own))
    assert str(refused.value).count("\n") == 0
    assert str(refused.value).startswith(f"study: datasets.grid: {own.path}")


def test_a_file_that_was_replaced_is_another_recipe(own):
    def text(**arrays):
        own.write(**arrays)
        study = read_study(study_of(own))
        return study.recipe(study.packs[0]).text

    texts = [
        text(images=BYTES, factors=FACTORS),
        text(images=BYTES[1:], factors=FACTORS[1:]),
        text(images=BYTES[..., 0], factors=FACTORS),
        text(images=BYTES, factors=FACTORS, factor_names=["a", "b"]),
        text(images=BYTES),
    ]
    assert len(set(texts)) == len(texts)
    assert text(images=BYTES, factors=FACTORS) == texts[0]


@pytest.mark.parametrize("there", [False, True])
def test_the_command_that_reads_it_says_so_in_a_sentence(own, tmp_path, capsys, there):
    if there:
        own.write(images=BYTES / 255)
    words = ["data", own.kind, "--options", json.dumps({"path": str(own.path)}), "--out"]
    assert main([*words, str(tmp_path / "images.h5")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"disentbench data: datasets.{own.kind}: {own.path}")
    assert ("say `values: unit`" in said, "cannot be looked at" in said) == (there, not there)
    assert said.count("\n") == 1
    assert not (tmp_path / "images.h5").exists()
