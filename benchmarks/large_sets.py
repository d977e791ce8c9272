"""What a set of 12.7 GB asks of a machine, and how fast a training reads it from its map.

    python benchmarks/large_sets.py [--folder FOLDER]      some minutes, 14 GB of disk

Writes a file of MPI3D's layout, its 1,036,800 images all but black, and runs `data`, `train` and
`encode` on it. Memory is what a process has of its own: pages of a mapped file are the machine's,
which takes them back when it needs them. Then one member is trained on images of four kinds in
turn. The section of benchmarks/RESULTS.md is written anew.
"""

import argparse
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from sections import machine, write
from steps import CPU, Case, line

from disentbench.models.device_images import Resident
from disentbench.storage.images import Images
from disentbench.storage.images_file import read_images
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_recipe
from disentbench.training import rate

SHAPE = (1_036_800, 64, 64, 3)
BLOCK = 4096  # images
STEPS, ROUNDS = 100, 3
GRID = {"orientation": {"stride": 4}}
KINDS = {
    "dSprites, bits in memory": {"of": "dsprites", **GRID},
    "Color-dSprites, bits in memory, rendered": {"of": "dsprites_color", **GRID},
    "Noisy-dSprites, bits in memory, rendered": {"of": "dsprites_noisy", **GRID},
}


class Used(NamedTuple):
    """Of a command: seconds, its own memory at most, and the mapped pages it had at most, in GB."""

    seconds: float
    own: float
    mapped: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, help="where there are 14 GB; default: temporary")
    parent = options.parse_args().folder
    with TemporaryDirectory(dir=parent) as folder:
        used, rates = examined(Path(folder))
    write("Sets larger than memory", text(used, rates))


def examined(folder: Path) -> tuple[dict[str, Used], dict[str, float]]:
    """The commands' use of the machine, and images per second by kind."""
    published(folder / "mpi3d_toy.npz")
    recipe = read_recipe(study(folder))
    files = StudyFolder(folder / recipe.study)
    pack, images = files.pack(recipe.pack), files.dataset(recipe.pack.dataset).images
    trained = ("--images", images, "--model", pack.model, "--threads", "1")
    losses = ("--history", pack.history, "--checkpoints", folder / "checkpoints")
    options = f'{{"path": "{folder}/mpi3d_toy.npz"}}'
    used = {
        "data": watched("data", "mpi3d_toy", "--options", options, "--out", images),
        "train": watched("train", recipe.text, *trained, *losses),
        "encode": watched("encode", recipe.text, *trained, "--latents", pack.latents),
    }
    return used, throughput(images)


def published(path: Path) -> None:
    """A file of the published layout: black, but for a pixel in the middle that counts images."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("images.npy", "w", force_zip64=True) as stream,
    ):
        head = {"descr": "|u1", "fortran_order": False, "shape": SHAPE}
        np.lib.format.write_array_header_1_0(stream, head)
        for first in range(0, SHAPE[0], BLOCK):
            block = np.zeros((min(BLOCK, SHAPE[0] - first), *SHAPE[1:]), np.uint8)
            block[:, 32, 32, 0] = np.arange(first, first + len(block)) % 256
            stream.write(block.data)


def study(folder: Path) -> dict:
    """One run of a small network, so that the images are what takes memory."""
    return {
        "study": "large",
        "datasets": {"mpi3d_toy": {"path": str(folder / "mpi3d_toy.npz")}},
        "objectives": {"vae": {}},
        "seeds": "0",
        "latents": 10,
        "architecture": {"of": "mlp_chen2018", "hidden": 64},
        "training": {"steps": STEPS, "batch_size": 64},
    }


def watched(*words: object) -> Used:
    """A command, and what memory it has, looked at every twentieth of a second."""
    began, own, mapped = time.perf_counter(), 0, 0
    command = [Path(sys.executable).parent / "disentbench", *words]
    process = subprocess.Popen(list(map(str, command)))
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        sizes = dict(re.findall(r"(RssAnon|RssFile):\s*(\d+) kB", status.read_text()))
        own = max(own, int(sizes.get("RssAnon", 0)))
        mapped = max(mapped, int(sizes.get("RssFile", 0)))
        time.sleep(0.05)
    if process.returncode:
        sys.exit(process.returncode)
    return Used(time.perf_counter() - began, own * 1024 / 1e9, mapped * 1024 / 1e9)


def throughput(path: Path) -> dict[str, float]:
    """Images per second of one member, of each kind in turn: the best of some rounds."""
    steppers = {name: _stepper(options) for name, options in KINDS.items()}
    steppers["MPI3D, mapped"] = _stepper({"of": "mpi3d_toy"}, read_images(path))
    seconds = {name: [] for name in steppers}
    for _ in range(ROUNDS):
        for name, steps in steppers.items():
            seconds[name].append(steps(20))
    return {name: Case().batch / min(times) for name, times in seconds.items()}


def _stepper(options: dict, images: Images | None = None) -> Callable[[int], float]:
    """What makes steps of a training on these images."""
    recipe = Case(precision="float32", members=1).on(options)
    resident = Resident(images or recipe.dataset.images(), CPU, recipe.dataset)
    return rate.stepper(recipe, resident)


def text(used: dict[str, Used], rates: dict[str, float]) -> str:
    """The section."""
    first = next(iter(rates.values()))
    return "\n".join(
        [
            f"`python benchmarks/large_sets.py`, {machine(2)}",
            "",
            f"A file of MPI3D's layout with {SHAPE[0]:,} images, {np.prod(SHAPE) / 1e9:.1f} GB of "
            f"pixels, and one run of a small network on it ({STEPS} steps, 10 latents).",
            "",
            line("command", "seconds", "its own memory, GB", "mapped pages at most, GB"),
            line(*["---"] * 4),
            *(
                line(k, f"{u.seconds:.0f}", f"{u.own:.2f}", f"{u.mapped:.1f}")
                for k, u in used.items()
            ),
            "",
            "A training of one member on images of 64 x 64, conv_locatello2019, batches of 64, in "
            "turn: images per second beside those of dSprites.",
            "",
            line("images", "beside dSprites"),
            line(*["---"] * 2),
            *(line(name, f"{rate / first:.2f}") for name, rate in rates.items()),
        ]
    )


if __name__ == "__main__":
    main()
