"""`disentbench new` makes a folder that has all, or none; the wheel has what it makes it of."""

import errno
import os
import re
import shutil
from pathlib import Path

import pytest
from builders.strangers import refused
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from disentbench import sources
from disentbench.cli import main
from disentbench.recipe import Training
from disentbench.storage import plain_data, provenance
from disentbench.storage.study_file import read_study
from disentbench.study import Study
from disentbench.study.evaluation import Evaluate
from disentbench.workflow import configfiles, project

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "configs/starter.yaml"


def held(folder) -> dict[str, bytes]:
    """What is in a folder, by its place; the test would fail on links."""
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_has_the_workflow_of_the_checkout_and_a_study_of_its_own(here, capsys):
    assert main(["new", "a folder"]) == 0
    made = held(here / "a folder")
    for part in ("Snakefile", "constraints.txt", "workflow", "configs"):
        source = ROOT / part
        files = held(source) if source.is_dir() else {"": source.read_bytes()}
        for name, content in files.items():
            assert made.pop(f"{part}/{name}".rstrip("/")) == content
    assert made == {
        "configs/study.yaml": STARTER.read_bytes(),
        "profiles/default/config.yaml": (ROOT / "profiles/default/config.yaml").read_bytes(),
        "workflow/VERSION": provenance.version("disentbench").encode() + b"\n",
    }
    said = capsys.readouterr().out
    assert "    cd 'a folder'\n    snakemake --cores all\n" in said
    assert "results/starter/report/index.html" in said


def test_an_empty_folder_is_filled_and_another_study_may_be_its_own(here, capsys):
    assert main(["new", ".", "--from", "chen2018"]) == 0
    own = (here / "configs/study.yaml").read_text()
    assert own == (ROOT / "configs/chen2018.yaml").read_text()
    assert not [name for name in os.listdir() if name.startswith(".")]
    assert "cd " not in capsys.readouterr().out
    assert configfiles.of_folder(".") == "configs/study.yaml"


def test_folders_above_are_made_too(here):
    assert main(["new", "a/b/c"]) == 0
    assert sorted(os.listdir("a/b")) == ["c"]


def test_what_is_not_empty_or_no_folder_is_refused(here, capsys):
    Path("full").mkdir()
    Path("full/notes.txt").touch()
    Path("file").touch()
    Path("link").symlink_to("nowhere")
    assert "full is not empty: it holds notes.txt" in refused(capsys, "new", "full")
    assert "file is there and no folder" in refused(capsys, "new", "file")
    assert "link is there and no folder" in refused(capsys, "new", "link")
    assert "file is no folder" in refused(capsys, "new", "file/below")
    assert "cannot be a path" in refused(capsys, "new", "x\0")
    assert "cannot be a path" in refused(capsys, "new", "x" * 256)
    assert sorted(os.listdir()) == ["file", "full", "link"]


@pytest.mark.parametrize("name", ["{a}", " {b", "two words\nand a line"])
def test_whatever_a_folder_may_be_called_it_may_be_called(here, name):
    assert main(["new", name]) == 0
    assert (here / name / "configs/study.yaml").exists()


@pytest.mark.parametrize("name", ["starters", "../secret", "", "demo.yaml"])
def test_a_study_that_we_do_not_ship_is_refused_with_nothing_left(here, capsys, name):
    Path("secret.yaml").touch()
    Path("empty").mkdir()
    for folder in ("new", "empty"):
        error = refused(capsys, "new", folder, "--from", name)
        assert f"no study of ours is named {name!r}; choose from burgess2018, " in error
    assert sorted(os.listdir()) == ["empty", "secret.yaml"]
    assert os.listdir("empty") == []


@pytest.mark.parametrize("there", [False, True])
def test_a_disk_that_is_full_leaves_nothing_half(here, capsys, monkeypatch, there):
    if there:
        Path("new").mkdir()
    copied, copy = [], shutil.copyfile

    def full(source, target):
        if len(copied) == 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        copied.append(copy(source, target))

    monkeypatch.setattr(shutil, "copyfile", full)
    assert "No space left on device" in refused(capsys, "new", "new")
    assert os.listdir("new" if there else ".") == []


def test_a_wheel_has_the_package_and_all_that_a_folder_is_made_of():
    """And so have the sources."""
    wheel = packed(WheelBuilder)
    package = {
        path.relative_to(ROOT).as_posix()
        for path in sources.ROOT.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "disentbench/report/templates/script/page.js" in package
    places = {place.as_posix() for place in project.parts()} - {project.PROFILE.as_posix()}
    assert wheel == package | {f"disentbench/project/{place}" for place in places}
    metadata = {"pyproject.toml", "README.md", "LICENSE"}
    assert packed(SdistBuilder) >= package | places | metadata


def packed(builder) -> set[str]:
    """The files that a wheel, or the sources that a wheel is made of, would have."""
    return {file.distribution_path for file in builder(str(ROOT)).recurse_included_files()}


def test_in_a_wheel_the_parts_are_found_within_the_package(here, monkeypatch):
    within = here / "site/disentbench"
    for place, source in project.parts().items():
        (within / "project" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, within / "project" / place)
    shutil.rmtree(within / "project/profiles")
    monkeypatch.setattr(project, "ROOT", within)
    assert project.root() == within / "project"
    assert main(["new", "from-wheel"]) == 0
    monkeypatch.undo()
    assert main(["new", str(here / "from-checkout")]) == 0
    assert held(here / "from-wheel") == held(here / "from-checkout")


def test_rules_of_another_version_are_told_of(here, capsys):
    project.compare_versions(ROOT)  # a checkout
    assert main(["new", "."]) == 0
    capsys.readouterr()
    project.compare_versions(here)
    assert capsys.readouterr() == ("", "")
    Path(project.VERSION).write_bytes(b"\xff")
    project.compare_versions(here)
    assert "came with version" in capsys.readouterr().err
    Path(project.VERSION).write_text("0.0.9\n")
    project.compare_versions(here)
    error = capsys.readouterr().err
    assert error.startswith("disentbench: the rules of this folder came with version 0.0.9, and ")
    assert error.count("\n") == 1


def test_without_a_study_of_its_own_a_folder_runs_the_demo():
    assert configfiles.of_folder(str(ROOT)) == str(ROOT / "configs/demo.yaml")


def test_a_study_of_its_own_with_a_mistake_is_one_sentence(here, capsys):
    Path("configs").mkdir()
    Path("configs/study.yaml").write_text("colour: red\n")
    with pytest.raises(SystemExit) as left:
        configfiles.of_folder(".")
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert "study.yaml: unknown key 'colour'; the keys are study, " in error
    assert error.count("\n") == 1


def test_a_link_that_leads_nowhere_is_not_the_demo(here, capsys):
    Path("configs").mkdir()
    Path("configs/study.yaml").symlink_to("gone.yaml")
    with pytest.raises(SystemExit) as left:
        configfiles.of_folder(".")
    assert left.value.code == 2
    assert "no study file configs/study.yaml" in capsys.readouterr().err


def test_the_starter_names_every_key_and_what_it_says_of_a_default_is_true():
    """With the # of every option taken away it is the same study."""
    text = STARTER.read_text()
    whole = re.sub(r"^( *)#(?=\w)", r"\1", text, flags=re.MULTILINE)
    assert read_study(plain_data.parsed(whole)) == read_study(STARTER)
    raw = plain_data.parsed(whole)
    assert raw.keys() == Study.model_fields.keys()
    assert raw["training"].keys() == Training.model_fields.keys()
    assert raw["evaluate"].keys() == Evaluate.model_fields.keys()
