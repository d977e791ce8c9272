"""Files are whole or absent, and a damaged one is found out whatever happened to it."""

import errno
import os
import socket
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from disentbench.errors import UserError
from disentbench.models import model_file
from disentbench.storage import files, hdf5, seals


def hdf5_file(path, said=None):
    with hdf5.create(path, said) as file:
        file["x"] = np.arange(5)
        file.attrs["name"] = "x"


def torch_file(path, said=None):
    model_file.save(path, {"x": torch.arange(5), "name": "x"}, said)


KINDS = pytest.mark.parametrize("write", [hdf5_file, torch_file])


@KINDS
def test_every_flipped_bit_and_every_truncation_is_found(tmp_path, write):
    path = tmp_path / "file"
    write(path)
    seals.check_seal(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in {0, len(content) - 1, len(content) - 80, *rng.integers(len(content), size=200)}:
        broken = bytearray(content)
        broken[at] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        with pytest.raises(UserError, match="is damaged"):
            seals.check_seal(path)
    for length in (0, 1, 10, len(content) - 200, len(content) - 72, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="is damaged"):
            seals.check_seal(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(UserError, match="is damaged"):
        seals.check_seal(path)


def test_sealed_files_are_what_their_readers_expect(tmp_path):
    hdf5_file(tmp_path / "file.h5")
    with h5py.File(tmp_path / "file.h5") as file:
        assert file["x"][:].tolist() == [0, 1, 2, 3, 4]
    torch_file(tmp_path / "file.pt")
    assert torch.load(tmp_path / "file.pt", weights_only=True)["x"].tolist() == [0, 1, 2, 3, 4]
    with zipfile.ZipFile(tmp_path / "file.pt") as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(seals.MARK)


def tables(folder, said=None):
    paths = [folder / "mig.csv", folder / "mig.json"]
    for path in paths:
        path.write_text("run,metric,value\n0,mig,0.5\n")
    seals.write_sums(*paths, identity=said)
    return paths


def test_sha256sum_agrees_with_the_sums_of_tables(tmp_path):
    tables(tmp_path)
    subprocess.run(["sha256sum", "--check", "mig.sha256"], cwd=tmp_path, check=True)


SAID = {"of": "mine/grid/vae/default/seeds-0-1/scores/mig", "recipe": "a" * 16}


def test_what_a_file_says_it_is_is_read_back_and_its_readers_pass_over_it(tmp_path):
    paths = tables(tmp_path, SAID)
    hdf5_file(tmp_path / "x.h5", SAID)
    torch_file(tmp_path / "x.pt", SAID)
    for path in (*paths, tmp_path / "x.h5", tmp_path / "x.pt"):
        assert seals.identity(path) == SAID
    assert h5py.File(tmp_path / "x.h5")["x"][:].tolist() == [0, 1, 2, 3, 4]
    assert torch.load(tmp_path / "x.pt", weights_only=True)["x"].tolist() == [0, 1, 2, 3, 4]
    command = ["sha256sum", "--check", "--strict", "--warn", "mig.sha256"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert seals.all_damaged(tmp_path) == []


def test_who_says_nothing_that_can_be_read_says_nothing(tmp_path):
    paths = tables(tmp_path)
    hdf5_file(tmp_path / "x.h5")
    torch_file(tmp_path / "x.pt")
    (tmp_path / "y.h5").write_bytes(b"\x93" * 9 + b'disentbench identity {"of": ' + b"9" * 99)
    (tmp_path / "y.pt").write_bytes(b"")
    (tmp_path / "y.csv").touch()
    (tmp_path / "y.sha256").write_text('# {"of": "x"}\n')
    there = [tmp_path / name for name in ("x.h5", "x.pt", "y.h5", "y.pt", "y.csv", "z.csv", "z.h5")]
    assert [seals.identity(path) for path in (*paths, *there)] == [None] * 9


@KINDS
def test_every_flipped_bit_of_what_a_file_says_it_is_is_found(tmp_path, write):
    path = tmp_path / "file"
    write(path, SAID)
    content = path.read_bytes()
    for at in range(len(content) - 250, len(content)):
        broken = bytearray(content)
        broken[at] ^= 1
        path.write_bytes(broken)
        assert not seals.intact(path)


def test_every_flipped_bit_among_checksums_is_found(tmp_path):
    tables(tmp_path, SAID)
    sums = tmp_path / "mig.sha256"
    content = sums.read_bytes()
    for at in range(len(content)):
        for bit in (0, 3, 7):
            broken = bytearray(content)
            broken[at] ^= 1 << bit
            sums.write_bytes(broken)
            assert seals.all_damaged(tmp_path), (at, bit)


@pytest.mark.parametrize("said", [None, SAID])
def test_wherever_checksums_are_cut_it_is_found(tmp_path, said):
    """At the end of a line, too: what follows may be in another folder, as a report's figures."""
    table, figure = tmp_path / "mig.csv", tmp_path / "figures/mig.pdf"
    figure.parent.mkdir()
    for path in (table, figure):
        path.write_text("x")
    seals.write_sums(table, figure, identity=said)
    content = (tmp_path / "mig.sha256").read_bytes()
    for end in range(len(content)):
        (tmp_path / "mig.sha256").write_bytes(content[:end])
        assert seals.all_damaged(tmp_path) == [table], end


def test_a_changed_table_is_found(tmp_path):
    paths = tables(tmp_path)
    assert pd.read_csv(seals.checked(paths[0])).value.tolist() == [0.5]
    paths[1].write_text("run,metric,value\n0,mig,0.6\n")
    seals.checked(paths[0])
    with pytest.raises(UserError, match=r"mig\.json is damaged"):
        seals.checked(paths[1])


def test_tables_from_elsewhere_need_no_sums_but_those_of_a_workflow_do(tmp_path, monkeypatch):
    table = tmp_path / "scores.csv"
    table.write_text("a\n")
    assert seals.checked(table) == table
    monkeypatch.setenv(files.RERUN, "snakemake --cores all --configfile mine.yaml")
    with pytest.raises(
        UserError, match=r"it is now scores\.csv\.damaged, .*--configfile mine\.yam"
    ):
        seals.checked(table)
    assert os.listdir(tmp_path) == ["scores.csv.damaged"]


def test_by_hand_a_damaged_file_stays_where_it_is(tmp_path):
    path = tmp_path / "model.pt"
    torch_file(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"remove it \(rm .*model\.pt\) and run"):
        seals.check_seal(path)
    assert os.listdir(tmp_path) == ["model.pt"]


def test_what_a_killed_process_left_is_swept_and_what_a_live_one_writes_is_not(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    start = f".model.{socket.gethostname()}-"
    left, elsewhere = f"{start}{ended.pid}.pt", f".model.elsewhere-{ended.pid}.pt"
    written, other = f"{start}{os.getppid()}.pt", f".latents.{socket.gethostname()}-{ended.pid}.h5"
    for name in (left, elsewhere, written, other):
        (tmp_path / name).touch()
    torch_file(tmp_path / "model.pt")
    assert set(os.listdir(tmp_path)) == {"model.pt", elsewhere, written, other}


def test_an_error_of_the_disk_names_the_file_that_was_asked_for(tmp_path):
    def fail(path):
        with files.whole(path) as temporary:
            temporary.touch()
            raise OSError(errno.ENOSPC, "anything", str(temporary))

    with pytest.raises(OSError, match=r"No space left on device: '.*/scores\.csv'"):
        fail(tmp_path / "scores.csv")
    assert not os.listdir(tmp_path)


def test_a_stale_handle_is_opened_again(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    torch_file(path)
    opened, failures = type(path).open, [1, 1]

    def stale(self, *arguments, **options):
        if failures:
            failures.pop()
            raise OSError(errno.ESTALE, "Stale file handle")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(type(path), "open", stale)
    monkeypatch.setattr(seals.time, "sleep", lambda seconds: None)
    seals.check_seal(path)
    assert not failures


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
@pytest.mark.parametrize("size", ["40k", "300k", "400k", "700k"])
def test_hdf5_on_a_full_disk_fails_in_one_sentence(tmp_path, size):
    """In a process of its own: HDF5 must not bring it down when it ends."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        code = (
            "import numpy as np\nfrom disentbench.storage import hdf5\n"
            "try:\n"
            f"    with hdf5.create({str(tmp_path / 'latents.h5')!r}) as file:\n"
            "        for i in range(10): file[f'x{i}'] = np.random.rand(10_000)\n"
            "except OSError as error: print(error)\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert (run.returncode, run.stderr) == (0, "")
        assert "No space left on device" in run.stdout
        assert not os.listdir(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_all_that_is_damaged_below_a_folder_is_named(tmp_path):
    tables(tmp_path)
    torch_file(tmp_path / "model.pt")
    hdf5_file(tmp_path / "latents.h5")
    assert seals.all_damaged(tmp_path) == []
    for name in ("model.pt", "latents.h5", "mig.json"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    names = [path.name for path in seals.all_damaged(tmp_path)]
    assert names == ["latents.h5", "model.pt", "mig.json"]


@pytest.mark.parametrize("content", ["", "nonsense\n", "first line"])
def test_damaged_sums_condemn_what_they_are_for(tmp_path, content):
    paths = tables(tmp_path)
    sums = tmp_path / "mig.sha256"
    sums.write_text(sums.read_text().splitlines()[0] if content == "first line" else content)
    assert sorted(seals.all_damaged(tmp_path)) == paths
