"""A visitor brings one file: a data set, an architecture, a likelihood, an objective, a metric."""

import re

import pandas as pd
import pytest
from builders.visitors import python, visited

FILES = {
    "datasets/bars.py": '''"""A line across a small canvas, at each of its places."""

from typing import ClassVar

import numpy as np

from disentbench.datasets._grid import Classes, GridDataset


class Bars(GridDataset):
    label: ClassVar[str] = "Bars"
    reference: ClassVar[str] = "a visitor"
    values: ClassVar = {"way": np.arange(2.0), "place": np.arange(16.0)}

    way: Classes = (0, 1)
    place: Classes = tuple(range(16))

    @property
    def image_shape(self):
        return 1, 16, 16

    def images(self):
        lying = np.eye(16, dtype=bool)[:, :, None].repeat(16, axis=2)
        both = np.concatenate([lying, lying.transpose(0, 2, 1)])
        return self.binary(np.packbits(both[self.rows].reshape(self.size, -1), axis=1))


dataset = Bars
''',
    "datasets/lamps.py": '''"""A lamp of six colours on sixteen places, in a flickering light."""

from typing import ClassVar

import numpy as np

from disentbench.datasets._grid import Classes, GridDataset

COLOURS = np.array(np.meshgrid([120, 250], [90, 240, 255], [30])).reshape(3, -1).T


class Lamps(GridDataset):
    label: ClassVar[str] = "Lamps"
    reference: ClassVar[str] = "a visitor"
    values: ClassVar = {"colour": np.arange(6.0), "place": np.arange(16.0)}
    renders: ClassVar[bool] = True

    colour: Classes = tuple(range(6))
    place: Classes = tuple(range(16))

    @property
    def image_shape(self):
        return 3, 4, 4

    def images(self):
        places = np.eye(16, dtype=np.uint8).reshape(1, 16, 4, 4, 1)
        pixels = places * COLOURS.astype(np.uint8)[:, None, None, None]
        return self.coloured(pixels.reshape(-1, 4, 4, 3)[self.rows])

    def render(self, images, noise, material):
        return images * (0.5 + 0.5 * noise("flicker", 1, 1, 1))


dataset = Lamps
''',
    "likelihoods/cauchy.py": '''"""Heavy tails."""

import math

from disentbench.likelihoods import Likelihood


class Cauchy(Likelihood):
    label = "Cauchy"
    reference = "a visitor"

    width: float = 0.2

    def distortion(self, output, images):
        apart = (images - output) / self.width
        nats = (1 + apart.square()).log() + math.log(math.pi * self.width)
        return nats.flatten(1).sum(1)

    def mean(self, output):
        return output


likelihood = Cauchy
''',
    "architectures/linear.py": '''"""No hidden layer."""

from math import prod

from disentbench.architectures import Architecture, Dense, Reshape


class Linear(Architecture):
    label = "linear"
    reference = "a visitor"

    def encoder(self):
        return (Reshape((-1,)),)

    def decoder(self, shape):
        return (Dense(prod(shape)), Reshape(shape))


architecture = Linear
''',
    "objectives/half_rate.py": '''"""The rate at a weight below 1."""

from disentbench.objectives import Loss, Objective, Structure, Weight


class HalfRate(Objective):
    """-log p(x|z) + share KL(q(z|x) || p(z))."""

    label = "half-rate VAE"
    reference = "a visitor"

    share: Weight = 0.5

    def structure(self):
        return Structure(estimator=None)

    def loss(self, terms, step):
        return Loss(terms.distortion + self.share * terms.rate)


objective = HalfRate
''',
    "metrics/spread.py": '''"""How far the codes lie apart."""

import math

from disentbench.metrics import Metric, Score, Value


def spread(codes):
    return Score({"spread": float(codes.std(0).mean())}, {})


metric = Metric(
    spread,
    label="spread",
    variant="mean standard deviation of the codes",
    reference="a visitor",
    values=(Value("spread", "spread of the codes", 0.0, math.inf, prominence=1),),
)
''',
    "report/figures/spreads.py": '''"""The spread of every run."""

from disentbench.report.figures import Figure, panel
from disentbench.report.style import canvas


def section(report, block):
    figure = canvas(3, 2)
    figure.add_subplot().plot(block.runs["spread"].to_numpy(), "o")
    drawn = panel(report, figure, f"{block.dataset}_spreads", "spread of every run")
    return {"note": "A point for each run.", "panels": [drawn]}


figure = Figure(section, heading="How far codes lie apart", nav="Spread", place=25)
''',
}
STUDY = """
study: visit
datasets: [bars, lamps]
objectives:
  half_rate: {share: [0.25]}
seeds: 0-1
latents: 2
architecture: linear
likelihood: {of: cauchy, width: 0.3}
training: {steps: 3, batch_size: 8}
metrics: [spread]
"""
RUN = """
from pathlib import Path

from disentbench.cli import main
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study

study = read_study(Path("study.yaml"))
files = StudyFolder(Path("results/visit"))


def run(*command):
    assert main(list(map(str, command))) == 0, command


for each in study.packs:
    pack, images = files.pack(each), files.dataset(each.dataset).images
    recipe, trained = study.recipe(each).text, ["--images", images, "--model", pack.model]
    run("data", each.dataset, "--out", images)
    run("train", recipe, *trained, "--history", pack.history, "--checkpoints", "checkpoints")
    run("encode", recipe, *trained, "--latents", pack.latents)
    run("score", pack.latents, "--metrics", "spread", "--out", pack.scores("spread"))
run("collect", "study.yaml", "--results", "results", "--out", files.scores)
run("report", "study.yaml", "--results", "results", "--scores", files.table, "--out", files.page)
"""

TWICE = """
from pathlib import Path

from disentbench.cli import main

for pack in Path("results/visit").glob("*/*/*/seeds-*"):
    (pack / "scores/twin.csv").write_bytes((pack / "scores/spread.csv").read_bytes())
study = Path("study.yaml").read_text().replace("[spread]", "[spread, twin]")
Path("twice.yaml").write_text(study)
for command in (
    ["collect", "twice.yaml", "--results", "results", "--out", "x.csv"],
    ["list", "metrics"],
    ["score", str(pack / "latents.h5")],
):
    assert main(command) == 2
"""


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """A copy of the package with these files, and what its commands have made of a study."""
    folder = visited(tmp_path_factory.mktemp("visit"), FILES)
    (folder / "study.yaml").write_text(STUDY)
    run = python(folder, "-c", RUN)
    assert run.returncode == 0, run.stderr
    return folder / "results/visit"


def test_what_a_study_is_made_of_is_one_file_each(visit):
    """Data sets, one of them in colours and with noise, a model, an objective and a metric."""
    scores = pd.read_csv(visit / "scores.csv").set_index("metric").loc["spread"]
    assert scores[["dataset", "objective", "setting", "share"]].drop_duplicates().size == 8
    assert list(scores["dataset"]) == ["bars", "bars", "lamps", "lamps"]
    assert list(scores["seed"]) == [0, 1, 0, 1]
    assert (scores["value"] > 0).all()
    page = (visit / "report/index.html").read_text()
    for words in ("Bars", "Lamps", "linear", "Cauchy", "half-rate VAE", "spread of the codes"):
        assert words in page


def test_a_figure_is_one_file(visit):
    page = (visit / "report/index.html").read_text()
    assert len(re.findall(r"<h\d[^>]*>How far codes lie apart", page)) == 2
    assert "A point for each run." in page
    assert 'alt="spread of every run"' in page
    assert {path.suffix for path in visit.glob("report/figures/bars_spreads.*")} == {".pdf", ".png"}


def test_two_metrics_that_give_a_value_of_one_name_are_refused(visit):
    """A table could not tell them apart."""
    folder = visit.parents[1]
    (folder / "disentbench/metrics/twin.py").write_text(FILES["metrics/spread.py"])
    run = python(folder, "-c", TWICE)
    assert run.returncode == 0, run.stderr
    said = "the metrics 'spread' and 'twin' both give a value 'spread'; rename one"
    words = [f"disentbench {command}: {said}" for command in ("collect", "list", "score")]
    assert run.stderr.splitlines() == words
