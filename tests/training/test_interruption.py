"""A training ends well whatever ends it, and nobody else trains the same pack meanwhile."""

import os
import signal
import subprocess
import time

import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, command

from disentbench.errors import UserError
from disentbench.models import model_file
from disentbench.models.device_images import Resident
from disentbench.storage import images_file
from disentbench.training import checkpoint, loop
from disentbench.training.interruption import LEASE_SECONDS, Interruption, interruptible

IMAGES = tiny().dataset.images()


@pytest.fixture
def folder(tmp_path):
    images_file.write_images(IMAGES, tmp_path / "images.h5", {})
    return tmp_path


def heed_interrupts():
    """Whatever runs the tests in the background may ignore SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(recipe, folder, *options):
    return subprocess.Popen(
        command(recipe, folder, *options),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - before any thread of ours
    )


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def model(folder):
    return torch.load(folder / "model.pt", weights_only=True)


LONG = tiny(seeds="0", steps=1000)  # a signal comes before the last


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What nobody has stopped."""
    return loop.train(LONG, IMAGES, CPU, tmp_path_factory.mktemp("whole")).parameters


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_saves_and_the_same_command_goes_on(number, folder, whole):
    recipe = LONG
    process = started(recipe, folder, "--checkpoint-seconds", "1000")
    wait_for(folder / "checkpoints/progress.json", process)
    process.send_signal(number)
    _, words = process.communicate()
    assert process.returncode == 128 + number
    assert f"disentbench train: stopped by {number.name}; step " in words
    assert "Traceback" not in words
    assert not (folder / "model.pt").exists()
    assert not (folder / "checkpoints.lock").exists()
    step = torch.load(folder / "checkpoints/seeds-0-0.pt", weights_only=True)["step"]
    assert 0 < step < 1000
    again = started(recipe, folder)
    _, words = again.communicate()
    assert f"seed 0  resumed at step {step}/1000" in words
    assert again.returncode == 0
    for name, p in whole.items():
        assert torch.equal(p, model(folder)["parameters"][name])


def test_a_second_trainer_waits_and_finds_the_work_done(folder):
    recipe = tiny(seeds="0", steps=10)
    assert started(recipe, folder).wait() == 0
    with interruptible(folder / "checkpoints.lock", wait=0):
        second = started(recipe, folder)
        assert second.stderr.readline().startswith(f"process {os.getpid()} on ")
    _, words = second.communicate()
    assert "trained already" in words
    assert second.returncode == 0
    assert set(os.listdir(folder)) == {"images.h5", "model.pt", "history.csv", "history.sha256"}


def test_a_second_trainer_that_may_not_wait_says_whom_it_found(folder):
    recipe = tiny(seeds="0", steps=100_000)
    first = started(recipe, folder)
    wait_for(folder / "checkpoints/progress.json", first)
    try:
        second = started(recipe, folder, "--wait", "1")
        _, words = second.communicate()
        assert second.returncode == 2
        assert f"process {first.pid} on " in words.splitlines()[-1]
        assert "let it end or stop it, then run this again" in words
    finally:
        first.kill()
        first.wait()


def test_the_lock_of_a_killed_process_is_taken_at_once(folder):
    recipe = tiny(seeds="0", steps=100_000)
    first = started(recipe, folder)
    wait_for(folder / "checkpoints/progress.json", first)
    first.kill()
    first.wait()
    assert (folder / "checkpoints.lock").exists()
    assert LEASE_SECONDS > 5  # who waits for the lease to run out gives up
    with interruptible(folder / "checkpoints.lock", wait=5):
        pass


@pytest.mark.slow
def test_the_lock_of_a_lost_node_is_taken_when_its_lease_has_run_out(folder):
    with interruptible(folder / "checkpoints.lock", wait=0):
        record = (folder / "checkpoints.lock").read_bytes()
    elsewhere = record.replace(os.uname().nodename.encode(), b"another-node")
    assert elsewhere != record
    (folder / "checkpoints.lock").write_bytes(elsewhere)
    with (
        pytest.raises(UserError, match="on another-node trains this pack"),
        interruptible(folder / "checkpoints.lock", wait=1),
    ):
        pass
    with interruptible(folder / "checkpoints.lock", wait=60):
        pass


class Lost(Interruption):
    def require_lock(self):
        raise UserError("the lock was lost")


def test_who_has_lost_the_lock_writes_nothing(tmp_path):
    with pytest.raises(UserError, match="the lock was lost"):
        loop.train(tiny(seeds="0"), IMAGES, CPU, tmp_path / "checkpoints", interruption=Lost())
    assert not (tmp_path / "checkpoints").exists()


def test_training_goes_on_where_no_checkpoint_can_be_written(tmp_path):
    (tmp_path / "checkpoints").write_text("a file where a folder is needed")
    with pytest.warns(UserWarning, match="no checkpoint could be written"):
        trained = loop.train(tiny(seeds="0"), IMAGES, CPU, tmp_path / "checkpoints")
    whole = loop.train(tiny(seeds="0"), IMAGES, CPU, tmp_path / "whole")
    assert trained.history.equals(whole.history)


def test_checkpoints_take_their_share_of_the_time_and_no_more(tmp_path, monkeypatch):
    """With a clock on which a save takes a second, the next is due 50 seconds later."""
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "content", lambda *_: {})
    monkeypatch.setattr(model_file, "save", lambda *_: now.__setitem__(0, now[0] + 1))
    problem = loop.problem_of(tiny(), Resident(IMAGES, CPU), together=False)
    state = loop.fresh(problem, [0])
    kept = checkpoint.Checkpoint(tmp_path, [0], 10.0, Interruption(), "")
    now[0] = 10.0
    assert kept.due
    kept.save(state)
    now[0] = 60.9
    assert not kept.due
    now[0] = 61.0
    assert kept.due


def test_the_origins_say_where_a_training_was_resumed(tmp_path, monkeypatch):
    recipe, told = tiny(seeds="0", steps=20), Interruption()
    told.note(signal.SIGTERM, None)
    with pytest.raises(loop.Stopped):
        loop.train(recipe, IMAGES, CPU, tmp_path, interruption=told)
    monkeypatch.setattr(loop, "origin", lambda device: {"revision": "newer", "device": device})
    trained = loop.train(recipe, IMAGES, CPU, tmp_path)
    assert [each["from_step"] for each in trained.origins] == [0, 1]
    expected = {"from_step": 1, "revision": "newer", "device": "cpu"}
    assert trained.origins[1].items() >= expected.items()
