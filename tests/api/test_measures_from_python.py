"""`latents`, `decompose`, `levels`, `audit` and `data`: what the commands say, as tables."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm

import disentbench
from disentbench.api.numbers import require_whole
from disentbench.cli import main

RNG = np.random.default_rng(0)
FACTORS = np.tile(np.indices((3, 4)).reshape(2, -1).T, (10, 1))
MEAN = (FACTORS + 0.1 * RNG.standard_normal(FACTORS.shape)).astype(np.float32)
LOGVAR = np.full_like(MEAN, -4)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("latents") / "mine.npz"
    np.savez(path, mean=[MEAN, -MEAN], logvar=[LOGVAR, LOGVAR], factors=FACTORS)
    return path


def test_a_file_is_arrays_or_a_table(path):
    arrays, table = disentbench.latents(path), disentbench.latents(path, frame=True)
    np.testing.assert_array_equal(arrays.mean, [MEAN, -MEAN])
    np.testing.assert_array_equal(arrays.logvar, [LOGVAR, LOGVAR])
    assert (arrays.seeds, arrays.factor_names) == ((0, 1), ("v0", "v1"))
    assert list(table) == ["seed", "image", "z0", "z1", "logvar0", "logvar1", "v0", "v1"]
    second = table[table["seed"] == 1]
    np.testing.assert_array_equal(second[["z0", "z1"]], -MEAN)
    np.testing.assert_array_equal(second[["v0", "v1"]], FACTORS)
    assert second["image"].tolist() == list(range(len(MEAN)))


def test_codes_alone_are_a_table_too(tmp_path):
    np.savez(tmp_path / "x.npz", mean=MEAN)
    arrays = disentbench.latents(tmp_path / "x.npz")
    assert (arrays.logvar, arrays.factors, arrays.factor_names) == (None, None, ())
    assert list(disentbench.latents(tmp_path / "x.npz", frame=True)) == [
        "seed",
        "image",
        "z0",
        "z1",
    ]


def test_the_terms_are_the_metrics_own_and_sum_to_the_rate(path, tmp_path):
    groups = {"both": [0, 1]}
    terms = disentbench.decompose(MEAN, torch.tensor(LOGVAR), groups)
    value = terms["value"]
    parts = ["index_code_mi", "tc_between_groups", "tc_within_groups", "dimension_wise_kl"]
    assert value[parts].sum() == pytest.approx(value["rate"])
    scores = disentbench.score(MEAN, logvar=LOGVAR, metrics="decomposition")
    of_no_group = disentbench.decompose(pd.DataFrame(MEAN), LOGVAR)
    for term in of_no_group.index:
        assert of_no_group.loc[term].tolist() == [scores[term], scores[f"{term}_se"]]
    assert value["tc_within_groups"] == pytest.approx(value["total_correlation"])


def test_one_component_is_known_in_closed_form():
    """Of images that all have one posterior N(m, s^2), I = TC = 0 and the rest is KL to N(0, 1)."""
    m, s = 0.7, 0.5
    terms = disentbench.decompose(np.full((5, 1), m), np.full((5, 1), 2 * np.log(s)))
    x = np.linspace(m - 10 * s, m + 10 * s, 20001)
    kl = np.trapezoid(norm.pdf(x, m, s) * (norm.logpdf(x, m, s) - norm.logpdf(x)), x)
    assert terms["value"]["dimension_wise_kl"] == pytest.approx(kl, abs=1e-3)
    assert terms["value"]["index_code_mi"] == pytest.approx(0, abs=1e-3)


def test_levels_and_audit_are_those_of_the_commands(path, tmp_path):
    out = tmp_path / "levels.csv"
    assert main(["levels", str(path), "--metrics", "mig,sap_r2", "--out", str(out)]) == 0
    ours = disentbench.levels(np.array(["a", "b", "c", "d"])[FACTORS], ["mig", "sap_r2"])
    pd.testing.assert_frame_equal(ours, pd.read_csv(out, index_col="metric"))
    assert (ours["chance"] < ours["perfect"]).all()
    assert list(disentbench.levels(FACTORS, "modularity_active").index) == ["modularity_active"]
    out = tmp_path / "audit.csv"
    assert main(["audit", str(path), "--batch-sizes", "16", "--out", str(out)]) == 0
    theirs = pd.read_csv(out).drop(columns="run")
    pd.testing.assert_frame_equal(disentbench.audit(MEAN, LOGVAR, batch_sizes=[16]), theirs)


def test_levels_need_factors_to_look_at():
    with pytest.raises(ValueError, match="none of elbo looks at factors"):
        disentbench.levels(FACTORS, "elbo")


def test_arrays_that_do_not_fit_are_a_sentence():
    with pytest.raises(disentbench.UserError, match=r"logvar is .* and mean .*; they must agree"):
        disentbench.decompose(MEAN, LOGVAR[:, :1])
    with pytest.raises(disentbench.UserError, match="each of 0 to 1 in one list"):
        disentbench.decompose(MEAN, LOGVAR, {"a": [0, 2]})


def test_numbers_of_things_are_whole():
    for name, call in {
        "seed": lambda: disentbench.levels(FACTORS, "mig", seed=-1),
        "batch_sizes": lambda: disentbench.audit(MEAN, LOGVAR, batch_sizes=[8, -1]),
        "threads": lambda: disentbench.train(steps=1, threads=-1),
    }.items():
        with pytest.raises(disentbench.UserError, match=f"{name} is -1; it must be a whole number"):
            call()
    for number in (0, 2.5, "3", True, None):
        with pytest.raises(disentbench.UserError, match=r"n is .*; it must be a whole number from"):
            require_whole(1, n=number)
    require_whole(1, n=np.int64(1))


def test_images_come_with_their_factors_and_in_part():
    options = {"posX": [0, 8], "posY": [0, 8]}
    whole = disentbench.data("dsprites_small", **options)
    some = disentbench.data("dsprites_small", rows=[5, 2], **options)
    np.testing.assert_array_equal(some.images, whole.images[[5, 2]])
    np.testing.assert_array_equal(some.factors, whole.factors[[5, 2]])
    assert set(np.unique(whole.images)) == {0.0, 1.0}
    with pytest.raises(disentbench.UserError, match="rows must be whole numbers from 0 to 71"):
        disentbench.data("dsprites_small", rows=[72], **options)
    with pytest.raises(disentbench.UserError, match="no dataset named 'dsprite'"):
        disentbench.data("dsprite")
