"""Cars3D: the cars in the order of their list, each view in its place, from an archive as data."""

import gzip
import io
import tarfile
from typing import ClassVar

import numpy as np
import pytest
from builders import published_files
from PIL import Image

from disentbench.datasets import cars3d, promised
from disentbench.datasets._grid import Classes
from disentbench.errors import UserError

CARS = ("car_003_mesh", "car_001_mesh", "car_007_mesh", "car_002_mesh")  # as listed
AZIMUTHS, ELEVATIONS = 3, 2
RNG = np.random.default_rng(0)
VIEWS = {
    car: RNG.integers(256, size=(128, 128, 3, AZIMUTHS, ELEVATIONS), dtype=np.uint8) for car in CARS
}
LIST = "\n".join(CARS).encode()


class Few(cars3d.dataset):
    values: ClassVar = {
        "elevation": np.arange(2.0),
        "azimuth": np.arange(3.0),
        "object": np.arange(4.0),
    }

    elevation: Classes = (0, 1)
    azimuth: Classes = (0, 1, 2)
    object: Classes = (0, 1, 2, 3)


def contents(**changed):
    """The files of the archive, the list among them, in alphabetical order; None leaves one out."""
    files = {f"data/cars/{car}.mat": published_files.mat(im=VIEWS[car]) for car in sorted(CARS)}
    files |= {"data/cars/list.txt": LIST, "data/sprites/other.mat": b"something else"}
    files |= {f"data/cars/{name.replace('__', '.')}": new for name, new in changed.items()}
    return {name: content for name, content in files.items() if content is not None}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return published_files.tar(tmp_path_factory.mktemp("cars") / "cars.tar.gz", contents())


def test_the_published_grid():
    whole = cars3d.dataset()
    assert list(whole.factors) == ["elevation", "azimuth", "object"]
    assert (whole.sizes, whole.size) == ((4, 24, 183), 17_568)
    assert whole.image_shape == (3, 64, 64)


@pytest.mark.parametrize(
    "options", [{}, {"object": [3, 0], "azimuth": {"stride": 2}}, {"elevation": 1, "object": 2}]
)
def test_an_image_is_found_under_its_factors(path, options):
    made = Few(path=path, **options)
    images = promised(made, made.images(), "it")
    kept = list(made.factors.values())
    for i, of in enumerate(images.factors):
        elevation, azimuth, car = (classes[c] for classes, c in zip(kept, of, strict=True))
        view = Image.fromarray(VIEWS[CARS[car]][:, :, :, azimuth, elevation].copy())
        expected = view.resize((64, 64), Image.Resampling.LANCZOS)
        assert np.array_equal(images.stored[i], np.asarray(expected))
    if not options:
        assert images.factors[:5].tolist() == [[0, 0, c] for c in range(4)] + [[0, 1, 0]]


@pytest.mark.parametrize(
    "listed",
    [
        b"\n".join(f"{car}.mat".encode() for car in CARS),
        b"\r\n".join(f"./data/cars/{car}.mat".encode() for car in CARS) + b"\r\n\r\n",
    ],
)
def test_the_list_may_name_files(tmp_path, path, listed):
    """Nor does it matter where in the archive the list is, and how members are called."""
    files = {"data/cars/list.txt": listed} | contents(list__txt=listed)
    dotted = {f"./{name}": content for name, content in files.items()}
    other = published_files.tar(tmp_path / "x.tar.gz", dotted)
    options = {"object": [1, 2], "elevation": 0, "azimuth": 1}
    same, expected = (Few(path=at, **options).images() for at in (other, path))
    assert np.array_equal(same.stored, expected.stored)


FLOATS = published_files.mat(im=VIEWS["car_001_mesh"] / 255)
SMALLER = published_files.mat(im=VIEWS["car_001_mesh"][:, :, :, :2])
WHOLE = contents()["data/cars/car_001_mesh.mat"]
# MATLAB 7.3 writes its text and version where older ones have theirs; HDF5 follows at 512.
OF_HDF5 = (
    b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(384) + b"\x89HDF\r\n\x1a\n" + bytes(99)
)
BOMB = published_files.mat(im=VIEWS["car_001_mesh"], other=np.zeros(2**27, np.uint8))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"car_007_mesh__mat": None}, "it has no file data/cars/car_007_mesh.mat, which data/cars"),
        ({"list__txt": None}, "it has no file data/cars/list.txt"),
        ({"list__txt": b"car_001_mesh"}, "list.txt names 1 objects, where 4 are expected"),
        ({"list__txt": b"a\na\nb\nc"}, "list.txt names 3 objects, where 4 are expected"),
        ({"list__txt": bytes(2**20 + 1)}, "claims 1,048,577 bytes, where at most 1,048,576 are"),
        ({"car_001_mesh__mat": FLOATS}, r"its 'im' is double \(128, 128, 3, 3, 2\), where uint8"),
        ({"car_001_mesh__mat": SMALLER}, r"its 'im' is uint8 \(128, 128, 3, 2, 2\), where uint8"),
        ({"car_001_mesh__mat": published_files.mat(x=3)}, "it has no array 'im', but x"),
        ({"car_001_mesh__mat": b"no file"}, "cannot be read as a MATLAB file: it does not begin"),
        ({"car_001_mesh__mat": WHOLE[:9000]}, "cannot be read as a MATLAB file: it is truncated"),
        ({"car_001_mesh__mat": WHOLE[:150]}, "cannot be read as a MATLAB file"),
        ({"car_001_mesh__mat": WHOLE[:132]}, "cannot be read as a MATLAB file: it is truncated"),
        (
            {"car_001_mesh__mat": OF_HDF5},
            "car_001_mesh.mat in it is damaged or another: it cannot be read as a MATLAB file: it "
            r"is of version 7\.3 or another; save it as version 7 \(-v7\)$",
        ),
        ({"car_001_mesh__mat": BOMB}, "it unpacks to more than 64 MiB"),
    ],
)
def test_another_archive_is_refused(tmp_path, changed, sentence):
    path = published_files.tar(tmp_path / "cars.tar.gz", contents(**changed))
    with pytest.raises(UserError, match=sentence) as refused:
        Few(path=path).images()
    assert str(path) in str(refused.value)


def test_a_damaged_archive_is_refused(tmp_path, path):
    whole, broken = path.read_bytes(), tmp_path / "cars.tar.gz"
    for content in (
        b"",
        b"no archive",
        gzip.compress(b"no archive" * 99),
        whole[: len(whole) // 2],
    ):
        broken.write_bytes(content)
        with pytest.raises(UserError, match=r"cars\.tar\.gz (cannot be read as|is not Cars3D)"):
            Few(path=broken).images()


def of_a_link(archive):
    member = tarfile.TarInfo("data/cars/list.txt")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive.addfile(member)


def of_a_claim(archive):
    member = tarfile.TarInfo("data/cars/list.txt")
    member.size = 2**45
    archive.fileobj.write(member.tobuf())


def of_a_long_header(archive):
    member = tarfile.TarInfo("data/cars/list.txt")
    member.type, member.size = tarfile.XHDTYPE, 2**33 - 1
    archive.fileobj.write(member.tobuf(tarfile.USTAR_FORMAT))


@pytest.mark.parametrize(
    ("smuggle", "sentence"),
    [
        (of_a_link, "it has no file data/cars/list.txt"),
        (of_a_claim, "claims 35,184,372,088,832 bytes, where at most 1,048,576 are"),
        (of_a_long_header, "claims 8,589,934,592 bytes, where at most 1,048,576 are"),
    ],
)
def test_members_are_data(tmp_path, smuggle, sentence):
    """No link is followed, and what is claimed is not believed; nothing else is written."""
    path = tmp_path / "cars.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        smuggle(archive)
        for name, content in contents(list__txt=None).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(UserError, match=sentence):
        Few(path=path).images()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTBENCH_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"nips2015-analogy-data\.tar\.gz is not there; `disentb"):
        cars3d.dataset().images()
