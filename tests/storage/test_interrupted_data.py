"""A signal ends `disentbench data` with one sentence, and nothing half written stays."""

import json
import signal
import subprocess
import sys
import time

import pytest

from disentbench.commands import signals
from disentbench.errors import Stopped

# A data set whose second block comes when the file `go` is there, or which is rendered then.
PROCESS = """
import sys, time
from pathlib import Path
from typing import ClassVar
import numpy as np
from disentbench import cli, plugins, sources
from disentbench.datasets._grid import Classes, GridDataset
from disentbench.storage.images import Blocks

def wait():
    Path("waits").touch()
    while not Path("go").exists():
        time.sleep(0.01)

class Slow(GridDataset):
    label = "Slow"
    reference = "a test"
    values = {"a": np.arange(4.0)}
    a: Classes = (0, 1, 2, 3)
    image_shape: ClassVar = (1, 64, 64)
    rendered: bool = False

    def images(self):
        if self.rendered:
            wait()
        return self.coloured(Blocks((4, 64, 64, 1), self.blocks))

    def blocks(self):
        yield np.zeros((2, 64, 64, 1), np.uint8)
        wait()
        yield np.zeros((2, 64, 64, 1), np.uint8)

plugins.make = lambda kind, name, options: Slow(**options)
sources.data = lambda name: ()
sys.exit(cli.main(sys.argv[1:]))
"""


def begun(folder, *, rendered=False):
    """A process that makes out.h5 in a folder, and has come to where it waits."""
    options = json.dumps({"rendered": rendered})
    command = [sys.executable, "-c", PROCESS, "data", "slow", "--options", options]
    process = subprocess.Popen(
        [*command, "--out", "out.h5"], stderr=subprocess.PIPE, text=True, cwd=folder
    )
    while not (folder / "waits").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("rendered", [True, False])
def test_one_sentence_and_no_file_are_left(tmp_path, number, rendered):
    process = begun(tmp_path, rendered=rendered)
    assert rendered != bool(list(tmp_path.glob(".out.*.h5")))
    process.send_signal(number)
    _, words = process.communicate()
    assert words == (
        f"disentbench data: stopped by {number.name}; nothing of it is kept, and the same command "
        "begins anew\n"
    )
    assert process.returncode == 128 + number
    assert [path.name for path in tmp_path.iterdir()] == ["waits"]


def test_without_a_signal_the_file_is_made(tmp_path):
    process = begun(tmp_path)
    (tmp_path / "go").touch()
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go", "out.h5", "waits"]


# A signal comes when the file is closed and HDF5 has just called `write`.
CLOSING = """
import signal, sys, time
import numpy as np
from disentbench.commands.signals import stoppable
from disentbench.errors import Stopped
from disentbench.storage import hdf5

def watch(frame, event, _):
    if event == "call" and frame.f_code is hdf5._Disk.write.__code__:
        sys.setprofile(None)
        print("writes")
        signal.raise_signal(signal.SIGTERM)

try:
    with stoppable(lambda: "it is gone"), hdf5.create("x.h5") as file:
        file["a"] = np.zeros(9)
        sys.setprofile(watch)
        file.close()
        print("closed")
        for _ in range(1000):
            time.sleep(0.01)
        print("never stopped")
except Stopped as stop:
    print(stop)
"""


def test_a_signal_while_hdf5_writes_waits_for_it(tmp_path):
    """The file could never be closed else, and the process would die when it ends."""
    command = [sys.executable, "-c", CLOSING]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = ["writes", "closed", "stopped by SIGTERM; it is gone"]
    assert (run.returncode, run.stderr, run.stdout.splitlines()) == (0, "", said)
    assert list(tmp_path.iterdir()) == []


def test_further_signals_do_not_disturb_what_cleans_up():
    cleaned = []

    def interrupted():
        with signals.stoppable(lambda: "all is clean"):
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGTERM)
                cleaned.append(True)

    with pytest.raises(Stopped, match="stopped by SIGINT; all is clean"):
        interrupted()
    assert cleaned == [True]
