"""What rules ask for: networks are counted as they are, and a job stays within what it asked."""

import json
import re
import subprocess
import sys
from math import prod

import numpy as np
import pytest
from builders.packs import GRID, tiny

from disentbench import plugins
from disentbench.models.vae import vae_of
from disentbench.plugins import make
from disentbench.storage.study_file import read_recipe
from disentbench.training import encode
from disentbench.training.state import initial_critic
from disentbench.workflow import memory

RGB = GRID | {"of": "dsprites_color"}
LEARNED = {"of": "gaussian", "scale": "learned"}


@pytest.mark.parametrize("objective", ["vae", "hfvae", "factor_vae"])
@pytest.mark.parametrize("architecture", plugins.names("architectures"))
def test_parameters_are_counted_as_they_are(architecture, objective):
    recipe = tiny(objective, architecture, dataset=RGB, likelihood=LEARNED)
    model, rng = vae_of(recipe), np.random.default_rng(0)
    there = model.initialise(rng)
    if critic := recipe.objective.critic(model.code_size):
        there |= initial_critic(critic, model, rng)
    expected = sum(prod(parameter.shape) for parameter in there.values())
    assert memory.of_recipe(recipe).parameters == expected


def test_what_is_asked_for_grows_with_what_is_held():
    plain = tiny("vae")
    asked = memory.training(plain, 1)
    assert memory.training(tiny("vae", seeds="0-9"), 1) >= asked
    assert memory.training(plain, 2) >= asked
    large = tiny("vae", dataset=GRID | {"image_size": 64}, batch_size=64)
    assert memory.of_recipe(large).values > 10 * memory.of_recipe(plain).values
    whole = make("datasets", "dsprites", {})
    assert memory.packed(whole) == 737_280 * 512
    assert memory.data(whole) - memory.data(make("datasets", "dsprites_small", {})) > 2 * 377
    assert memory.packed(make("datasets", "rooms3d", {})) == 0
    assert memory.measuring(whole) == 4000 < memory.measuring(make("datasets", "mpi3d_toy", {}))


def test_a_chunk_is_counted_as_encoding_takes_it():
    assert memory.CHUNK_VALUES == encode.CHUNK * encode.CHUNK_PIXELS


def test_binary_images_of_ones_own_are_counted_as_bits(tmp_path):
    images = np.zeros((50, 32, 32), bool)
    np.savez(tmp_path / "own.npz", images=images)
    options = {"path": str(tmp_path / "own.npz"), "values": "binary"}
    dataset = make("datasets", "npz", options)
    assert (memory.packed(dataset), dataset.bytes) == (50 * 128, 50 * 128)


PEAK = """
import json, re, sys
from pathlib import Path
from disentbench.cli import main
assert main(sys.argv[1:]) == 0
print(re.findall(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[0])
"""


def peak(*words):
    """The most memory, in MB, that a command has had, its libraries and mapped files with it."""
    command = [sys.executable, "-c", PEAK, *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return int(re.findall(r"\d+", run.stdout)[-1]) * 1024 // 10**6


def recipe_of(path, hidden):
    """Three members on images in colour."""
    study = {
        "study": "wide",
        "datasets": {"own": {"of": "npz", "path": str(path)}},
        "objectives": {"vae": {}},
        "seeds": "0-2",
        "pack": 3,
        "latents": 4,
        "architecture": {"of": "mlp_chen2018", "hidden": hidden},
        "training": {"steps": 1, "batch_size": 64},
        "metrics": ["elbo"],
    }
    return read_recipe(study)


def test_a_job_stays_within_what_it_asked_for(tmp_path):
    """Of a wide network beside a narrow one, so that the libraries do not count."""
    images = np.random.default_rng(0).integers(256, size=(200, 96, 96, 3), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", images=images)
    dataset = recipe_of(tmp_path / "own.npz", 4).dataset
    options, made = json.dumps(dataset.rendering), tmp_path / "images.h5"
    assert peak("data", "npz", "--options", options, "--out", made) < memory.data(dataset)
    used, asked = [], []
    for hidden in (4, 400):
        recipe = recipe_of(tmp_path / "own.npz", hidden)
        folder = tmp_path / str(hidden)
        trained = ("--images", made, "--model", folder / "model.pt")
        losses = ("--history", folder / "history.csv", "--checkpoints", folder / "checkpoints")
        train = peak("train", recipe.text, *trained, *losses, "--threads", "1")
        encode = peak("encode", recipe.text, *trained, "--latents", folder / "latents.h5")
        used.append((train, encode))
        asked.append((memory.training(recipe, 1), memory.encoding(recipe)))
    for narrow, wide, low, high in zip(*used, *asked, strict=True):
        assert 200 < wide - narrow < high - low
        assert wide < high
