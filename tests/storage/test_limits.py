"""What is read fits in the memory allowed, a run at a time; what takes long says how far it is."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.strangers import FACTORS, MEAN, ROWS, h5, refused

from disentbench.cli import main
from disentbench.commands import scoring
from disentbench.errors import UserError
from disentbench.posterior.from_files import read_latents
from disentbench.scoring import scores
from disentbench.storage import limits, seals, tables
from disentbench.storage.representation_files import Reading

pytestmark = pytest.mark.usefixtures("canary")


def parquet_of_one_text():
    """A text of 9,000 letters that the file holds once, and a careless reader for every row."""
    columns = {"z0": np.zeros(20_000, "f4"), "v0": np.arange(20_000) % 2}
    table = pd.DataFrame(columns | {"big": ["x" * 9000] * 20_000})
    table.to_parquet("x.parquet", compression="zstd")


def test_what_a_table_holds_once_is_once_in_memory(capsys):
    parquet_of_one_text()
    assert main(["score", "x.parquet", "--metrics", "mig", "--max-memory", "2M"]) == 0
    assert len(tables.read_table(Path("x.parquet"), factors=["big"])["factors"]) == 20_000


def test_more_is_read_where_more_is_allowed(capsys):
    np.savez("x.npz", mean=MEAN, factors=FACTORS)
    size = MEAN.nbytes + FACTORS.nbytes
    assert main(["score", "x.npz", "--metrics", "mig", "--max-memory", f"{size}"]) == 0
    error = refused(capsys, "score", "x.npz", "--metrics", "mig", "--max-memory", f"{size - 1}")
    assert error.endswith("allow more with --max-memory 1M")
    for command in ("levels", "audit"):
        assert "of memory to read" in refused(capsys, command, "x.npz", "--max-memory", "100")


@pytest.mark.parametrize(
    ("text", "size"), [("8G", 8 * 2**30), ("500M", 500 * 2**20), ("1.5 KiB", 1536), ("7", 7)]
)
def test_a_size_is_written_as_people_do(text, size):
    assert limits.memory(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1G", "G", "8X", "1e400", "nan", "0.1"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is no size; write it like 500M or 8G"):
        limits.memory(text)


def test_a_model_that_unpacks_to_more_is_refused(tmp_path):
    with seals.sealed(tmp_path / "model.pt") as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr("archive/data/0", bytes(2**20), zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="unpacks to 1 MiB; ours are as saved"):
        seals.check_seal(tmp_path / "model.pt")


def test_what_takes_long_says_how_far_it_is(capsys):
    np.savez("x.npz", mean=np.stack([MEAN, MEAN]), factors=FACTORS)
    scored = scores.score_file("x.npz", ["mig", "sap_r2"])
    assert len(list(scoring.told(scored, Path("x.npz"), seconds=0))) == 4
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" after ")[0] for line in lines] == [
        f"x.npz: run {run}: {metric}" for run in (0, 1) for metric in ("mig", "sap_r2")
    ]


def test_seeds_that_claim_more_than_the_runs_are_not_read(capsys):
    h5(seeds={"shape": (ROWS,), "dtype": "i8", "chunks": (1024,)}, mean={"data": MEAN[None]})
    assert "claims 100,000,000 seeds" in refused(capsys, "score", "x.h5")


def test_a_file_of_many_runs_is_read_run_by_run():
    """What counts is one run of them: more runs than fit at once are no matter."""
    np_runs = np.stack([MEAN] * 50)
    h5(mean={"data": np_runs, "chunks": (1, 20, 3)})
    most = MEAN.nbytes + FACTORS.nbytes
    assert len(list(read_latents("x.h5", Reading(memory=most)))) == 50
    with pytest.raises(UserError, match="of memory to read"):
        list(read_latents("x.h5", Reading(memory=most - 1)))
