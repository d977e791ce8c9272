"""Which pictures can be put behind dSprites, and what is said of others before anything is made."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from builders.good_study import changed
from PIL import Image

from disentbench.datasets.dsprites_background import read_picture
from disentbench.errors import UserError
from disentbench.storage.study_file import read_study, require_files

PIXELS = np.random.default_rng(0).integers(256, size=(64, 70, 3), dtype=np.uint8)


def claiming(path, width, height):
    """A PNG of which there is only the header."""
    head = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head) - 4) + head + struct.pack(">I", zlib.crc32(head))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I4s", 0, b"IDAT"))


def small(path):
    Image.fromarray(PIXELS[:10, :10]).save(path)


def deep(path):
    Image.fromarray(np.full((64, 64), 40_000, np.uint16)).save(path)


def transparent(path):
    Image.fromarray(np.concatenate([PIXELS, PIXELS[..., :1] // 2], axis=2)).save(path)


def text(path):
    path.write_text("no picture")


def large(path):
    claiming(path, 8_193, 8_192)


def larger(path):
    claiming(path, 15_000, 10_000)


def bomb(path):
    claiming(path, 30_000, 30_000)


LEAST = "a picture needs at least 64 on each side, and at most 67,108,864 in all"
MORE = "has more than 89,478,485 pixels, which no picture here needs; make it smaller"
BY_HEADER = [
    (small, f"has 10 x 10 pixels; {LEAST}"),
    (large, f"has 8193 x 8192 pixels; {LEAST}"),
    (larger, MORE),
    (bomb, MORE),
    (deep, "has 16 bits a channel; save it as grey or RGB of 8 bits"),
    (text, "cannot be read as PNG or JPEG"),
]


@pytest.mark.parametrize(
    ("write", "words"),
    [*BY_HEADER, (transparent, "is transparent in parts; lay it on a background and save it so")],
)
def test_another_picture_is_refused_in_one_sentence(tmp_path, write, words):
    path = tmp_path / "own.png"
    write(path)
    with warnings.catch_warnings(record=True) as warned, pytest.raises(UserError) as error:
        read_picture(path, 64)
    assert not warned
    assert str(error.value).startswith(f"{path} {words}")


@pytest.mark.parametrize(("write", "words"), BY_HEADER)
def test_the_header_is_looked_at_with_the_study(tmp_path, write, words):
    path = tmp_path / "own.png"
    study = read_study(
        changed("datasets/read", {"of": "dsprites_background", "picture": str(path)})
    )
    with pytest.raises(UserError, match="which is no file here"):
        require_files(study)
    write(path)
    with pytest.raises(UserError) as error:
        require_files(study)
    assert str(error.value).startswith(f"datasets.read: {path} {words}")
    Image.fromarray(PIXELS).save(path)
    require_files(study)


def test_grey_and_rgb_are_taken_as_they_are(tmp_path):
    for pixels in (PIXELS, PIXELS[..., 0]):
        Image.fromarray(pixels).save(tmp_path / "own.png")
        read = read_picture(tmp_path / "own.png", 64)
        assert np.array_equal(read, pixels if pixels.ndim == 3 else np.dstack([pixels] * 3))
