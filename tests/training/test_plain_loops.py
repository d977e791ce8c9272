"""Training by the package against plain PyTorch: the same parameters and losses, to rounding."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from builders.plain_loop import BATCH, IMAGES, STEPS, Case, Outcome, critic, plain_loop
from builders.training import run
from torch.distributions import Normal

CLOSE, APART = 1e-4, 1e-3  # how far parameters may be off, and how far a fault must move one


def linear(first, last, steps):
    return lambda step: first + (last - first) * min(1.0, step / steps)


def at(weight, step):
    return weight(step.number) if callable(weight) else weight


def beta_vae(beta=4.0):
    return lambda s: (s.distortion + at(beta, s) * s.rate, None)


def annealed_vae(gamma, capacity):
    return lambda s: (s.distortion + gamma * abs(s.rate - at(capacity, s)), None)


def beta_tcvae(beta, alpha):
    """Minibatch weighted sampling: log q(z_i) is log sum_j q(z_i | x_j) less log N M."""

    def losses(s):
        pairs = Normal(s.posterior.mean[None], s.posterior.stddev[None]).log_prob(s.z[:, None])
        offset = math.log(IMAGES * BATCH)
        joint = pairs.sum(2).logsumexp(1) - offset
        product = (pairs.logsumexp(1) - offset).sum(1)
        mi = (s.posterior.log_prob(s.z).sum(1) - joint).mean()
        tc = (joint - product).mean()
        return s.distortion + s.rate + (alpha - 1) * mi + (at(beta, s) - 1) * tc, None

    return losses


def factor_vae(gamma=3.0, warmed=1.0):
    def losses(s):
        logits, order = s.critic(s.z), s.normals["permutation"].argsort(0)
        tc = logits[:, 0].mean() - logits[:, 1].mean()
        columns = zip(s.other.detach().T, order.T, strict=True)
        permuted = torch.stack([column[places] for column, places in columns], dim=1)
        classes = torch.zeros(BATCH).long(), torch.ones(BATCH).long()
        told = zip((s.z.detach(), permuted), classes, strict=True)
        critic = sum(F.cross_entropy(s.critic(code), of) for code, of in told) / 2
        return s.distortion + at(warmed, s) * (s.rate + at(gamma, s) * tc), critic

    return losses


def package_loop(recipe, folder, **options):
    """Each member as the package trains it; a critic's parameters are in the last checkpoint."""
    trained = run(recipe, recipe.dataset.images(), folder, **options)
    (path,) = (folder / "checkpoints").glob("seeds-*.pt")
    players = torch.load(path, weights_only=True)["players"].values()
    stacked = {key: p for player in players for key, p in player["parameters"].items()}
    assert all(torch.equal(p, stacked[name]) for name, p in trained.parameters.items())
    rows = trained.history[trained.history["step"] == STEPS].to_dict("records")
    return [Outcome({key: p[i] for key, p in stacked.items()}, row) for i, row in enumerate(rows)]


def distance(ours, theirs):
    """The most that any parameter of any player differs by."""
    assert ours.parameters.keys() == theirs.parameters.keys()
    pairs = [(p, theirs.parameters[name]) for name, p in ours.parameters.items()]
    return max((p - other).abs().max().item() for p, other in pairs)


def assert_agree(ours, theirs):
    assert distance(ours, theirs) < CLOSE
    losses = {name: ours.losses[name] for name in theirs.losses}
    assert losses == pytest.approx(theirs.losses, abs=CLOSE)


SMALL = {"gamma": 3, "critic_layers": 2, "critic_units": 16}
SIX = {"gamma": 30, "critic_layers": 6, "critic_units": 16}
SECOND = SMALL | {"permute": "second_batch"}
RISING = {"from": 0, "to": 4, "steps": 30}
COSINE = {"learning_rate_schedule": "cosine", "warm_up": 10}
ALL = {"clip_norm": 30.0, "weight_decay": 0.5, **COSINE}
OWN = {"critic_learning_rate": 5e-4, "critic_beta1": 0.3, "critic_beta2": 0.95}
CASES = {
    "FactorVAE": Case("factor_vae", SMALL, factor_vae()),
    "FactorVAE, convolutions": Case(
        "factor_vae", SMALL, factor_vae(), network="conv_locatello2019"
    ),
    "FactorVAE, six layers": Case(
        *("factor_vae", SIX, factor_vae(30.0), {"initialisation": "glorot"}),
        critic=partial(critic, [16] * 6),
    ),
    "FactorVAE, second batch": Case("factor_vae", SECOND, factor_vae()),
    "beta rises": Case("beta_vae", {"beta": RISING}, beta_vae(linear(0, 4, 30))),
    "beta rises beyond alpha": Case(
        *("beta_tcvae", {"beta": RISING, "alpha": 2}, beta_tcvae(linear(0, 4, 30), 2)),
    ),
    "gamma falls": Case(
        *("factor_vae", SMALL | {"gamma": {"from": 9, "to": 1, "steps": 40}}),
        factor_vae(linear(9, 1, 40)),
    ),
    "capacity": Case(
        "annealed_vae",
        {"c_max": 5, "threshold": 30, "gamma": 100},
        annealed_vae(100, linear(0, 5, 30)),
    ),
    "warm-up": Case("factor_vae", SMALL | {"warm_up": 30}, factor_vae(warmed=linear(0, 1, 30))),
    "clipped": Case("beta_vae", {"beta": 4}, beta_vae(), {"clip_norm": 30.0}),
    "decay": Case("beta_vae", {"beta": 4}, beta_vae(), {"weight_decay": 0.5}),
    "rate rises": Case("beta_vae", {"beta": 4}, beta_vae(), {"warm_up": 10}),
    "cosine": Case("beta_vae", {"beta": 4}, beta_vae(), {"learning_rate_schedule": "cosine"}),
    "rise and cosine": Case("beta_vae", {"beta": 4}, beta_vae(), COSINE),
    "all at once": Case("beta_vae", {"beta": 4}, beta_vae(), ALL),
    "all at once, FactorVAE": Case(
        *("factor_vae", SECOND | OWN | {"gamma": RISING, "warm_up": 20}),
        factor_vae(linear(0, 4, 30), linear(0, 1, 20)),
        ALL | {"sampling": "with_replacement", "adam_betas": (0.8, 0.99), "learning_rate": 2e-3},
        critic_rate=5e-4,
        critic_betas=(0.3, 0.95),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_package_trains_as_plain_pytorch_does(name, monkeypatch, tmp_path):
    case = CASES[name]
    recipe = case.recipe(monkeypatch)
    theirs, (ours,) = plain_loop(case, recipe, 3), package_loop(recipe, tmp_path)
    assert_agree(ours, theirs)
    if "clip_norm" in case.training:
        assert min(theirs.norms) < case.training["clip_norm"] < max(theirs.norms)


def test_so_does_every_member_of_a_vectorised_pack(monkeypatch, tmp_path):
    case = CASES["all at once, FactorVAE"]
    recipe = case.recipe(monkeypatch, seeds="3-4")
    for seed, ours in zip((3, 4), package_loop(recipe, tmp_path, vectorise=True), strict=True):
        assert_agree(ours, plain_loop(case, recipe, seed))


FAULTS = {
    "another slope": ("FactorVAE", {"critic": partial(critic, slope=0.01)}),
    "gamma on the other side": ("FactorVAE", {"losses": factor_vae(-3.0)}),
    "gamma in place of a beta": ("FactorVAE", {"losses": factor_vae(2.0)}),
    "betas of the model": ("FactorVAE", {"critic_betas": (0.9, 0.999)}),
    "codes of the same batch": (
        "FactorVAE, second batch",
        {"losses": lambda s: factor_vae()(s._replace(other=s.z))},
    ),
    "a step late": ("beta rises", {"losses": beta_vae(lambda n: 4 * min(1, (n + 1) / 30))}),
    "no warm-up": ("warm-up", {"losses": factor_vae()}),
    "not clipped": ("clipped", {"training": {}}),
    "decay within the gradient": ("decay", {"optimiser": torch.optim.Adam}),
    "a longer rise": ("rise and cosine", {"training": COSINE | {"warm_up": 11}}),
    "no cosine": ("rise and cosine", {"training": {"warm_up": 10}}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_would_show(fault, monkeypatch, tmp_path):
    name, changes = FAULTS[fault]
    recipe = CASES[name].recipe(monkeypatch)
    (ours,) = package_loop(recipe, tmp_path)
    assert distance(ours, plain_loop(CASES[name]._replace(**changes), recipe, 3)) > APART
