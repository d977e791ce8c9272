"""A GPU computes what the CPU computes: the packs, killed or not, their codes.

Each test has its device from conftest.py. On the CPU the same code runs, vectorised as on a GPU.
"""

from importlib import metadata

import numpy as np
import pytest
import torch
from builders.on_gpu import ON_A_GPU, has_graph, pack
from builders.packs import SETTINGS, tiny

from disentbench import plugins
from disentbench.likelihoods.bernoulli import Bernoulli
from disentbench.models import packed
from disentbench.models.device_images import Resident
from disentbench.models.model_file import Saved
from disentbench.models.vae import DTYPES, VAE, vae_of
from disentbench.seeds import generator
from disentbench.storage import provenance
from disentbench.training import devices, loop, replay, rounding
from disentbench.training.encode import encode
from disentbench.training.randomness import INITIAL

CPU = torch.device("cpu")
ARCHITECTURES = plugins.names("architectures")


@pytest.fixture(scope="module")
def images():
    return tiny().dataset.images()


def assert_same_way(ours, theirs, recipe, tolerance):
    """The parameters have gone the same way from where they began, within a share of its length.

    Adam makes a step of its full size of a gradient however small, so that rounding may turn the
    step of one parameter among thousands about: the whole is compared, not each. Rounding comes to
    a 1e-5th of the way, TF32 to a hundredth, another order of batches to all of it.
    """
    model = vae_of(recipe)
    for i, seed in enumerate(recipe.pack.seeds):
        start = model.initialise(generator(seed, INITIAL))
        apart = sum((ours.parameters[n][i] - theirs.parameters[n][i]).square().sum() for n in start)
        way = sum((theirs.parameters[n][i] - p).square().sum() for n, p in start.items())
        assert (apart / way).sqrt() < tolerance


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("objective", plugins.names("objectives"))
def test_a_vectorised_pack_is_its_members_alone_on_the_cpu(
    objective, architecture, device, images, tmp_path
):
    recipe = tiny(objective, architecture)
    ours = pack(recipe, images, tmp_path / "pack", device)
    alone = loop.train(recipe, images, CPU, tmp_path / "alone", vectorise=False)
    assert_same_way(ours, alone, recipe, tolerance=0.003)
    assert not ours.failed.any()
    for term in ours.history.columns[2:]:
        np.testing.assert_allclose(ours.history[term], alone.history[term], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_bf16_is_near_to_float32(architecture, device, images, tmp_path):
    recipe = tiny("hfvae", architecture, seeds="0-1", steps=3, precision="bf16")
    half = pack(recipe, images, tmp_path / "half", device)
    exact = tiny("hfvae", architecture, seeds="0-1", steps=3)
    full = loop.train(exact, images, CPU, tmp_path / "full")
    assert {p.dtype for p in half.parameters.values()} == {torch.float32}
    assert all(torch.isfinite(p).all() for p in half.parameters.values())
    np.testing.assert_allclose(half.history.loss, full.history.loss, rtol=0.02)


class KilledError(Exception):
    pass


def killed(recipe, images, folder, device, at, **options):
    """Train until a step is reported, saved at every step before."""

    def kill(seeds, step, loss):
        if step >= at:
            raise KilledError

    with pytest.raises(KilledError):
        loop.train(
            recipe, images, device, folder, report=kill, seconds_between_checkpoints=0.0, **options
        )


LATE = ("hfvae", "mlp_chen2018", 70, 80)  # in the second block of noise
EVERY = [
    (name, architecture, 3, 6)
    for name in plugins.names("objectives")
    for architecture in ARCHITECTURES
]


@pytest.mark.parametrize("kill", [LATE, *EVERY])
def test_killed_and_resumed_ends_in_the_same_numbers(kill, device, images, tmp_path):
    objective, architecture, at, steps = kill
    recipe = tiny(objective, architecture, seeds="0-1", steps=steps)
    whole = pack(recipe, images, tmp_path / "whole", device)
    killed(recipe, images, tmp_path / "killed", device, at, vectorise=True)
    resumed = pack(recipe, images, tmp_path / "killed", device)
    assert resumed.origins[0]["from_step"] == 0
    assert all(torch.equal(p, resumed.parameters[name]) for name, p in whole.parameters.items())
    assert whole.history.equals(resumed.history)


HARD = {
    "weight_decay": 0.1,
    "clip_norm": 5.0,
    "learning_rate_schedule": "cosine",
    "warm_up": 2,
    "sampling": "with_replacement",
    "initialisation": "glorot",
}


@pytest.mark.parametrize("objective", ["hfvae", "factor_vae"])
def test_members_stay_independent_however_they_are_trained(objective, device, images, tmp_path):
    """Vectorised, alone on the CPU, and killed and resumed."""
    recipe = tiny(objective, **HARD)
    ours = pack(recipe, images, tmp_path / "pack", device)
    alone = loop.train(recipe, images, CPU, tmp_path / "alone", vectorise=False)
    assert_same_way(ours, alone, recipe, tolerance=0.003)
    killed(recipe, images, tmp_path / "killed", device, 3, vectorise=True)
    resumed = pack(recipe, images, tmp_path / "killed", device)
    assert all(torch.equal(p, resumed.parameters[name]) for name, p in ours.parameters.items())
    assert ours.history.equals(resumed.history)


@ON_A_GPU
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0.003), ("bf16", 0.1)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_training_by_a_graph_is_one_step_by_step(
    architecture, precision, tolerance, device, tmp_path
):
    """Over windows of two steps and two blocks of noise."""
    recipe = tiny("hfvae", architecture, seeds="0-1", steps=200, precision=precision)
    images = recipe.dataset.images()
    ours = pack(recipe, images, tmp_path / "graph", device)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "RECORDERS", {})
        plain = pack(recipe, images, tmp_path / "plain", device)
    assert_same_way(ours, plain, recipe, tolerance)
    for term in plain.history.columns[2:]:
        close = {"rtol": tolerance / 30, "atol": tolerance}
        np.testing.assert_allclose(ours.history[term], plain.history[term], **close)


@ON_A_GPU
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("objective", plugins.names("objectives"))
@pytest.mark.filterwarnings("error:the (steps|fast convolutions)")
def test_every_objective_has_a_graph(objective, architecture, device, images):
    assert has_graph(tiny(objective, architecture), device, images)


RISING = {"from": 0, "to": 4, "steps": 3}
GRAPHS = {
    "an estimator": ("beta_tcvae", {"beta": 3, "estimator": "mss"}, {}),
    "a schedule": ("beta_vae", {"beta": RISING, "warm_up": 3}, {}),
    "a second batch": ("factor_vae", {"gamma": RISING, "permute": "second_batch"}, {}),
    "all of training": ("hfvae", {"beta": 3, "discrete": {"a": 2}, "temperature": 0.5}, HARD),
}


@ON_A_GPU
@pytest.mark.parametrize("case", GRAPHS)
@pytest.mark.filterwarnings("error:the (steps|fast convolutions)")
def test_whatever_depends_on_the_step_has_a_graph(case, device, images, monkeypatch):
    objective, settings, training = GRAPHS[case]
    monkeypatch.setitem(SETTINGS, objective, settings)
    assert has_graph(tiny(objective, **training), device, images)


@ON_A_GPU
@pytest.mark.parametrize("precision", DTYPES)
@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name.startswith("conv")])
@pytest.mark.filterwarnings("error:the (steps|fast convolutions)")
def test_the_convolutions_of_a_pack_are_computed_at_once(name, precision, device):
    """On the papers' own shapes, in colours and not."""
    pytest.importorskip("triton")
    for channels in (1, 3):
        made, shape = plugins.load("architectures", name)(), (channels, 64, 64)
        model = VAE(made, shape, 10, {}, Bernoulli(), DTYPES[precision])
        assert packed.apply_for(model, device) is packed.apply


@pytest.mark.parametrize("first", ["cpu", "device"])
def test_a_run_goes_on_on_another_device(first, device, images, tmp_path):
    recipe = tiny("hfvae", "conv_locatello2019", seeds="0", steps=6)
    there, here = (CPU, device) if first == "cpu" else (device, CPU)
    whole = loop.train(recipe, images, CPU, tmp_path / "whole")
    killed(recipe, images, tmp_path / "moved", there, 3)
    resumed = loop.train(recipe, images, here, tmp_path / "moved")
    names = [origin["device"] for origin in resumed.origins]
    assert names == list(dict.fromkeys(devices.name(each) for each in (there, here)))
    assert_same_way(resumed, whole, recipe, tolerance=0.003)
    np.testing.assert_allclose(resumed.history.loss, whole.history.loss, rtol=1e-5)


def test_a_pack_that_diverges_says_so(device, images, tmp_path):
    recipe = tiny("beta_tcvae", seeds="0-1", learning_rate=1e30)
    trained = pack(recipe, images, tmp_path, device)
    assert trained.failed.tolist() == [True, True]
    saved = Saved("", trained.parameters, trained.failed, [])
    for run in encode(vae_of(recipe), saved, Resident(images, device), range(2), device):
        assert run.failed
        assert np.isnan(run.mean).all()


@pytest.mark.parametrize(
    ("architecture", "precision"),
    [("mlp_chen2018", "bf16"), *((name, "float32") for name in ARCHITECTURES)],
)
def test_encoding_agrees_with_the_cpu(architecture, precision, device, images, tmp_path):
    recipe = tiny("hfvae", architecture, seeds="0-1", precision=precision)
    trained = pack(recipe, images, tmp_path, device)
    saved = Saved("", trained.parameters, trained.failed, [])
    there, here = (
        list(encode(vae_of(recipe), saved, Resident(images, place), range(2), place))
        for place in (device, CPU)
    )
    close = {"rtol": 1e-4, "atol": 1e-4} if precision == "float32" else {"rtol": 0.02, "atol": 0.02}
    for ours, theirs in zip(there, here, strict=True):
        np.testing.assert_allclose(ours.mean, theirs.mean, **close)
        np.testing.assert_allclose(ours.logvar, theirs.logvar, **close)
        for group, logits in theirs.logits.items():
            np.testing.assert_allclose(ours.logits[group], logits, **close)
        np.testing.assert_allclose(ours.distortion.mean(), theirs.distortion.mean(), **close)


def test_a_copy_of_the_code_on_a_bare_machine_says_what_it_lacks(monkeypatch):
    """No git, not installed, no scikit-learn: it trains all the same."""

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setattr(provenance, "git", lambda *arguments: "")
    provenance.revision.cache_clear()
    try:
        origin = provenance.origin("cuda")
    finally:
        provenance.revision.cache_clear()
    assert origin["revision"] == origin["versions"]["scikit-learn"] == "not installed"


def test_float32_on_a_gpu_is_float32_in_a_fixed_order():
    with torch.backends.cudnn.flags(allow_tf32=True, deterministic=False):
        rounding.fix(None)
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.deterministic
