"""The throughput of a device, looked up in the tables that benchmarks write."""

import pytest
from builders.studies import made

from disentbench.errors import UserError
from disentbench.workflow import hours

TEXT = """# Measured speed

## Training, GPU

Images per second. (51 TFLOP/s)

An EPYC, 16 cores, 1 thread(s), ACME G7 80GB. `make bench-gpu`

| objective | architecture | precision | batch | members | images/s | ms a step |
|---|---|---|---|---|---|---|
| vae | mlp_chen2018 | float32 | 64 | 1 | 1,000 | 9.9 |
| vae | mlp_chen2018 | float32 | 64 | 50 | 9,000 | 9.9 |
| beta_tcvae | mlp_chen2018 | float32 | 64 | 50 | 8,000 | 9.9 |
| beta_tcvae | mlp_chen2018 | bf16 | 64 | 50 | 20,000 | 9.9 |

## Training, CPU

An EPYC, 2 cores, 1 thread(s). `make bench`

| objective | architecture | precision | batch | images/s | ms a step |
|---|---|---|---|---|---|
| vae | mlp_chen2018 | float32 | 16 | 100 | 9.9 |
| vae | mlp_chen2018 | float32 | 256 | 300 | 9.9 |

| steps | batch | members | seconds | images/s |
|---|---|---|---|---|
| 10 | 64 | 1 | 1.77 | 361 |

## What was tried

Images per second on one ACME G8.

| objective | architecture | precision | batch | members | images/s |
|---|---|---|---|---|---|
| vae | mlp_chen2018 | float32 | 64 | 1 | 77 |

## Metrics

An EPYC, 2 cores, 1 thread(s). `python benchmarks/metrics.py`

| metric | seconds |
|---|---|
| mig | 0.017 |
"""


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A checkout whose tables are these."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/RESULTS.md").write_text(TEXT)
    monkeypatch.setattr(hours, "ROOT", tmp_path / "disentbench")
    return tmp_path / "benchmarks/RESULTS.md"


def rates(study, device):
    throughput = hours.of_device(study, device)
    return {pack.objective: throughput.of(pack) for pack in study.packs}, throughput.whole


def test_a_device_is_one_of_whose_trainings_there_is_a_table():
    devices = hours.read_devices(TEXT)
    assert {name: len(rows) for name, rows in devices.items()} == {"ACME G7 80GB": 4, "An EPYC": 2}


def test_the_row_is_the_one_that_has_most_in_common(results):
    """hfvae has no row of its own: the nearest in members stands for it."""
    study = made(pack=40, seeds="0-39", training={"steps": 4, "batch_size": 64})
    found, whole = rates(study, "acme")
    assert whole
    assert found == {"vae": 9000, "beta_tcvae": 8000, "hfvae": 9000}
    alone = made(pack=1, seeds="0", training={"steps": 4, "batch_size": 64})
    assert rates(alone, "G7 80")[0]["vae"] == 1000
    half = {"steps": 4, "batch_size": 64, "precision": "bf16"}
    assert rates(made(training=half), "acme")[0]["vae"] == 20_000


@pytest.mark.parametrize(("batch", "rate"), [(16, 100), (32, 100), (96, 300)])
def test_a_batch_stands_by_the_nearest_in_proportion(results, batch, rate):
    found, whole = rates(made(training={"steps": 4, "batch_size": batch}), "epyc")
    assert not whole
    assert set(found.values()) == {rate}


def test_other_images_and_widths_are_said(results):
    """The studies of the tests have images of 32 x 32, and eight units where 1,200 are usual."""
    throughput = hours.of_device(made(), "epyc")
    assert throughput.source.startswith("An EPYC in benchmarks/RESULTS.md, with 64 x 64 images")
    large = {"tiny": {"of": "dsprites", "orientation": 0}}
    usual = made(datasets=large, architecture="mlp_chen2018", latents=10)
    assert hours.of_device(usual, "epyc").source == "An EPYC in benchmarks/RESULTS.md"


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("G8", "has no device 'G8' with a training; it has ACME G7 80GB, An EPYC"),
        ("", "has more than one device ''"),
    ],
)
def test_a_device_that_is_not_one_is_refused(results, device, sentence):
    with pytest.raises(UserError, match=sentence):
        hours.of_device(made(), device)


def test_without_a_row_of_the_architecture_or_a_file_that_is_said(results):
    with pytest.raises(UserError, match="no training of conv_burgess2018 on An EPYC"):
        hours.of_device(made(architecture="conv_burgess2018"), "epyc")
    results.unlink()
    with pytest.raises(UserError, match="is not here: it comes with a checkout"):
        hours.of_device(made(), "epyc")


def test_the_tables_that_are_shipped_are_read():
    devices = hours.read_devices((hours.ROOT.parent / hours.RESULTS).read_text())
    assert devices
    assert all(row.rate > 0 for rows in devices.values() for row in rows)
