"""A folder where a file should be, or a file where a folder should be, is named or moved aside."""

import os
from types import SimpleNamespace

import pytest

from disentbench.errors import UserError
from disentbench.storage import files, seals
from disentbench.workflow.folder import make_way


@pytest.fixture
def folder(tmp_path):
    """A folder that is named like a file and holds somebody's."""
    path = tmp_path / "history.csv"
    path.mkdir()
    (path / "notes").write_text("mine")
    return path


@pytest.fixture
def in_workflow(monkeypatch):
    monkeypatch.setenv(files.RERUN, "snakemake --configfile mine.yaml")


def write(path) -> None:
    with files.whole(path) as temporary:
        temporary.write_text("a\n1\n")


def test_by_hand_it_is_named_and_left(folder):
    with pytest.raises(OSError, match=r"^/.*/history\.csv is a folder, and .*; move it away$"):
        write(folder)
    with pytest.raises(UserError, match=r"it is a folder, no file; remove it \(rm -r .*csv\)"):
        seals.checked(folder)
    assert (folder / "notes").read_text() == "mine"


def test_in_a_workflow_it_makes_room_for_what_is_written(folder, in_workflow, capsys):
    for i in range(2):
        write(folder)
        assert folder.read_text() == "a\n1\n"
        assert "is a folder; it is now history.csv.damaged" in capsys.readouterr().err
        folder.unlink()
        folder.mkdir()
        assert len(list(folder.parent.glob("history.csv.damaged*"))) == i + 1


@pytest.mark.parametrize("read", [seals.checked, seals.check_seal])
def test_in_a_workflow_whoever_reads_it_moves_it_aside(folder, in_workflow, read):
    with pytest.raises(UserError, match=r"it is now history\.csv\.damaged, and this makes it"):
        read(folder)
    assert os.listdir(folder.parent) == ["history.csv.damaged"]


@pytest.mark.parametrize("name", ["history.sha256", "history.csv"])
def test_no_checksums_and_no_file_are_ever_waited_for(tmp_path, in_workflow, name):
    """A pipe that nobody writes to would be read for ever."""
    write(tmp_path / "history.csv")
    seals.write_sums(tmp_path / "history.csv")
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    assert seals.all_damaged(tmp_path)
    with pytest.raises(UserError, match="is damaged"):
        seals.checked(tmp_path / "history.csv")


@pytest.mark.parametrize("name", ["model.pt", "latents.h5", "scores.csv", "a.sha256", "a.json"])
def test_verify_names_it(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / "unreadable.csv").symlink_to(tmp_path / "nowhere")
    assert seals.all_damaged(tmp_path) == [tmp_path / name]


@pytest.mark.parametrize("how", ["file", "dangling link"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path, how):
    place = tmp_path / "scores"
    place.write_text("") if how == "file" else place.symlink_to(tmp_path / "nowhere")
    for path in (place / "mig.csv", place / "further/mig.csv"):
        with pytest.raises(OSError, match=r"^/.*/scores is no folder, and files go below it"):
            write(path)


def test_a_workflow_asks_before_it_begins(tmp_path, in_workflow):
    (tmp_path / "scores").write_text("")
    job = SimpleNamespace(output=[str(tmp_path / "new/scores.csv")], log=[], benchmark=None)
    make_way([job])
    assert (tmp_path / "new").is_dir()
    job.log = [str(tmp_path / "scores/logs/score.log")]
    with pytest.raises(NotADirectoryError, match=r"^/.*/scores is no folder"):
        make_way([job])


def test_a_link_that_leads_nowhere_is_replaced_by_what_is_written(tmp_path):
    path = tmp_path / "scores.csv"
    path.symlink_to(tmp_path / "nowhere")
    write(path)
    assert path.read_text() == "a\n1\n"
    assert not path.is_symlink()
