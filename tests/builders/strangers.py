"""What the tests of files, studies and names from strangers share."""

import json
import os
from pathlib import Path

import h5py
import numpy as np

from disentbench.cli import main

STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "posX": {"stride": 8}, "posY": {"stride": 8}}},
    "objectives": {"vae": {}},
    "seeds": 0,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 2, "batch_size": 8},
    "metrics": ["mig"],
}
CANARY = "CANARY"
ROWS = 100_000_000  # what files claim and do not have
FACTORS = np.tile([[0, 1], [1, 0], [1, 1], [0, 0]], (5, 1))
MEAN = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


class Bomb:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return (os.system, (f"touch {CANARY}",))


def refused(capsys, *words) -> str:
    """The one sentence with which a command ends, having written nothing."""
    before = {path for path in Path().rglob("*") if path.is_file()}
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err.strip()
    assert "Traceback" not in error
    assert len([line for line in error.splitlines() if not line.startswith("warning: ")]) == 1
    assert {path for path in Path().rglob("*") if path.is_file()} == before
    return error


def images() -> Path:
    options = {key: value for key, value in STUDY["datasets"]["tiny"].items() if key != "of"}
    main(["data", "dsprites_small", "--options", json.dumps(options), "--out", "images.h5"])
    return Path("images.h5")


def h5(**datasets):
    """Means and factors in x.h5, these data sets beside them or in their place."""
    with h5py.File("x.h5", "w") as file:
        file["factors"], file["mean"] = FACTORS, MEAN
        for name, options in datasets.items():
            if name in file:
                del file[name]
            file.create_dataset(name, **options)
