"""Every metric against the values that its peers' published code gives on the same tables."""

import json
from functools import cache
from pathlib import Path

import h5py
import pytest
from scoring import score

from disentbench.representation import Representation

FOLDER = Path(__file__).parent / "oracles"
ORACLES = json.loads((FOLDER / "oracles.json").read_text())

# metric file, value, the peer's key, agreement
AGREEMENTS = [
    ("mig", "mig", "dlib.mig", 1e-6),
    ("mig_chen", "mig_chen", "btcvae.mig_all_factors", 0.01),
    ("decomposition", "rate", "btcvae.elbo.analytical_cond_kl", 1e-4),
    ("decomposition", "index_code_mi", "btcvae.elbo.mutual_information", 0.05),
    ("decomposition", "total_correlation", "btcvae.elbo.total_correlation", 0.05),
    ("decomposition", "dimension_wise_kl", "btcvae.elbo.dimwise_kl", 0.05),
]


@cache
def table(name):
    with h5py.File(FOLDER / f"{name}.h5") as file:
        mean, logvar, factors = (file[k][:] for k in ("mean", "logvar", "factors"))
    return Representation(mean, factors, logvar)


@cache
def scores(metric, name):
    return score(metric, table(name)).values


CASES = [
    pytest.param(metric, value, name, ORACLES[name][key]["mean"], agreement, id=f"{name}-{key}")
    for metric, value, key, agreement in AGREEMENTS
    for name in ORACLES
]


@pytest.mark.parametrize(("metric", "value", "name", "oracle", "agreement"), CASES)
def test_agrees_with_the_peer(metric, value, name, oracle, agreement):
    assert scores(metric, name)[value] == pytest.approx(oracle, abs=agreement, rel=0)
