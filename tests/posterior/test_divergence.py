"""What counts as diverged; whatever a run did, the others are scored and the page is made."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from builders.packs import tiny
from builders.training import CPU, run

from disentbench import plugins
from disentbench.cli import main
from disentbench.errors import UserError
from disentbench.metrics import Score
from disentbench.models.device_images import Resident
from disentbench.models.vae import vae_of
from disentbench.posterior import Posterior
from disentbench.posterior.divergence import beyond, blown_up
from disentbench.posterior.from_files import read_latents
from disentbench.scoring import scores
from disentbench.storage import images_file, latents_file
from disentbench.storage.latents_file import Encoded
from disentbench.storage.study_file import read_study
from disentbench.training import loop
from disentbench.training.encode import Saved, encode

pytestmark = pytest.mark.usefixtures("quick_figures")

UNTRAINED = 256 * np.log(2)  # an even guess at every pixel of 16 x 16


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


@pytest.mark.parametrize(
    ("loss", "untrained", "distortion", "diverged"),
    [
        (700, 700, 700, False),
        (6999, 700, 700, False),  # merely bad
        (7001, 700, 700, True),
        (np.nan, 700, 700, True),
        (np.inf, 700, 700, True),
        (-np.inf, 700, 700, True),
        (-1e6, 700, 700, False),
        (900, -2, 700, False),  # an estimate with a weight has put the loss near zero
        (20_000, 15_000, 700, False),
        (5e5, np.nan, 700, True),
    ],
)
def test_the_rule(loss, untrained, distortion, diverged):
    assert blown_up(float(loss), float(untrained), float(distortion)) == diverged


@pytest.mark.parametrize(
    ("mean", "logvar", "diverged"),
    [
        (3, -129, False),
        (3, 129, False),
        (1e12, 0, False),
        (1e20, 0, True),
        (-1e20, 0, True),
        (np.nan, 0, True),
        (0, np.inf, True),
        (0, -np.inf, True),
    ],
)
def test_what_no_representation_can_hold(mean, logvar, diverged):
    table = np.zeros((5, 2), np.float32)
    table[3, 1] = mean
    assert beyond(table, np.full_like(table, logvar)) == diverged


def ending(monkeypatch, change):
    """Change the parameters of member 1 after the last step."""
    descend = loop.State.descend

    def changed(state, problem, draw):
        descend(state, problem, draw)
        if state.step == problem.training.steps and member(draw.rows) is not None:
            change({name: p.data[member(draw.rows)] for name, p in state.parameters.items()})

    counted = iter(range(99))
    member = lambda x: 1 if len(x) > 1 else 0 if next(counted) == 1 else None  # noqa: E731
    monkeypatch.setattr(loop.State, "descend", changed)


def constant_image(logit):
    """A decoder that says the same of every pixel: on black ones it loses softplus(logit)."""

    def change(parameters):
        last = max(name for name in parameters if name.startswith("decoder") and "bias" in name)
        parameters[last].fill_(logit)
        parameters[last.replace("bias", "weight")].zero_()

    return change


ENDINGS = {
    "blown up, in finite numbers": (constant_image(20.0), True),  # 28 times what it began with
    "merely bad": (constant_image(5.0), False),  # 7 times
    "no number after the last step": (lambda p: next(iter(p.values())).fill_(np.nan), True),
}


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("ending_", ENDINGS)
def test_how_a_training_ends_decides(ending_, vectorise, images, tmp_path, monkeypatch):
    change, diverged = ENDINGS[ending_]
    ending(monkeypatch, change)
    trained = run(tiny("vae"), images, tmp_path, vectorise=vectorise)
    assert np.isfinite(trained.history.loss).all()
    assert trained.history.loss.max() == pytest.approx(UNTRAINED, rel=0.05)
    assert trained.failed.tolist() == [False, diverged, False]


@pytest.mark.parametrize("rate", [1e-3, 1e-2, 0.1])
@pytest.mark.parametrize("objective", plugins.names("objectives"))
def test_what_learns_or_collapses_has_not_diverged(objective, rate, images, tmp_path):
    assert not run(tiny(objective, steps=30, learning_rate=rate), images, tmp_path).failed.any()


DENSITIES = [
    *({"of": "gaussian", "scale": scale} for scale in (0.01, 0.372, 10, "learned")),
    *({"of": "laplace", "scale": scale} for scale in (0.01, 0.3, 10)),
]


@pytest.mark.parametrize("rate", [1e-3, 0.1])
@pytest.mark.parametrize("likelihood", DENSITIES, ids=str)
def test_nor_has_it_under_a_density_whatever_its_scale(likelihood, rate, images, tmp_path):
    """Where a loss is near nought, too, as it is at some scale for all images."""
    recipe = tiny("vae", steps=30, learning_rate=rate, likelihood=likelihood)
    assert not run(recipe, images, tmp_path).failed.any()


@pytest.mark.parametrize("likelihood", DENSITIES[:2] + DENSITIES[4:6], ids=str)
def test_under_a_density_it_blows_up_too(likelihood, images, tmp_path):
    recipe = tiny("vae", steps=1, learning_rate=100.0, likelihood=likelihood)
    assert run(recipe, images, tmp_path).failed.all()


def test_a_learning_rate_of_one_blows_up(images, tmp_path):
    """After one step, of which the history has only what came before it."""
    trained = run(tiny("vae", steps=1, learning_rate=1.0), images, tmp_path)
    assert np.isfinite(trained.history.loss).all()
    assert trained.failed.all()


def test_a_run_that_encodes_what_cannot_be_held_is_marked_and_nan(images):
    recipe = tiny("vae")
    model = vae_of(recipe)
    members = [model.initialise(np.random.default_rng(seed)) for seed in range(3)]
    stacked = {name: torch.stack([m[name] for m in members]) for name in members[0]}
    last = max(name for name in stacked if name.startswith("encoder") and "bias" in name)
    stacked[last][1] = 1e20
    saved = Saved("", stacked, torch.zeros(3, dtype=torch.bool), [])
    runs = list(encode(model, saved, Resident(images, CPU), range(3), CPU))
    assert [each.failed for each in runs] == [False, True, False]
    for array in (runs[1].mean, runs[1].logvar, runs[1].distortion):
        assert np.isnan(array).all()


STUDY = {
    "study": "odd",
    "datasets": {"tiny": {"of": "dsprites_small", "image_size": 16, "posX": [0, 9], "posY": 0}},
    "objectives": {"vae": {}, "beta_vae": {"beta": [0]}},
    "seeds": "0-5",
    "pack": 6,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 2, "batch_size": 8},
    "metrics": ["mig", "decomposition", "elbo", "mig_chen", "udr"],
}
# What the seeds of the VAE end in: mean and logvar as factors and what is added.
ODD = {
    0: (np.nan, 0, 0, 0),
    1: (1, 0, 0, -129),
    2: (1, 0, 0, 129),
    3: (0, 1e20, 1, 0),  # not marked as diverged
    4: (0, 3.3, 0, -1),
    5: (1, 0, 1, 0),
}


def spoiled(seed, name, images):
    """A run of the VAE by its seed; those of the other objective have all diverged."""
    rng = np.random.default_rng(seed)
    mean = images.factors[:, :3] + rng.standard_normal((len(images), 3))
    a, b, c, d = ODD[seed] if name == "vae" else ODD[0]
    posterior = Posterior(np.float32(a * mean + b), np.float32(c * -np.ones_like(mean) + d), {})
    distortion = np.full(len(images), 50 * (a / a if a else 1), np.float32)
    return Encoded(seed, *posterior, distortion, bool(np.isnan(a) or name != "vae"))


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A study of such runs, through every command that comes after training; its folder."""
    top, study = tmp_path_factory.mktemp("odd"), read_study(STUDY)
    folder, images = top / "odd", study.dataset("tiny").images()
    images_file.write_images(images, folder / "tiny/images.h5", {})
    for pack in study.packs:
        runs = [spoiled(seed, pack.objective, images) for seed in pack.seeds]
        identity = dict(zip(("dataset", "objective", "setting"), pack.of, strict=True))
        here = folder / pack.path
        latents_file.write_latents(
            here / "latents.h5", runs, images, identity=identity, groups={}, provenance={}
        )
        for metric in study.metrics:
            out = ["--out", here / f"scores/{metric}.csv", "--sums"]
            out += ["--detail", here / f"scores/{metric}.json"]
            command("score", here / "latents.h5", "--metrics", metric, *out)
    for metric in study.metrics:
        out = folder / f"tiny/levels/{metric}.csv"
        command("levels", folder / "tiny/images.h5", "--metrics", metric, "--out", out, "--sums")
    first, other = (folder / pack.path / "latents.h5" for pack in study.packs)
    command("audit", first, "--out", folder / "tiny/audit.csv", "--sums")
    command("audit", other, "--out", folder / "all_diverged.csv", "--sums")
    shared = (study.text, "--results", top)
    command("collect", *shared, "--out", folder / "scores.csv")
    table, page = folder / "scores.parquet", folder / "report/index.html"
    command("report", *shared, "--scores", table, "--out", page)
    return folder


def command(*words):
    assert main([str(word) for word in words]) == 0


def value(folder, metric, objective="vae"):
    """By seed."""
    table = pd.read_csv(folder / "scores.csv")
    return table[(table.objective == objective) & (table.metric == metric)].value.to_numpy()


def test_whatever_the_runs_did_there_is_a_page(odd):
    assert "<html" in (odd / "report/index.html").read_text()
    assert len(pd.read_csv(odd / "tiny/audit.csv"))
    assert pd.read_csv(odd / "all_diverged.csv").empty


def test_what_can_be_computed_is_and_the_rest_is_nan(odd):
    assert np.isnan(value(odd, "mig", "beta_vae")).all()
    assert np.isnan(value(odd, "mig")).tolist() == [True, False, False, True, False, False]
    assert value(odd, "mig")[4] == 0  # a constant code
    rate = value(odd, "rate")
    assert np.isnan(rate).tolist() == [True, False, False, True, False, False]
    narrow = [spoiled(seed, "vae", read_study(STUDY).dataset("tiny").images()) for seed in (1, 5)]
    squares = [float((each.mean.astype(float) ** 2).sum(1).mean()) for each in narrow]
    assert rate[1] == pytest.approx((squares[0] + 3 * (129 - 1)) / 2)
    assert rate[5] == pytest.approx((squares[1] + 3 * np.exp(-1)) / 2)
    assert np.isfinite(value(odd, "udr_lasso")[[1, 5]]).all()
    assert np.isfinite(value(odd, "total_correlation")[5])


def test_what_is_nan_says_why(odd):
    for pack in read_study(STUDY).packs:
        for path in (odd / pack.path / "scores").glob("*.csv"):
            table = pd.read_csv(path).groupby("run").value.apply(lambda v: v.isna().any())
            notes = json.loads(path.with_suffix(".json").read_text())["notes"]
            for seed in table.index[table]:
                assert notes[str(seed)][path.stem]


def with_logvar(path, **attributes):
    mean = np.random.default_rng(0).standard_normal((1, 20, 2))
    with h5py.File(path, "w") as file:
        file["mean"], file["logvar"] = mean, np.full_like(mean, -129)
        file["factors"] = np.arange(40).reshape(20, 2) % 4
        file.attrs.update(attributes)
    return path


def test_a_stranger_is_asked_whether_that_is_the_logarithm(tmp_path):
    with pytest.raises(UserError, match="check that it is the logarithm"):
        list(read_latents(with_logvar(tmp_path / "x.h5")))
    ((_, ours),) = read_latents(with_logvar(tmp_path / "x.h5", schema=1))
    assert ours.logvar.min() == -129


def test_a_metric_that_fails_on_one_run_costs_no_other_its_score(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    mean = np.random.default_rng(0).standard_normal((2, 20, 2))
    np.savez(path, mean=mean, factors=np.arange(40).reshape(20, 2) % 4)
    measure = scores.measure

    def failing(name, run, seed):
        if np.array_equal(run.mean, mean[0].astype(np.float32)):
            raise np.linalg.LinAlgError("did not converge")
        return measure(name, run, seed)

    monkeypatch.setattr(scores, "measure", failing)
    with pytest.warns(UserWarning, match="run 0: mig cannot be computed and is NaN: did not conv"):
        first, second = scores.score_file(path, ["mig"])
    assert isinstance(first.score, Score)
    assert np.isnan(first.score.values["mig"])
    assert np.isfinite(second.score.values["mig"])
