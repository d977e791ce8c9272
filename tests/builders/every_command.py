"""All that the rules of a study run, as one program, and Python in a folder with the package."""

import os
import subprocess
import sys

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
config, how = Path(sys.argv[1]), sys.argv[2:]  # how a pack is trained
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
    command("train", text, *trained, *losses, *how)
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
for word in ("status", "verify", "plan"):
    command(word, config, "--results", results)
command("diff", files.path, files.path, "--exit-code")
"""


def run(folder, *words):
    """Python in this folder, with the package that is there, or else with ours."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
