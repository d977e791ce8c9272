"""Studies whose files are as the pipeline leaves them, and their reports."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from disentbench import study
from disentbench.models import model_file
from disentbench.models.device_images import Resident
from disentbench.models.model_file import Saved
from disentbench.models.vae import vae_of
from disentbench.posterior.from_files import read_latents
from disentbench.report import runs
from disentbench.report.page import render
from disentbench.scoring import audit, calibration, scores
from disentbench.storage import images_file, latents_file
from disentbench.storage.study_file import read_study
from disentbench.training.encode import encode

SMALL = {"posX": [0, 8, 16, 24], "posY": [0, 8, 16, 24], "scale": [0, 5]}
DISCRETE = {"shape": 3, "size": 2}
STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", **SMALL}},
    "objectives": {
        "vae": {},
        "beta_tcvae": {"beta": [1, 4]},
        "hfvae": {"beta": [4], "groups": {"position": [0, 1]}, "discrete": DISCRETE},
    },
    "seeds": "0-3",
    "pack": 2,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 4, "batch_size": 8},
    "metrics": ["mig", "decomposition", "elbo", "active_units"],
}
LEAN = {"metrics": ["mig"]}  # few figures, where the test is of something else


def made(**changes) -> study.Study:
    return read_study(STUDY | changes)


def scored(of: study.Study, names=("mig",)) -> pd.DataFrame:
    """A score for every run, in alphabetical order; the terms of the rate sum to it."""
    index = runs.planned(of).sortlevel()[0]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(0.1, 0.9, (len(index), len(names))), index, list(names))
    if "decomposition" not in of.metrics:
        return table
    terms = ["index_code_mi", "tc_between_groups", "tc_within_groups", "dimension_wise_kl"]
    table[terms] = rng.uniform(0.1, 1, (len(index), 4))
    table["total_correlation"] = table["tc_between_groups"] + table["tc_within_groups"]
    table["rate"] = table[terms].sum(axis=1)
    table["index_code_mi_se"] = table["total_correlation_se"] = 0.01
    table["distortion"] = rng.uniform(20, 40, len(index))
    table["elbo"] = -table["distortion"] - table["rate"]
    table["active_units"] = 2.0
    return table


def rendered(
    tmp_path: Path, of: study.Study, table: pd.DataFrame, name="report", **asked: str
) -> str:
    """The page for these scores, rendered without a warning."""
    tidy = table.rename_axis("metric", axis=1).stack(future_stack=True).rename("value")
    tidy.reset_index().to_csv(tmp_path / "scores.csv", index=False)
    out = tmp_path / name / "index.html"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render(of, tmp_path, tmp_path / "scores.csv", out, **asked)
    return out.read_text()


def trained(tmp_path: Path, of: study.Study, revisions=("abc", "abc"), failed=()) -> None:
    """The files of every pack as the pipeline leaves them, with models that learnt nothing."""
    (dataset,) = of.datasets
    data = of.dataset(dataset).images()
    images_file.write_images(data, tmp_path / of.study / dataset / "images.h5", {})
    for i, pack in enumerate(of.packs):
        recipe = of.recipe(pack)
        model = vae_of(recipe)
        members = [model.initialise(np.random.default_rng(seed)) for seed in pack.seeds]
        parameters = {name: torch.stack([m[name] for m in members]) for name in members[0]}
        diverged = torch.tensor([seed in failed for seed in pack.seeds])
        saved = Saved("", parameters, diverged, [])
        folder = tmp_path / of.study / pack.path
        device = torch.device("cpu")
        encoded = encode(model, saved, Resident(data, device), pack.seeds, device)
        latents_file.write_latents(
            folder / "latents.h5",
            encoded,
            data,
            identity={},
            groups=recipe.objective.structure().groups,
            provenance={"revision": revisions[i % 2], "versions": {"torch": "2"}, "device": "cpu"},
        )
        model_file.save(folder / "model.pt", saved._asdict())
        losses = [
            {"seed": s, "step": step, "loss": np.nan if s in failed and step > 2 else 9.0 - step}
            for s in pack.seeds
            for step in range(1, 5)
        ]
        pd.DataFrame(losses).to_csv(folder / "history.csv", index=False)


def examined(tmp_path: Path, of: study.Study) -> None:
    """The details of MIG, the levels of every data set and the audit, as the pipeline leaves them.

    Needs the files of `trained`.
    """
    folder = tmp_path / of.study
    for pack in of.packs:
        found = scores.details(list(scores.score_file(folder / pack.path / "latents.h5", ["mig"])))
        path = folder / pack.path / "scores/mig.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found))
    _, run = next(read_latents(folder / of.packs[0].path / "latents.h5"))
    table = audit.audit_posterior(run.posterior, batch_sizes=(4, 16), rng=np.random.default_rng(0))
    table.assign(run="vae/default seed 0").to_csv(folder / "tiny/audit.csv", index=False)
    (folder / "tiny/levels").mkdir()
    calibration.calibrate(run.factors, ["mig"]).to_csv(folder / "tiny/levels/mig.csv", index=False)
