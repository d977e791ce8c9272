"""Every metric against the values that its peers' published code gives on the same tables."""

import json
from functools import cache
from pathlib import Path

import h5py
import pytest

from disentbench.posterior.representation import Representation
from disentbench.scoring.scores import measure

FOLDER = Path(__file__).parents[1] / "oracles"
ORACLES = json.loads((FOLDER / "oracles.json").read_text())

# metric file, value, the peer's key, agreement
AGREEMENTS = [
    ("mig", "mig", "dlib.mig", 1e-6),
    ("mig_chen", "mig_chen", "btcvae.mig_all_factors", 0.01),
    ("decomposition", "rate", "btcvae.elbo.analytical_cond_kl", 1e-4),
    ("decomposition", "index_code_mi", "btcvae.elbo.mutual_information", 0.05),
    ("decomposition", "total_correlation", "btcvae.elbo.total_correlation", 0.05),
    ("decomposition", "dimension_wise_kl", "btcvae.elbo.dimwise_kl", 0.05),
    ("mig_sup", "mig_sup", "ubi.mig_sup_discrete_20bins", 1e-6),
    ("dcimig", "dcimig", "ubi.dcimig_discrete_20bins", 1e-6),
    ("jemmig", "jemmig", "ubi.jemmig_discrete_20bins", 1e-6),
    ("modularity", "modularity", "dlib.modularity", 1e-6),
    ("explicitness", "explicitness", "dlib_split.explicitness_score_test", 0.01),
    ("sap", "sap", "dlib_split.sap_discrete", 0.03),
    ("sap_r2", "sap_r2", "dlib.sap_continuous", 1e-6),
    ("irs", "irs", "dlib.irs", 1e-4),
    ("beta_vae_score", "beta_vae_score", "dlib.betavae_eval", 0.02),
    ("factor_vae_score", "factor_vae_score", "dlib.factorvae_eval", 0.02),
    *(
        ("gaussian_correlation", f"gaussian_{v}", f"dlib.unsup.gaussian_{v}", 1e-5)
        for v in ("total_correlation", "wasserstein_correlation", "wasserstein_correlation_norm")
    ),
    ("gaussian_correlation", "mutual_information_score", "dlib.unsup.mutual_info_score", 1e-5),
    ("dci", "dci_disentanglement", "dlib_split.dci.disentanglement", 0.02),
    ("dci", "dci_completeness", "dlib_split.dci.completeness", 0.02),
    ("dci", "dci_informativeness", "dlib_split.dci.informativeness_test", 0.02),
    ("info", "info_m", "lq.infom", 0.02),
    ("info", "info_c", "lq.infoc", 0.02),
    ("info", "info_e", "lq.infoe", 0.03),
]


@cache
def table(name):
    with h5py.File(FOLDER / f"{name}.h5") as file:
        mean, logvar, factors = (file[k][:] for k in ("mean", "logvar", "factors"))
    return Representation(mean, factors, logvar)


@cache
def scores(metric, name):
    return measure(metric, table(name)).values


# DCI takes ten seconds a table of this size: one is enough for every day.
LATER = set(ORACLES) - {"g_noisy"}
CASES = [
    pytest.param(
        *(metric, value, name, ORACLES[name][key]["mean"], agreement),
        id=f"{name}-{key}",
        marks=[pytest.mark.slow] if metric == "dci" and name in LATER else [],
    )
    for metric, value, key, agreement in AGREEMENTS
    for name in ORACLES
]


@pytest.mark.parametrize(("metric", "value", "name", "oracle", "agreement"), CASES)
def test_agrees_with_the_peer(metric, value, name, oracle, agreement):
    assert scores(metric, name)[value] == pytest.approx(oracle, abs=agreement, rel=0)


@pytest.mark.parametrize("name", ORACLES)
def test_explicitness_of_all_rows_agrees_with_the_peer(name):
    oracle = ORACLES[name]["dlib.explicitness_allrows"]["mean"]
    found = measure("explicitness", table(name), held_out=False).values["explicitness"]
    assert found == pytest.approx(oracle, abs=0.005, rel=0)
