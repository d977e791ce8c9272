"""Files that are no files, or claim and unpack to more than they should: one sentence, at once."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from builders.strangers import STUDY, refused

import disentbench
from disentbench.cli import main
from disentbench.commands import measuring
from disentbench.errors import UserError
from disentbench.posterior.reading import read_latents
from disentbench.scoring import scores
from disentbench.storage import hdf5, limits, seals, tables
from disentbench.storage.representations import Reading

pytestmark = pytest.mark.usefixtures("canary")
ROWS = 100_000_000
FACTORS = np.tile([[0, 1], [1, 0], [1, 1], [0, 0]], (5, 1))
MEAN = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


def fifo(path):
    os.mkfifo(path)


def folder(path):
    Path(path).mkdir()


def device(path):
    Path(path).symlink_to("/dev/zero")


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


KINDS = {fifo: "a pipe", folder: "a folder", device: "a device", listening: "a socket"}
READERS = {
    **{
        f"score {name}": ["score", name]
        for name in ("x.npz", "x.npy", "x.h5", "x.csv", "x.parquet")
    },
    **{f"{name} x.npz": [name, "x.npz"] for name in ("levels", "audit", "compare-dsprites")},
    "levels x.h5": ["levels", "x.h5"],
    "status": ["status", "x.yaml"],
    "encode model": ["encode", "STUDY", "--images", "x.h5", "--model", "x.pt", "--latents", "l.h5"],
    "data": ["data", "dsprites_npz", "--options", '{"path": "x.npz"}', "--out", "i.h5"],
}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_named_and_never_opened(capsys, make, reader):
    words = [json.dumps(STUDY) if word == "STUDY" else word for word in READERS[reader]]
    for name in ("x.npz", "x.npy", "x.h5", "x.csv", "x.parquet", "x.yaml", "x.pt"):
        make(name)
    more = ["--with", "factors=x.npy"] if "x.npy" in words else []
    error = refused(capsys, *words, *more)
    assert KINDS[make] in error


def test_a_model_and_a_table_are_regular_files(tmp_path):
    for make, words in KINDS.items():
        path = tmp_path / make.__name__
        os.chdir(tmp_path)  # a socket's name is short
        make(path.name)
        for read in (seals.check_seal, seals.checked):
            with pytest.raises(UserError, match=words):
                read(path)


def h5(**datasets):
    with h5py.File("x.h5", "w") as file:
        file["factors"], file["mean"] = FACTORS, MEAN
        for name, options in datasets.items():
            if name in file:
                del file[name]
            file.create_dataset(name, **options)


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
        for i in range(hdf5.MOST_OBJECTS + 1):
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


def parquet_of_one_text():
    """A text of 9,000 letters that the file holds once, and a careless reader for every row."""
    columns = {"z0": np.zeros(20_000, "f4"), "v0": np.arange(20_000) % 2}
    table = pd.DataFrame(columns | {"big": ["x" * 9000] * 20_000})
    table.to_parquet("x.parquet", compression="zstd")


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
    npz_claimed: ("x.npz", "mean claims 1.12 GiB of values, and 188 bytes are there"),
    npz_compressed: (
        "x.npz",
        "would take 64 MiB of memory to read, and 40 MiB are allowed",
    ),
    npz_of_runs: ("x.npz", "claims 20,000 runs; one file may have at most 10,000"),
    npz_of_a_long_header: ("x.npz", "its header claims 60 MiB, where a few hundred bytes do"),
    npz_negative: ("x.npz", "claims the shape (-1, 3)"),
    npy_claimed: ("x.npy", "x.npy claims 1.12 GiB of values"),
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


def test_what_a_table_holds_once_is_once_in_memory(capsys):
    parquet_of_one_text()
    assert main(["score", "x.parquet", "--metrics", "mig", "--max-memory", "2M"]) == 0
    assert len(tables.read(Path("x.parquet"), factors=["big"])["factors"]) == 20_000


@pytest.mark.parametrize("command", ["score", "levels"])
def test_what_goes_with_the_codes_is_not_written_over(capsys, command):
    np.save("x.npy", MEAN)
    np.save("f.npy", FACTORS)
    before = Path("f.npy").read_bytes()
    words = ("x.npy", "--with", "factors=f.npy", "--metrics", "mig", "--out", "f.npy")
    assert "f.npy is named twice" in refused(capsys, command, *words)
    assert Path("f.npy").read_bytes() == before


def test_a_link_to_itself_is_refused(capsys):
    Path("loop.h5").symlink_to("loop.h5")
    assert "loop.h5 cannot be read" in refused(capsys, "score", "loop.h5", "--metrics", "mig")


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


@pytest.mark.parametrize(
    "groups", ['{"a": [0.0, 1.0]}', '{"a": [true]}', '{"a": 0}', "[1]", "[[0]]"]
)
def test_groups_of_anything_but_latents_are_refused(capsys, groups):
    h5()
    with h5py.File("x.h5", "r+") as file:
        file.attrs["groups"] = groups
    error = refused(capsys, "score", "x.h5")
    assert "groups are" in error or "'groups' is no JSON object" in error


def test_an_attribute_of_many_values_is_refused(capsys):
    with h5py.File("x.h5", "w", libver="latest") as file:
        file["mean"], file["factors"] = MEAN, FACTORS
        file.attrs.create("groups", np.zeros(10**6, "i1"))
    assert "attribute 'groups' is too large" in refused(capsys, "score", "x.h5")


def test_a_filter_that_is_not_installed_is_named(capsys):
    """Nothing is damaged: the file was written where the filter is."""
    h5()
    with h5py.File("x.h5", "r+") as file:
        del file["mean"]
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((20, 3))
        plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space, kind = h5py.h5s.create_simple((20, 3)), h5py.h5t.IEEE_F32LE
        dataset = h5py.h5d.create(file.id, b"mean", kind, space, plan)
        dataset.write_direct_chunk((0, 0), MEAN.tobytes(), 0)
    error = refused(capsys, "score", "x.h5")
    assert "'mean' is compressed with the filter unknown (32015), which is not installed" in error
    assert "damaged" not in error


def test_a_model_that_unpacks_to_more_is_refused(tmp_path):
    with seals.sealed(tmp_path / "model.pt") as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr("archive/data/0", bytes(2**20), zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="unpacks to 1 MiB; ours are as saved"):
        seals.check_seal(tmp_path / "model.pt")


def test_what_takes_long_says_how_far_it_is(capsys):
    np.savez("x.npz", mean=np.stack([MEAN, MEAN]), factors=FACTORS)
    scored = scores.score_file("x.npz", ["mig", "sap_r2"])
    assert len(list(measuring.told(scored, Path("x.npz"), seconds=0))) == 4
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
