"""Files that claim and unpack to more than they should: one sentence, before anything is read."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from builders.strangers import ROWS, h5, refused

import disentbench
from disentbench.storage import hdf5_links

pytestmark = pytest.mark.usefixtures("canary")


def bomb(rows: int, dtype="f4", width=3) -> dict:
    """A data set of many rows in compressed chunks."""
    chunk = (2**20, width)
    return {"shape": (rows, width), "dtype": dtype, "chunks": chunk, "compression": "gzip"}


def rows_claimed():
    h5(mean={"shape": (ROWS, 3), "dtype": "f4", "chunks": (1024, 3)})


def rows_claimed_without_chunks():
    h5(mean={"shape": (ROWS, 3), "dtype": "f4"})


def rows_compressed():
    h5(mean=bomb(2**20 * 96), factors=bomb(2**20 * 96, "i1", 2))
    with h5py.File("x.h5", "r+") as file:
        for name in ("mean", "factors"):
            piece = np.zeros(file[name].chunks, file[name].dtype)
            file[name][: len(piece)] = piece
            _, data = file[name].id.read_direct_chunk((0, 0))
            for start in range(len(piece), len(file[name]), len(piece)):
                file[name].id.write_direct_chunk((start, 0), data)


def runs_claimed():
    h5(mean={"data": np.zeros((20_000, 1, 1), "f4")})


def one_huge_chunk():
    h5(mean={"shape": (2, 20, 3), "maxshape": (None, None, None), "chunks": (9000, 9000, 9)})


def nested_groups():
    with h5py.File("x.h5", "w") as file:
        group = file
        for _ in range(200):
            group = group.create_group("g")


def many_groups():
    with h5py.File("x.h5", "w", libver="latest") as file:
        for i in range(hdf5_links.MOST_OBJECTS + 1):
            file.create_group(f"{i}")


def npy_header(shape, dtype="<f4") -> bytes:
    with open("header.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"shape": shape, "fortran_order": False, "descr": dtype}
        )
    return Path("header.npy").read_bytes()


def zipped(**members):
    with zipfile.ZipFile("x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in members.items():
            with archive.open(f"{name}.npy", "w") as stream:
                for piece in pieces:
                    stream.write(piece)


def npz_claimed():
    zipped(mean=[npy_header((ROWS, 3)), bytes(60)], factors=[npy_header((20, 2)), bytes(160)])


def npz_compressed():
    """64 MiB of zeros in 64 KiB: the bound is set so that it is too much."""
    zeros = [bytes(2**20)] * 64
    zipped(mean=[npy_header((2**24, 1)), *zeros], factors=[npy_header((2, 2)), bytes(16)])


def npz_of_runs():
    zipped(mean=[npy_header((20_000, 1, 1)), bytes(80_000)], factors=[npy_header((1, 1)), bytes(4)])


def npz_negative():
    zipped(mean=[npy_header((-1, 3)), bytes(60)], factors=[npy_header((20, 2)), bytes(160)])


def npy_claimed():
    Path("x.npy").write_bytes(npy_header((ROWS, 3)) + bytes(60))


def npz_of_a_long_header():
    """NumPy would read the whole of it before it looks at its length."""
    blanks = [b" " * 2**20] * 60
    zipped(
        mean=[b"\x93NUMPY\x02\x00" + (60 * 2**20).to_bytes(4, "little"), *blanks],
        factors=[npy_header((2, 2)), bytes(16)],
    )


def csv_wide():
    header = ",".join(f"z{i}" for i in range(20_000))
    Path("x.csv").write_text(f"{header}\n" + "0," * 19_999 + "0\n")


def csv_long():
    Path("x.csv").write_text("z0,z1,v0\n" + "0,0,0\n" * 2**21)


def parquet_compressed():
    table = pd.DataFrame({name: np.zeros(2**21, np.int8) for name in ("z0", "z1", "v0")})
    table.to_parquet("x.parquet")


HOSTILE = {
    rows_claimed: (
        "x.h5",
        "'/mean' claims (100000000, 3) values, and not all of them were",
    ),
    rows_claimed_without_chunks: ("x.h5", "not all of them were written (0 bytes are stored)"),
    rows_compressed: ("x.h5", "would take 1.31 GiB of memory to read, and 40 MiB are allowed"),
    runs_claimed: ("x.h5", "claims 20,000 runs; one file may have at most 10,000"),
    one_huge_chunk: ("x.h5", "claims (2, 20, 3) values, and not all of them were written"),
    nested_groups: ("x.h5", "or more than 32 groups in one another"),
    many_groups: ("x.h5", "has more than 10,000 parts"),
    npz_claimed: (
        "x.npz",
        "mean claims 1,200,000,000 bytes of values, and 188 are there",
    ),
    npz_compressed: (
        "x.npz",
        "would take 64 MiB of memory to read, and 40 MiB are allowed",
    ),
    npz_of_runs: ("x.npz", "claims 20,000 runs; one file may have at most 10,000"),
    npz_of_a_long_header: ("x.npz", "its header claims 60 MiB, where a few hundred bytes do"),
    npz_negative: ("x.npz", "claims the shape (-1, 3)"),
    npy_claimed: ("x.npy", "x.npy claims 1,200,000,000 bytes of values"),
    csv_wide: ("x.csv", "claims 20,000 columns; one file may have at most 10,000"),
    csv_long: ("x.csv", "would take 60 MiB of memory to read"),
    parquet_compressed: (
        "x.parquet",
        "would take 48 MiB of memory to read",
    ),
}


@pytest.mark.parametrize("make", HOSTILE)
def test_a_claim_is_looked_at_before_it_is_believed(capsys, make):
    make()
    path, words = HOSTILE[make]
    more = ["--with", "factors=x.npy"] if path == "x.npy" else []
    assert words in refused(capsys, "score", path, "--max-memory", "40M", *more)


def test_what_is_refused_was_not_unpacked():
    """The memory that reading them has taken, beyond what the imports take."""
    made = [make for make in HOSTILE if make is not csv_long]
    for i, make in enumerate(made):
        make()
        path = Path(HOSTILE[make][0])
        path.rename(f"{i}{path.suffix}")
    script = (
        "import resource, sys; from disentbench.cli import main\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "from disentbench.scoring import scores\n"
        "before = peak()\n"
        "for path in sys.argv[1:]:\n"
        "    more = ['--with', 'factors=' + path] * path.endswith('.npy')\n"
        "    more = more[:2] if more else []\n"
        "    assert main(['score', path, '--max-memory', '40M', *more]) == 2, path\n"
        "print(peak() - before)"
    )
    paths = sorted(str(path) for path in Path().glob("[0-9]*.*"))
    assert len(paths) == len(made)
    root = Path(disentbench.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", script, *paths],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 200_000  # KiB; the smallest bomb has 48 MiB, the largest 1.3 GiB
