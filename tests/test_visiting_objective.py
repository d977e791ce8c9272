"""A visitor's objective has all that an objective may have, and is one file."""

import json
import signal
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from builders.training import signalled
from builders.visitors import python, visited

from disentbench.models import model_file
from disentbench.recipe import Pack
from disentbench.storage.layout import PackFolder, StudyFolder

STEPS = 60
RIVAL = '''"""A critic that tells codes from the prior's, and from codes put together anew."""

from typing import Annotated

from pydantic import Field

from disentbench.architectures import Dense, LeakyReLU
from disentbench.objectives import Critic, Loss, Objective, Structure, Weight


class RivalVAE(Objective):
    """-log p(x|z) + KL(q(z|x) || p(z)) + weight (the critic's logit at z)."""

    label = "Rival VAE"
    reference = "a visitor"

    weight: Weight = 2.0
    units: Annotated[int, Field(ge=1, le=1000)] = 8

    def structure(self):
        normals = {"prior": ("image", "code"), "order": ("image", "code")}
        return Structure(estimator=None, least_batch=2, batches=2, normals=normals)

    def critic(self, code_size):
        layers = (Dense(self.units), LeakyReLU(0.1), Dense(1))
        return Critic(layers, learning_rate=1e-2, adam_betas=(0.0, 0.9))

    def loss(self, terms, step):
        order = terms.normals["order"].argsort(dim=0, stable=True)
        judge = terms.critic.learning
        told = judge(terms.code).sigmoid().log().mean()
        for code in (terms.normals["prior"], terms.second.gather(0, order)):
            told = told + (-judge(code)).sigmoid().log().mean() / 2
        logit = terms.critic.fixed(terms.code).mean()
        minimised = terms.weighted() + self.weight * logit
        return Loss(minimised, -told, {"rival_logit": logit, "rival_weight": self.weight})


objective = RivalVAE
'''
GRID = {"image_size": 16, "posX": [0, 9], "posY": [0, 8]}
STUDY = {
    "study": "visit",
    "datasets": {"grid": {"of": "dsprites_small", **GRID}},
    "objectives": {"rival": {"weight": {"from": 1, "to": 3, "steps": 40}}},
    "seeds": "0-1",
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 16},
    "training": {"steps": STEPS, "batch_size": 16, "learning_rate": 1e-3},
    "metrics": ["mig"],
}
MISTAKES = [
    ({"units": 0}, "units is 0; it should be at least 1"),
    ({"weight": "x"}, "weight is 'x'; it should be a number"),
    (
        {"weight": {"from": 1, "to": -1, "steps": 9}},
        "weight.to is -1; it should be at least 0",
    ),
    ({"weight": {"from": 1, "to": 2}}, "the key 'weight.steps' is missing"),
    ({"weigth": 1}, "unknown key 'weigth'; the keys are warm_up, weight, units"),
]
ALL = """
import json, sys
from disentbench.cli import main
for words in json.loads(sys.argv[1]):
    assert main(words) == 0, words
"""
REFUSED = """
import json, sys
from disentbench.cli import main
for study in json.loads(sys.argv[1]):
    assert main(["status", study, "--results", "results"]) == 2, study
"""


class Visit(NamedTuple):
    """A visitor's folder, and the files of its study, of its pack, and of the same pack otherwise:
    trained without a stop, and both members at once.

    `stopped` and `killed` are the processes that began to train the first of them.
    """

    folder: Path
    files: StudyFolder
    pack: PackFolder
    whole: PackFolder
    at_once: PackFolder
    stopped: CompletedProcess
    killed: CompletedProcess


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """The pack is stopped in its first member, killed in its second, trained, scored and drawn."""
    folder = visited(tmp_path_factory.mktemp("visit"), {"objectives/rival.py": RIVAL})
    (folder / "study.yaml").write_text(json.dumps(STUDY))
    files = StudyFolder(folder / "results/visit")
    whole, at_once = PackFolder(folder / "whole"), PackFolder(folder / "at_once")
    pack, images = files.pack(Pack("grid", "rival", "default", 0, 1)), files.dataset("grid").images
    every(folder, ["data", "dsprites_small", "--options", json.dumps(GRID), "--out", images])
    stopped, killed = (
        python(folder, *signalled(number, steps, map(str, train(pack, images))))
        for number, steps in ((signal.SIGTERM, 25), (signal.SIGKILL, STEPS - 25 + 10))
    )
    trained = ["--images", images, "--model", pack.model]
    found = ["study.yaml", "--results", "results"]
    every(
        folder,
        *(train(pack, images), train(whole, images), [*train(at_once, images), "--vectorise"]),
        ["encode", "study.yaml", *trained, "--latents", pack.latents],
        ["score", pack.latents, "--metrics", "mig", "--out", pack.scores("mig")],
        ["collect", *found, "--out", files.scores],
        ["report", *found, "--scores", files.table, "--out", files.page],
    )
    return Visit(folder, files, pack, whole, at_once, stopped, killed)


def train(pack, images):
    """The words of a command that saves at every chance."""
    return [
        *("train", "study.yaml", "--images", images, "--model", pack.model, "--threads", "1"),
        *("--history", pack.history, "--checkpoints", pack.checkpoints.path),
        *("--checkpoint-seconds", "0"),
    ]


def every(folder, *commands):
    """Run commands in one process of the visitor's Python."""
    run = python(folder, "-c", ALL, json.dumps(commands, default=str))
    assert run.returncode == 0, run.stderr


def test_it_is_listed(visit):
    listed = python(visit.folder, "-m", "disentbench.cli", "list", "objectives").stdout
    assert [line.split() for line in listed.splitlines() if "rival" in line] == [
        ["rival", "Rival", "VAE", "a", "visitor"]
    ]


def test_a_mistake_in_its_settings_is_one_sentence(visit):
    studies = [f"{number}.yaml" for number in range(len(MISTAKES))]
    for study, (settings, _) in zip(studies, MISTAKES, strict=True):
        wrong = STUDY | {"objectives": {"rival": settings}}
        (visit.folder / study).write_text(json.dumps(wrong))
    run = python(visit.folder, "-c", REFUSED, json.dumps(studies))
    assert run.returncode == 0, run.stderr
    assert run.stderr.splitlines() == [
        f"disentbench status: {study}: objectives.rival: {said}"
        for study, (_, said) in zip(studies, MISTAKES, strict=True)
    ]


def test_stopped_and_killed_it_goes_on_to_the_same_numbers(visit):
    """Stopped in the first member, which ends in the steps that were left, and killed after it."""
    assert visit.stopped.returncode == 128 + signal.SIGTERM
    assert f"step 25 of {STEPS} is saved" in visit.stopped.stderr
    assert visit.killed.returncode == -signal.SIGKILL
    assert f"seed 0  step {STEPS}/{STEPS}" in visit.killed.stderr
    ours, theirs = (model_file.load(pack.model).parameters for pack in (visit.pack, visit.whole))
    assert all(torch.equal(p, theirs[name]) for name, p in ours.items())
    assert visit.pack.history.read_bytes() == visit.whole.history.read_bytes()


def test_it_trains_its_members_at_once(visit):
    ours, theirs = (pd.read_csv(pack.history) for pack in (visit.at_once, visit.whole))
    assert list(ours) == list(theirs)
    ours, theirs = (table.sort_values(["seed", "step"]) for table in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_its_terms_are_in_the_history(visit):
    """Each row is of one step: the weight is that of the schedule, the loss the sum."""
    history = pd.read_csv(visit.pack.history)
    terms = ["loss", "distortion", "rate", "critic_loss", "rival_logit", "rival_weight"]
    assert list(history) == ["seed", "step", *terms]
    weight = 1 + 2 * np.minimum(1, (history.step - 1) / 40)
    np.testing.assert_allclose(history.rival_weight, weight)
    total = history.distortion + history.rate + weight * history.rival_logit
    np.testing.assert_allclose(history.loss, total, rtol=1e-6)


def test_it_is_scored_and_drawn(visit):
    scores = pd.read_csv(visit.files.scores)
    assert list(scores.seed[scores.metric == "mig"]) == [0, 1]
    page = visit.files.page.read_text()
    assert "Rival VAE" in page
    for term in ("Rival logit", "Rival weight", "Loss of the critic"):
        assert f'alt="{term} by training step;' in page
