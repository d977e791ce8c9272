"""Hostile and broken input: one sentence and exit code 2, or numbers; never a traceback."""

import math
import warnings

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import disentbench
from disentbench import plugins
from disentbench.cli import main
from disentbench.metrics import is_error

pytestmark = pytest.mark.usefixtures("few_trees")

QUICK = "mig,modularity,sap_r2,irs,gaussian_correlation,active_units"
REST = [
    name
    for name in plugins.names("metrics")
    if name not in (*QUICK.split(","), "udr", "elbo", "held_out")
]
VALUES = {
    value.name: value
    for name in plugins.names("metrics")
    for value in plugins.load("metrics", name).values
}


@st.composite
def tables(draw):
    """Codes, log-variances and factors of any number type, ties, constants and extremes."""
    rows = draw(st.integers(2, 60))
    codes = draw(
        arrays.arrays(
            draw(st.sampled_from([np.float16, np.float32, np.float64, np.int64])),
            (rows, draw(st.integers(1, 4))),
            elements=draw(st.sampled_from([st.integers(-3, 3), st.integers(-2, 2)])),
        )
    )
    scale = draw(st.sampled_from([1, 1e-8, 1e6])) if codes.dtype.kind == "f" else 1
    scale = 1 if codes.dtype == np.float16 else scale
    factors = draw(
        arrays.arrays(
            draw(st.sampled_from([np.int64, np.uint8, np.float32])),
            (rows, draw(st.integers(1, 3))),
            elements=st.integers(0, 4),
        )
    )
    logvar = np.full(codes.shape, draw(st.sampled_from([-20.0, -3.0, 0.0, 5.0])))
    return codes * codes.dtype.type(scale), factors, logvar


def assert_in_range(found, warned=()):
    for name, number in found.items():
        if math.isnan(number) and any("is NaN" in str(w.message) for w in warned):
            continue
        assert math.isfinite(number) or (math.isinf(number) and VALUES[name].high == math.inf), name
        if not is_error(name) and name not in ("total_correlation", "index_code_mi"):
            slack = 1e-6 + 0.01 * (VALUES[name].unit == "nats")
            assert VALUES[name].low - slack <= number <= VALUES[name].high + slack, (name, number)


@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(tables())
def test_quick_metrics_are_defined_on_any_table(drawn):
    codes, factors, _ = drawn
    assert_in_range(disentbench.score(codes, factors, metrics=QUICK.split(",")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", REST)
def test_every_metric_is_defined_on_any_table(metric):
    narrow = np.array([[0.0], [1e6]], np.float32), np.array([[0], [1]]), np.full((2, 1), -20.0)

    @settings(
        max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @example(narrow)
    @given(tables())
    def check(drawn):
        codes, factors, logvar = drawn
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            found = disentbench.score(codes, factors, logvar=logvar, metrics=[metric])
        assert_in_range(found, warned)

    check()


def originals(folder):
    """A good file of each kind."""
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(30, 3)).astype(np.float32)
    factors = rng.integers(0, 3, (30, 2))
    with h5py.File(folder / "x.h5", "w") as file:
        file["mean"], file["factors"] = mean[None], factors
        file["logvar"], file["seeds"] = mean[None], [3]
        file["factors"].attrs["names"] = ["a", "b"]
        file.attrs["groups"] = "{}"
    np.savez_compressed(folder / "x.npz", mean=mean, factors=factors)
    frame = pd.DataFrame(np.hstack([mean, factors]), columns=["z0", "z1", "z2", "v0", "v1"])
    frame.to_csv(folder / "x.csv", index=False)
    frame.to_parquet(folder / "x.parquet")
    return [folder / f"x.{kind}" for kind in ("h5", "npz", "csv", "parquet")]


def mangled(data: bytes, rng) -> bytes:
    """The bytes with some flipped, cut off, removed, repeated or replaced."""
    way, at = rng.integers(5), int(rng.integers(1, len(data)))
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + data[at + int(rng.integers(1, 40)) :]
    if way == 2:
        return data[:at] + data[max(0, at - 20) :]
    changed = bytearray(data)
    for place in rng.integers(0, len(data), int(rng.integers(1, 12))):
        changed[place] = rng.integers(256) if way == 3 else changed[place] ^ (1 << rng.integers(8))
    return bytes(changed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["h5", "npz", "csv", "parquet"])
def test_a_hundred_mangled_files_of_each_kind(kind, tmp_path, capsys):
    """Whole output with finite numbers, or exit code 2, one line, and no output at all."""
    good = next(p for p in originals(tmp_path) if p.suffix == f".{kind}").read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for i in range(100):
        path, out = tmp_path / f"bad{i}.{kind}", tmp_path / f"out{i}.csv"
        path.write_bytes(mangled(good, rng))
        code = main(["score", str(path), "--metrics", "mig,sap_r2", "--out", str(out)])
        error = capsys.readouterr().err
        lines = [line for line in error.strip().split("\n") if not line.startswith("warning: ")]
        assert code in (0, 2)
        assert "Traceback" not in error
        if code == 2:
            refused += 1
            assert len(lines) == 1
            assert not out.exists()
        else:
            assert np.isfinite(pd.read_csv(out).value).all()
        path.unlink()
    assert refused > 10
    assert not list(tmp_path.glob(".out*"))
