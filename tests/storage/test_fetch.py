"""`disentbench fetch` as its users see it: what it says, what it leaves, what a signal does."""

import json
import signal
import subprocess
import sys
import time

import pytest
import yaml
from builders.site import BODY, MD5, SHA256

from disentbench import cli, plugins
from disentbench.datasets._published import Download, PublishedDataset, fetched

# A process whose data set `published` has files on a site of this machine.
PROCESS = """
import json, sys
from disentbench import cli, plugins
from disentbench.datasets._published import Download, PublishedDataset
class Published(PublishedDataset):
    downloads = tuple(Download(*file) for file in json.loads(sys.argv.pop(1)))
plugins.load = lambda kind, name: Published
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Data sets are kept below it while a test runs."""
    monkeypatch.setenv("DISENTBENCH_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def publish(monkeypatch):
    """Have the data set `published` bring these files."""

    def published(*files):
        class Published(PublishedDataset):
            downloads = files

        load = plugins.load
        monkeypatch.setattr(
            plugins,
            "load",
            lambda kind, name: Published if name == "published" else load(kind, name),
        )

    return published


def test_a_file_comes_to_where_a_study_looks_for_it(site, publish, capsys):
    publish(Download("file.h5", (site.url,), MD5))
    assert cli.main(["fetch", "published"]) == 0
    path = fetched("published") / "file.h5"
    assert path.read_bytes() == BODY
    said = capsys.readouterr().out
    assert said == (
        f"{path} has been downloaded: {MD5}\na study that names published finds it there\n"
    )
    assert cli.main(["fetch", "published"]) == 0
    assert f"{path} is there already and right: {MD5}" in capsys.readouterr().out
    assert len(site.asked) == 1


def test_elsewhere_it_says_what_a_study_writes(site, publish, capsys, home, monkeypatch):
    """A path is whole, wherever the study will be, and quoted as YAML asks for it."""
    monkeypatch.chdir(home)
    publish(Download("file.h5", (site.url,), MD5))
    assert cli.main(["fetch", "published", "--to", "my: #data"]) == 0
    said = yaml.safe_load(capsys.readouterr().out.partition("in a study: ")[2])
    assert said == {"published": {"path": str(home / "my: #data" / "file.h5")}}
    assert not fetched("published").exists()


def test_several_files_are_named_by_their_folder(site, publish, capsys, home):
    publish(*(Download(name, (site.url,), MD5) for name in ("dat.gz", "cat.gz")))
    assert cli.main(["fetch", "published", "--to", str(home / "sets")]) == 0
    said = yaml.safe_load(capsys.readouterr().out.partition("in a study: ")[2])
    assert said == {"published": {"path": str(home / "sets")}}
    assert sorted(path.name for path in (home / "sets").iterdir()) == ["cat.gz", "dat.gz"]


def test_a_file_without_a_published_sum_has_its_own_said(site, publish, capsys):
    publish(Download("file.h5", (site.url,), None))
    own = f"its own is {SHA256}"
    for words in ("has been downloaded", "is there already"):
        assert cli.main(["fetch", "published"]) == 0
        said = capsys.readouterr().out
        assert words in said
        assert own in said


def refused(capsys, *words) -> str:
    """What is said of a command that ends with 2: one sentence."""
    assert cli.main(["fetch", *words]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("disentbench fetch: ")
    return sentence


def test_another_file_in_its_place_is_left_alone(site, publish, capsys):
    publish(Download("file.h5", (site.url,), MD5))
    path = fetched("published") / "file.h5"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert "is not the published file" in refused(capsys, "published")
    assert path.read_text() == "mine"
    assert site.asked == []


def test_a_dead_link_is_one_sentence(site, publish, capsys):
    publish(Download("file.h5", (site.url,), MD5))
    site.status = 404
    sentence = refused(capsys, "published")
    assert f"{site.url} answers 404 Not Found" in sentence
    assert str(fetched("published") / "file.h5") in sentence


def test_what_has_nothing_to_download_says_so(capsys):
    assert "dsprites is rendered here and needs no download" in refused(capsys, "dsprites")
    own = "dsprites_npz brings no files of its own; `path` names yours in a study"
    assert own in refused(capsys, "dsprites_npz")
    assert "no dataset named 'dsprits'; choose from cars3d, dsprites, " in refused(
        capsys, "dsprits"
    )


def test_a_file_in_the_way_of_the_folder_is_named(site, publish, capsys, home):
    publish(Download("file.h5", (site.url,), MD5))
    (home / "data").write_text("")
    assert f"{home / 'data'} is no folder" in refused(capsys, "published")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_signal_keeps_what_came_and_the_same_command_goes_on(site, number, ranges, tmp_path):
    site.cuts, site.hold, site.ranges = [200_000], True, ranges
    files = json.dumps([["file.h5", [site.url], MD5]])
    command = [sys.executable, "-c", PROCESS, files, "fetch", "published"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "data" / "published"
    part = folder / "file.h5.part"
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(number)
    _, words = process.communicate()
    assert process.returncode == 128 + number
    left = "what came is kept, and the same command goes on from there"
    if not ranges:
        left = "the same command begins this file anew, as its server gives no rest"
    assert words == f"disentbench fetch: stopped by {number.name}; {left}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["file.h5.part", "file.h5.part.json"]
    kept = part.stat().st_size
    subprocess.run(command, check=True, capture_output=True)
    assert site.asked == [None, f"bytes={kept}-"]
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("file.h5", BODY)]
