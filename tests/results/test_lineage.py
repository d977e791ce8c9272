"""Why two results differ is traced to the studies, code and machines that made them."""

import json

import h5py
import pytest
from builders.tidy_tables import saved, tidy

from disentbench.results import diff, diff_text
from disentbench.results.tidy import write_parquet


def latents(folder, run, **provenance):
    """Latents of a run, of which there is nothing but their provenance."""
    path = folder / run / "latents.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["provenance"] = json.dumps(provenance)


HERE = {"revision": "abc", "versions": {"torch": "2.6", "numpy": "2"}, "device": "cpu"}
RECIPE = {"objectives": {"vae": {}}, "training": {"steps": 30}, "seeds": "0-4"}


def made_by(tmp_path, ours, theirs):
    """A comparison of two studies with the same scores and these provenances."""
    for name, each in (("a", ours), ("b", theirs)):
        saved(tmp_path / name, tidy())
        for run, provenance in each.items():
            latents(tmp_path / name, run, **provenance)
    return diff.compare(tmp_path / "a", tmp_path / "b")


def said(table):
    return {row[1]: (row.a, row.b) for row in table.itertuples()}


VAE = "tiny/vae/default/seeds-0-4"


def test_what_made_them_is_compared(tmp_path):
    there = {"revision": "def+", "versions": {"torch": "2.7", "numpy": "2"}, "device": "H100"}
    more = {"tiny/vae/default/seeds-5-9": HERE}
    found = made_by(tmp_path, {VAE: HERE}, {VAE: there} | more)
    assert said(found.made_by) == {
        "encoded at revision": (["abc"], ["abc", "def+"]),
        "encoded with device": (["cpu"], ["H100", "cpu"]),
        "encoded with torch": (["2.6"], ["2.6", "2.7"]),
    }
    assert "encoded with torch: 2.6 | 2.6 or 2.7" in diff_text.text(found)


def test_where_they_were_trained_is_told_apart_from_where_they_were_encoded(tmp_path):
    trained = [{"from_step": 0, **HERE, "device": "H100"}, {"from_step": 9, **HERE}]
    old, new = HERE, HERE | {"trained": trained}
    assert said(made_by(tmp_path / "old", {VAE: old}, {VAE: old}).made_by) == {}
    assert said(made_by(tmp_path / "new", {VAE: new}, {VAE: new}).made_by) == {}
    once = HERE | {"trained": trained[:1]}
    found = made_by(tmp_path / "other", {VAE: once}, {VAE: new})
    assert said(found.made_by) == {"trained with device": (["H100"], ["H100", "cpu"])}


def test_the_keys_of_the_studies_are_compared_for_settings_that_both_have(tmp_path):
    other = {"objectives": {"vae": {}}, "training": {"steps": 60}, "seeds": "0-4", "pack": 5}
    mine = {VAE: {"study": json.dumps(RECIPE)}}
    alone = {"tiny/hfvae/beta-4/seeds-0-4": {"study": json.dumps({"latents": 3})}}
    found = made_by(tmp_path, mine | alone, {VAE: {"study": json.dumps(other)}})
    assert said(found.study) == {"pack": ([], ["5"]), "training.steps": (["30"], ["60"])}
    assert "pack: not said | 5" in diff_text.text(found)


def parquet_of_ours(path, **provenance):
    """A table as `collect` writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(tidy(), path, provenance)
    return path


def test_a_table_that_says_what_made_it_is_compared_by_it(tmp_path):
    study = {"seeds": "0-4", "training": {"steps": 30}, "metrics": ["mig"]}
    a = parquet_of_ours(tmp_path / "a.parquet", study=json.dumps(study), **HERE)
    other = study | {"metrics": ["mig", "elbo"]}
    there = HERE | {"revision": "def"}
    b = parquet_of_ours(tmp_path / "b/scores.parquet", study=json.dumps(other), **there)
    latents(tmp_path / "b", VAE, study=json.dumps(RECIPE), **HERE)
    found = diff.compare(a, b.parent)
    assert said(found.made_by) == {"collected at revision": (["abc"], ["def"])}
    assert said(found.study) == {"metrics": (['["mig"]'], ['["mig", "elbo"]'])}
    assert not found.silent


def test_tables_alone_do_not_say_what_made_them(tmp_path):
    saved(tmp_path, tidy())
    found = diff.compare(tmp_path / "scores.csv", tmp_path)
    assert diff_text.text(found).count("nothing says what made") == 2


@pytest.mark.parametrize(
    "junk",
    [
        *({}, {"versions": 3, "device": None, "revision": {"a": []}}, {"trained": "x"}),
        *({"trained": [1, {}]}, {"study": "no: [yaml"}, {"study": "[1]"}, {"study": 5}),
        *({"study": "a: 2020-01-01"}, {"study": "9" * 5000}, {"study": "a\0"}),
    ],
)
def test_odd_provenance_is_no_hindrance(tmp_path, junk):
    found = made_by(tmp_path, {VAE: HERE}, {VAE: junk})
    assert diff_text.text(found).startswith("identical: 16 values of 8 runs\n")


def test_latents_that_cannot_be_read_are_named_and_left_out(tmp_path):
    saved(tmp_path / "a", tidy())
    (tmp_path / "a" / VAE).mkdir(parents=True)
    (tmp_path / "a" / VAE / "latents.h5").write_bytes(b"junk")
    with pytest.warns(UserWarning, match=r"latents\.h5 is not an HDF5 file"):
        found = diff.compare(tmp_path / "a", tmp_path / "a")
    assert found.same
