"""A study of two data sets, one without factors and one drawn by weights, and all its commands.

Stripes are images without ground truth, as a folder of photographs would be.
"""

import yaml

STRIPES = '''"""Stripes at random places: images without ground truth."""

from typing import ClassVar

import numpy as np

from disentbench.datasets import Dataset, Images


class Stripes(Dataset):
    label: ClassVar[str] = "Stripes"
    reference: ClassVar[str] = "a test"

    many: int = 64

    @property
    def factors(self):
        return {}

    @property
    def size(self):
        return self.many

    @property
    def image_shape(self):
        return (1, 32, 32)

    def images(self):
        rows = np.random.default_rng(0).integers(0, 2, (self.many, 32, 1), dtype=np.uint8)
        return Images(
            name=self.name,
            label=self.label,
            shape=self.image_shape,
            factors=np.zeros((self.many, 0), np.int64),
            factor_names=(),
            factor_values=(),
            bits=np.packbits(rows.repeat(32, axis=2).reshape(self.many, -1), axis=1),
        )


dataset = Stripes
'''

# Every job as the rules run it, in one process.
COMMANDS = """
import json
import sys
from pathlib import Path

from disentbench.cli import main
from disentbench.storage.layout import StudyFolder
from disentbench.report import style
from disentbench.storage import expected
from disentbench.storage.study_file import read_study

style.RC["pdf.fonttype"] = 3  # quicker
config = Path(sys.argv[1])
study, results = read_study(config), Path("results")
files = StudyFolder(results / study.study)


def command(*words):
    assert main(list(map(str, words))) == 0, words


def said(identity):
    return ["--sums", "--identity", json.dumps(identity)]


for name in study.datasets:
    folder, options = files.dataset(name), json.dumps(study.dataset(name).rendering)
    file = study.file_of("datasets", name)
    command("data", file, "--options", options, "--out", folder.images)
    for metric in study.metrics_on(name):
        out = ["--out", folder.levels(metric)]
        out += said(expected.of_dataset(study, name, f"levels/{metric}"))
        command("levels", folder.images, "--metrics", metric, *out)
for pack in study.packs:
    of, text = files.pack(pack), study.recipe(pack).text
    images = files.dataset(pack.dataset).images
    trained = ["--images", images, "--model", of.model]
    losses = ["--history", of.history, "--checkpoints", of.checkpoints.path]
    command("train", text, *trained, *losses)
    command("encode", text, *trained, "--latents", of.latents)
    for metric in study.metrics_on(pack.dataset):
        out = ["--out", of.scores(metric), "--detail", of.detail(metric)]
        out += said(expected.of_pack(study.recipe(pack), f"scores/{metric}"))
        command("score", of.latents, "--metrics", metric, *out)
for name in study.datasets:
    first = files.pack(study.first_pack(name)).latents
    out = ["--out", files.dataset(name).audit, *said(expected.audit(study, name))]
    command("audit", first, "--batch-sizes", "8", *out)
command("collect", config, "--results", results, "--out", files.scores)
command("report", config, "--results", results, "--scores", files.table, "--out", files.page)
for word in ("status", "verify"):
    command(word, config, "--results", results)
command("diff", files.path, files.path, "--exit-code")
"""

SMALL = {
    "of": "dsprites_small",
    **{"posX": {"stride": 8}, "posY": {"stride": 8}, "scale": [0, 5]},
    "correlate": [{"factors": ["posX", "posY"], "sigma": 0.3}],
    "hold_out": [{"shape": "heart", "scale": 5}, {"posX": {"from": 0, "to": 10}, "shape": 0}],
}


def study(**changes):
    """A study of stripes and of small dSprites, as YAML."""
    return yaml.safe_dump(
        {
            "study": "photographs",
            "datasets": {"stripes": {}, "tiny": SMALL},
            "objectives": {"vae": {}},
            "seeds": "0-1",
            "pack": 2,
            "latents": 3,
            "architecture": {"of": "mlp_chen2018", "hidden": 8},
            "training": {"steps": 4, "batch_size": 8},
            "metrics": ["mig", "elbo", "active_units", "held_out"],
        }
        | changes,
        sort_keys=False,
    )
