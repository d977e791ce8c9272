"""How many jobs at once may have a GPU: as many as CUDA would see of those that are there."""

import re

import pytest
from builders.checkouts import copy_of_checkout, snakemake

from disentbench.workflow import gpus

WHOLE = """
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-8f3a0b1c-0c57-4f0f-9d4c-5b0a3c1d2e4f)
"""
SLICED = """
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
"""


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Gives nvidia-smi these words; first of all there is none."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    gpus.count.cache_clear()

    def says(script):
        command = tmp_path / "nvidia-smi"
        command.write_text(f"#!/bin/sh\n{script}")
        command.chmod(0o755)

    yield says
    gpus.count.cache_clear()


def lists(words):
    return f"test \"$1\" = -L && cat <<'END'\n{words.strip()}\nEND\n"


@pytest.mark.parametrize(
    ("visible", "count"),
    [
        *((None, 2), ("", 0), ("-1", 0), ("1", 1), ("0,1", 2), (" 1 , 0 ", 2)),
        *(("0,-1,1", 1), ("0,7", 1), ("none", 0), ("0,,1", 1)),
        *(("GPU-8f3a0b1c-0c57-4f0f-9d4c-5b0a3c1d2e4f", 1), ("GPU-5d,GPU-8f", 2), ("GPU-00", 0)),
    ],
)
def test_what_is_visible_is_counted(visible, count, machine, monkeypatch):
    machine(lists(WHOLE))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus.count() == count


@pytest.mark.parametrize("slices", [(0,), (1,), (0, 1)])
def test_cuda_uses_one_slice(slices, machine, monkeypatch):
    machine(lists(SLICED))
    names = re.findall(r"MIG-[-\w]+", SLICED)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(names[i] for i in slices))
    assert gpus.count() == 1


@pytest.mark.parametrize("visible", [None, "0"])
@pytest.mark.parametrize("script", [None, "echo No devices found.; exit 6", "sleep 60"])
def test_where_nvidia_smi_fails_there_is_none(script, visible, machine, monkeypatch):
    monkeypatch.setattr(gpus, "SECONDS", 0.2)
    if script:
        machine(f"exec {script}" if script.startswith("sleep") else script)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus.count() == 0


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """One whose Snakefile says how much there is of what jobs share."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    with (folder / "Snakefile").open("a") as file:
        file.write('\nprint(workflow.global_resources["gpu"], file=sys.stderr)\n')
    return folder


@pytest.mark.parametrize(
    ("listed", "options", "numbers"),
    [(WHOLE, (), (1, 2)), (WHOLE, ("--resources", "gpu=5"), (1, 5)), ("", (), (0, 0))],
    ids=["two GPUs", "by hand", "no GPU"],
)
def test_a_training_asks_for_one_of_those_there(listed, options, numbers, checkout, machine):
    (asked, there), _ = numbers, machine(lists(listed))
    profile = ("--workflow-profile", "workflow/profiles/default")
    model = "results/smoke/tiny/vae/default/seeds-0-1/model.pt"
    plan = snakemake(checkout, model, "-n", *profile, *options)
    assert plan.returncode == 0, plan.stderr
    asks = re.findall(r"^    resources: .*\bgpu=(\d+)", plan.stdout, re.MULTILINE)
    assert asks == [str(asked)]
    assert f'Resource("gpu", {there})' in plan.stderr.splitlines()
