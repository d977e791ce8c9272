"""Paths that lead nowhere are said in one sentence, whatever their names hold."""

import json

import pytest
from builders.good_study import changed

from disentbench import cli, plugins
from disentbench.datasets import _published
from disentbench.errors import UserError
from disentbench.storage import limits
from disentbench.storage.study_file import read_study, require_files

NOBODY = "~nobody-of-this-name"
WITH_PATHS = {
    **dict.fromkeys(("shapes3d", "mpi3d_toy", "cars3d", "smallnorb", "dsprites_npz"), "path"),
    "dsprites_background": "picture",
}
OF_A_PATH = pytest.mark.parametrize(("name", "option"), WITH_PATHS.items())


def refused(capsys, *words) -> str:
    """The one sentence with which a command ends."""
    assert cli.main([*words]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    return sentence


def data(capsys, folder, name, **options) -> str:
    command = ("data", name, "--options", json.dumps(options), "--out", str(folder / "out.h5"))
    sentence = refused(capsys, *command)
    assert list(folder.iterdir()) == []
    return sentence


@OF_A_PATH
def test_the_home_of_nobody_is_said(tmp_path, capsys, name, option):
    path = f"{NOBODY}/x"
    words = f"{path} begins with the home of a user who is not known here; name the whole path"
    assert data(capsys, tmp_path, name, **{option: path}) == f"disentbench data: {words}"
    study = read_study(changed("datasets/read", {"of": name, option: path}))
    with pytest.raises(UserError, match="home of a user who is not known here"):
        require_files(study)


@pytest.mark.parametrize("variable", ["DISENTBENCH_DATA", "XDG_CACHE_HOME"])
def test_a_cache_in_the_home_of_nobody_is_said(tmp_path, capsys, monkeypatch, variable):
    monkeypatch.delenv("DISENTBENCH_DATA", raising=False)
    monkeypatch.setenv(variable, NOBODY)
    assert "begins with the home of a user who is not known here" in data(
        capsys, tmp_path, "shapes3d"
    )
    assert "begins with the home of a user who is not known here" in refused(
        capsys, "fetch", "shapes3d"
    )


def test_nothing_is_downloaded_to_a_folder_named_like_a_home(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = refused(capsys, "fetch", "shapes3d", "--to", f"{NOBODY}/x")
    assert "begins with the home of a user who is not known here" in sentence
    assert list(tmp_path.iterdir()) == []


def test_one_s_own_home_is_filled_in(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DISENTBENCH_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert limits.expanded(tmp_path / "~") == tmp_path / "~"
    assert _published.fetched("x") == tmp_path / ".cache/disentbench/x"


@OF_A_PATH
def test_a_name_that_is_too_long_is_said(tmp_path, capsys, name, option):
    path = str(tmp_path / ("a" * 300))
    sentence = data(capsys, tmp_path, name, **{option: path})
    assert "cannot be a path: it has more than" in sentence
    with pytest.raises(UserError, match="cannot be a path: it has more than"):
        read_study(changed("datasets/read", {"of": name, option: path}))


@OF_A_PATH
def test_a_null_byte_is_written_out(name, option):
    with pytest.raises(ValueError, match="cannot be a path: it has characters") as error:
        plugins.make("datasets", name, {option: "a\0b"})
    assert str(error.value).isprintable()
    assert r"'a\x00b' cannot be a path" in str(error.value)
