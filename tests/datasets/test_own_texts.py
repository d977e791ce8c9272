"""Files of few bytes that claim to be much: refused before they take the memory."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from builders.own_images import BYTES, FACTORS, ROWS
from pydantic import ValidationError

from disentbench.datasets import _own_factors, h5, npz
from disentbench.storage import classes, hdf5, hdf5_texts

LIMITED = """
import resource, sys
from disentbench.datasets import h5
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**28, now + 2**28))
try:
    h5.dataset(path=sys.argv[1])
except ValueError as error:
    print(error)
"""


def in_256_mib_more(path):
    """What is said of a file where that is all the memory there is."""
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def texts_of(path, texts, **stored):
    """A file of images whose factors are these texts [image, factor]."""
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((len(texts), 2, 2), np.uint8)
        file.create_dataset("factors", data=texts, dtype=h5py.string_dtype(), **stored)
    return path


@pytest.mark.parametrize("stored", [{}, {"chunks": (100, 1)}])
def test_a_text_that_is_much_longer_than_the_others_takes_no_memory(tmp_path, stored):
    texts = np.full((1000, 1), "y", object)
    texts[17] = "x" * 1_000_000
    said = in_256_mib_more(texts_of(tmp_path / "own.h5", texts, **stored))
    assert "'/factors' has in row 17 a text of 1,000,000 bytes; at most 4,000 will do" in said


def test_many_texts_that_are_one_in_the_file_take_no_memory(tmp_path):
    path = texts_of(tmp_path / "own.h5", np.full((2, 75), "y", object))
    long = b"x" * 20_000_000
    with h5py.File(path, "r+") as file:
        file.create_dataset("one", data=[long], dtype=h5py.string_dtype())
        places = [file[name].id.get_offset() for name in ("one", "factors")]
    whole = bytearray(path.read_bytes())
    whole[places[1] : places[1] + 150 * 16] = whole[places[0] : places[0] + 16] * 150
    path.write_bytes(whole)
    assert "in row 0 a text of 20,000,000 bytes" in in_256_mib_more(path)


@pytest.mark.parametrize("stored", [{}, {"chunks": (3, 1)}, {"chunks": (4, 2), "compression": 4}])
@pytest.mark.parametrize("block", [1, 2 * hdf5_texts.LONGEST, 2**26])
def test_texts_come_back_whole_however_they_are_stored(tmp_path, monkeypatch, stored, block):
    monkeypatch.setattr(hdf5_texts, "BLOCK_BYTES", max(block, hdf5_texts.LONGEST))
    texts = np.array([[f"r{i % 3}", "größe" * (i % 2)] for i in range(11)], object)
    with hdf5.open_data(texts_of(tmp_path / "own.h5", texts, **stored)) as file:
        read = hdf5.array(file, "factors")
    assert [[text.decode() for text in row] for row in read] == texts.tolist()
    assert len({id(text) for text in read.ravel()}) == len(set(texts.ravel()))


def test_chunks_that_would_be_read_text_by_text_for_ever_are_refused(tmp_path, monkeypatch):
    texts = np.full((100, 1), "y", object)
    path = texts_of(tmp_path / "own.h5", texts, chunks=(10, 1))
    monkeypatch.setattr(hdf5_texts, "BLOCK_BYTES", 1)
    monkeypatch.setattr(hdf5_texts, "MOST_READS", 99)
    with pytest.raises(ValidationError, match="lies in chunks and is read text by text"):
        h5.dataset(path=path)


@pytest.mark.parametrize("kind", [h5py.vlen_dtype(int), h5py.ref_dtype])
def test_values_that_are_neither_numbers_nor_text(tmp_path, kind):
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["images"] = BYTES
        file.create_dataset("factors", (ROWS, 1), kind)
        lists = h5py.check_vlen_dtype(kind) is not None
        file["factors"][0, 0] = [1, 2] if lists else file["images"].ref
        for row in range(1, ROWS):
            file["factors"][row, 0] = file["factors"][0, 0]
    with pytest.raises(ValidationError, match="'factors' holds neither numbers nor text"):
        h5.dataset(path=tmp_path / "own.h5")


def test_a_text_is_refused_before_all_are_as_wide(own):
    texts = np.array([["y"], ["x" * 1001]] + [["y"]] * (ROWS - 2), object)
    with pytest.raises(ValueError, match=r"factor 0 is 'x+ \.\.\. x+' in row 1, a text of 1,001"):
        classes.classes(texts)
    said = own.refused(images=BYTES, factors=texts.astype(str))
    assert {"npz": "up to 1,000 characters", "h5": "in row 1, a text of 1,001"}[own.kind] in said


def test_classes_count_as_what_they_become(tmp_path, own, monkeypatch):
    """Bytes of an .npz that are compressed to nothing become eight bytes each."""
    np.savez_compressed(
        tmp_path / "wide.npz",
        images=np.zeros((2_000_000, 1, 1), "u1"),
        factors=np.zeros((2_000_000, 200), "u1"),
    )
    with pytest.raises(
        ValidationError, match=r"400,000,000 classes would take 3\.05 GiB of memory"
    ):
        npz.dataset(path=tmp_path / "wide.npz")
    monkeypatch.setattr(_own_factors, "MOST_BYTES", ROWS * (2 + _own_factors.FINDING) * 8)
    assert own.read(images=BYTES, factors=FACTORS).factors.shape == (ROWS, 2)


def test_a_million_images_of_ten_factors_may_be():
    """What is ordinary is far from the bounds."""
    _own_factors.require_claimed((10**6, 10), np.dtype(np.int64), 10**6)
    _own_factors.require_claimed((737_280, 6), np.dtype("U30"), 737_280)
