"""What a command returns when it cannot say what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from disentbench import cli, plugins

FULL = Path("/dev/full")  # every write to it fails as on a full disk


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_the_exit_code_says_it_where_the_log_is_on_a_full_disk(tmp_path):
    command = [sys.executable, "-m", "disentbench.cli", "score", str(tmp_path / "none.h5")]
    with FULL.open("w") as log:
        assert subprocess.run(command, stderr=log, check=False).returncode == 2


def test_ctrl_c_is_one_sentence_and_the_exit_code_of_its_signal(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(plugins, "names", interrupted)
    assert cli.main(["list", "datasets"]) == 130
    assert capsys.readouterr().err == "disentbench list: stopped by SIGINT\n"
