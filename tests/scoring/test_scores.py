"""Scoring anybody's arrays from Python: what can be computed is, and what cannot is said."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.codes import CODES, FACTORS, LOGVAR

import disentbench
from disentbench.commands.tables import write_table
from disentbench.errors import UserError
from disentbench.posterior.from_arrays import represent
from disentbench.scoring import scores

ROOT = Path(__file__).parents[2]
QUICK = ["mig", "modularity", "sap_r2"]


def test_arrays_from_python():
    found = disentbench.score(CODES, FACTORS, metrics=QUICK)
    assert set(found) == {"mig", "modularity", "modularity_active", "sap_r2"}
    assert found["mig"] > 0.9
    assert disentbench.score(
        CODES, FACTORS, metrics=["total_correlation"], logvar=LOGVAR
    ).keys() == {
        *("total_correlation", "total_correlation_se"),
    }


def test_readmes_example_runs():
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names = {}
    exec(code, names)
    assert names["scores"]["mig"] > 0.9


def test_all_that_can_be_computed_is():
    given = set(scores.chosen(None, represent(CODES, FACTORS)))
    with_posterior = set(scores.chosen(None, represent(CODES, FACTORS, logvar=LOGVAR)))
    assert {"mig", "dci"} <= given
    assert not {"mig_chen", "decomposition", "udr"} & given
    assert with_posterior - given == {"mig_chen", "decomposition"}


def test_what_a_metric_needs_and_does_not_get_is_said():
    with pytest.raises(ValueError, match="'mig_chen' needs logvar, which is not given"):
        disentbench.score(CODES, FACTORS, metrics=["mig_chen"])
    with pytest.raises(ValueError, match="no metric named 'migg'; choose from"):
        disentbench.score(CODES, FACTORS, metrics=["migg"])
    with pytest.raises(ValueError, match="sampled codes need logvar"):
        disentbench.score(CODES, FACTORS, metrics=["mig"], code="sampled")


def test_sampled_codes_are_noisier_and_repeatable():
    wide = np.full_like(CODES, 1.0)

    def mig(**options):
        return disentbench.score(CODES, FACTORS, logvar=wide, metrics=["mig"], **options)["mig"]

    assert mig(code="sampled") < 0.5 * mig()
    assert mig(code="sampled", seed=3) == mig(code="sampled", seed=3) != mig(code="sampled", seed=4)


def test_json_says_what_is_infinite_and_it_is_read_back(tmp_path):
    """JSON has no infinity; what is undefined is null."""
    values = np.array([[np.inf, 1 / 3], [-np.inf, np.nan]])
    scored = [scores.Scored("0", "x", scores.Score({"a": np.inf, "b": 1 / 3}, {"m": values}), [])]
    text = json.dumps(scores.details(scored), allow_nan=False)
    back = json.loads(text)["runs"]["0"]["x"]["m"]
    assert back == [["inf", 1 / 3], ["-inf", None]]
    np.testing.assert_array_equal(np.array(back, float), values)
    write_table(scores.table(scored), tmp_path / "x.json")
    rows = json.loads((tmp_path / "x.json").read_text())
    assert rows == [
        {"run": "0", "metric": "a", "value": "inf"},
        {"run": "0", "metric": "b", "value": 1 / 3},
    ]
    assert [float(row["value"]) for row in rows] == [np.inf, 1 / 3]
    odd = pd.DataFrame({"name": ["a", None], "whole": [1, 2], "value": [np.nan, -np.inf]})
    assert json.loads(json.dumps(scores.records(odd), allow_nan=False)) == [
        {"name": "a", "whole": 1, "value": None},
        {"name": None, "whole": 2, "value": "-inf"},
    ]


@pytest.mark.slow
def test_a_million_rows():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 6, 40, 32, 32], (1_000_000, 5))
    codes = (factors @ rng.normal(size=(5, 10)) + rng.normal(size=(1_000_000, 10))).astype("f4")
    found = disentbench.score(codes, factors, logvar=np.zeros_like(codes))
    assert all(np.isfinite(value) for value in found.values())


def test_what_is_not_finite_is_named_with_its_run():
    codes = np.random.default_rng(0).standard_normal((4, 30, 3))
    codes[2, 5, 1] = np.nan
    with pytest.raises(UserError, match=r"^run 9: mean is not finite in row 5"):
        disentbench.score(codes, np.arange(30)[:, None] % 3, metrics="mig", seeds=[7, 8, 9, 10])


@pytest.mark.parametrize(("dtype", "offset"), [(np.float32, 1e8), (np.float16, 2048)])
def test_digits_that_an_offset_has_cost_in_the_file_are_warned_of(dtype, offset):
    factors = np.tile(np.indices((4, 3)).reshape(2, -1).T, (5, 1))
    with pytest.warns(UserWarning, match="latent 0 of mean reaches .* take off the offset"):
        disentbench.score((factors * 3 + offset).astype(dtype), factors, metrics="mig")
