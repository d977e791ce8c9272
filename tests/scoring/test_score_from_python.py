"""`disentbench.score`: whatever somebody has in memory, scored as a file of it would be."""

import numpy as np
import pandas as pd
import pytest
import torch

import disentbench

rng = np.random.default_rng(0)
FACTORS = np.tile(np.indices((3, 4)).reshape(2, -1).T, (20, 1))
CODES = (FACTORS + 0.05 * rng.normal(size=FACTORS.shape)).astype(np.float32)
LOGVAR = np.full_like(CODES, -5)
QUICK = ["mig", "modularity", "sap_r2"]


def test_a_metric_may_be_named_alone():
    mig = disentbench.score(CODES, FACTORS, metrics=["mig"])
    assert disentbench.score(CODES, FACTORS, metrics="mig") == mig
    assert disentbench.score(CODES, FACTORS, metrics="mig,sap_r2").keys() == {"mig", "sap_r2"}


def test_detail_is_what_a_metric_is_made_of():
    values, detail = disentbench.score(CODES, FACTORS, metrics="mig,sap_r2", detail=True)
    assert values == disentbench.score(CODES, FACTORS, metrics="mig,sap_r2")
    information = detail["mig"]["mutual_information"]
    assert information.shape == (2, 2)
    first, second = np.sort(information, axis=0)[::-1]
    gaps = (first - second) / np.log([3, 4])  # each class as often as every other: H = log n
    assert values["mig"] == pytest.approx(gaps.mean())


def test_several_runs_are_scored_by_seed_and_compared():
    runs, variances = np.stack([CODES, -CODES]), np.stack([LOGVAR, LOGVAR])
    found = disentbench.score(
        runs, FACTORS, logvar=variances, metrics=["mig", "udr_spearman"], seeds=[7, 3]
    )
    assert list(found) == [7, 3]
    assert found[7]["mig"] == disentbench.score(CODES, FACTORS, metrics="mig")["mig"]
    assert found[3]["udr_spearman"] == pytest.approx(1, abs=0.1)  # a negated copy is as good
    assert list(disentbench.score(runs, FACTORS, metrics="mig")) == [0, 1]
    values, detail = disentbench.score(runs, FACTORS, metrics="mig", detail=True)
    assert values.keys() == detail.keys() == {0, 1}
    for seeds in ([1], [1, 1], [1, 2, 3]):
        with pytest.raises(ValueError, match="seeds must name each once"):
            disentbench.score(runs, FACTORS, metrics="mig", seeds=seeds)
    with pytest.raises(ValueError, match="seeds name runs"):
        disentbench.score(CODES, FACTORS, metrics="mig", seeds=[1])


TEXT = np.array(["a", "b", "c", "d"])[FACTORS]
FRAME = pd.DataFrame({"shape": TEXT[:, 0], "size": FACTORS[:, 1]})
ALIKE = {
    "a tensor on a graph": (torch.tensor(CODES, requires_grad=True), torch.tensor(FACTORS)),
    "bfloat16": (torch.tensor(FACTORS).bfloat16(), torch.tensor(FACTORS).byte()),
    "lists": (CODES.tolist(), FACTORS.tolist()),
    "tables": (pd.DataFrame(CODES, columns=["x", "y"]), FRAME),
    "text": (CODES, TEXT),
    "objects": (CODES, TEXT.astype(object)),
    "categories": (CODES, FRAME.astype("category")),
    "whole floats": (CODES, FACTORS.astype(float)),
}


@pytest.mark.parametrize("kind", ALIKE)
def test_whatever_is_an_array_will_do(kind):
    """Relabelling classes in their order and the kind of an array change nothing."""
    codes, factors = ALIKE[kind]
    plain = FACTORS.astype("f4") if kind == "bfloat16" else CODES
    found = disentbench.score(codes, factors, metrics=QUICK)
    assert found == disentbench.score(plain, FACTORS, metrics=QUICK)


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        (
            FACTORS / 3,
            r"factor 0 is 0\.333333 in row 4; .*whole numbers or text, such as np\.unique",
        ),
        (np.where(FACTORS == 1, None, FACTORS), "factor 1 is missing in row 1|factor 0 is missing"),
        (FRAME.assign(size=[*["x"], *range(239)]), "factor 1 holds int, str"),
        ("red", r"factors has shape \(\)"),
        (FACTORS * 1j, "factor 0 holds complex128; its classes must be whole numbers or text"),
    ],
)
def test_factors_that_are_no_classes_get_a_hint(factors, words):
    with pytest.raises(ValueError, match=words):
        disentbench.score(CODES, factors, metrics="mig")


def test_no_factors_where_none_is_needed():
    found = disentbench.score(CODES, logvar=LOGVAR, metrics="total_correlation")
    assert found == disentbench.score(CODES, FACTORS, logvar=LOGVAR, metrics="total_correlation")
    assert {"active_units", "rate"} <= disentbench.score(CODES, logvar=LOGVAR).keys()
    with pytest.raises(ValueError, match="the metric 'mig' needs factors, which is not given"):
        disentbench.score(CODES, metrics="mig")


def test_the_package_shows_what_it_offers():
    assert {"score", "UserError"} <= set(dir(disentbench))
