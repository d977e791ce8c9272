"""Each command has a GPU to itself where one is free. The GPUs here are made up."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from disentbench.errors import UserError
from disentbench.training import devices

FREE = (5e9, 70e9, 20e9)  # bytes, of three GPUs


@pytest.fixture(autouse=True)
def gpus(tmp_path, monkeypatch):
    """Three, seen in this order."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = {
        "is_available": lambda: True,
        "device_count": lambda: len(FREE),
        "get_device_properties": lambda index: SimpleNamespace(uuid=f"uuid-{index}"),
        "mem_get_info": lambda device: (FREE[getattr(device, "index", device)], 80e9),
        "memory_reserved": lambda device: 3e9,
        "get_device_name": lambda device: "Pretended GPU",
        "device": nullcontext,
    }
    for name, function in seen.items():
        monkeypatch.setattr(torch.cuda, name, function)


def locks(tmp_path):
    return tmp_path / f"disentbench-{os.getuid()}"


def test_each_takes_a_free_one_and_gives_it_back():
    with devices.use(1) as first, devices.use(1) as second:
        assert (first, second) == (torch.device("cuda:0"), torch.device("cuda:1"))
    with devices.use(1) as again:
        assert again == first


def test_it_is_the_current_device_meanwhile(monkeypatch):
    current = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext(current.append(device)))
    with devices.use(1) as device:
        assert current == [device]


def test_where_all_are_taken_the_one_with_the_most_free_memory_is_shared():
    with devices.use(1), devices.use(1), devices.use(1), devices.use(1) as fourth:
        assert fourth == torch.device("cuda:1")
        with devices.use(1) as fifth:
            assert fifth == fourth


HOLDER = """
import sys
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print(flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    with devices.use(1):
        path = locks(tmp_path) / "uuid-0.lock"
    words = [sys.executable, "-c", HOLDER, path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with devices.use(1) as device:
            assert device.index == 1
        holder.send_signal(signal.SIGKILL)
    with devices.use(1) as device:
        assert device.index == 0


def test_one_gpu_has_one_lock_whatever_its_index(monkeypatch):
    """As CUDA_VISIBLE_DEVICES=2,0 has it in another process."""
    with devices.use(1):
        here = [SimpleNamespace(uuid="uuid-2"), SimpleNamespace(uuid="uuid-0")]
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(here))
        monkeypatch.setattr(torch.cuda, "get_device_properties", here.__getitem__)
        with devices.use(1) as third, devices.use(1) as shared:
            assert third.index == 0
            assert shared.index == 1


def test_the_locks_are_in_a_folder_of_the_users_own(tmp_path):
    with devices.use(1):
        assert locks(tmp_path).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["link", "file", "another's"])
def test_a_folder_that_somebody_else_has_laid_there_is_refused(kind, tmp_path, monkeypatch):
    folder = locks(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    lay = {"link": lambda: folder.symlink_to("elsewhere"), "file": folder.touch}
    lay.get(kind, folder.mkdir)()
    if kind == "another's":
        another = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: another)
        folder.rename(locks(tmp_path))
    with pytest.raises(UserError, match=r"is no folder of yours.*TMPDIR"), devices.use(1):
        pass
    assert not list((tmp_path / "elsewhere").iterdir())


def test_where_nothing_can_be_locked_a_warning_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.warns(UserWarning, match="no GPU can be locked"), devices.use(1) as device:
        assert device.index == 1


def test_memory_that_runs_out_is_a_sentence_that_says_what_will_do():
    with pytest.raises(UserError) as told, devices.use(1):
        raise torch.OutOfMemoryError
    assert str(told.value) == (
        "cuda:0 (Pretended GPU) has run out of memory: of its 80.0 GB this process has 3.0, and 5.0"
        " are free; another process may have taken the rest. Run this again when there is more, or"
        " on another GPU: a training goes on from its last checkpoint. A smaller `pack:` in the"
        " study needs less"
    )


def test_without_a_gpu_nothing_is_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with devices.use(1) as device:
        assert device == torch.device("cpu")
    assert not list(tmp_path.iterdir())
