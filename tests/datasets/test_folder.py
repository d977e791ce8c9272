"""Images of one's own in a folder: PNG and JPEG, and factors.csv."""

import json
import os
import re
import struct
import zlib

import numpy as np
import pytest
from builders.good_study import changed
from builders.own_folder import PIXELS, TABLE, read, refused
from PIL import Image
from pydantic import ValidationError

from disentbench import plugins
from disentbench.datasets import folder
from disentbench.errors import UserError
from disentbench.storage.study_file import read_recipe, read_study, require_files


def only(path, *pictures):
    """A folder of these pictures alone, 0.png and so on."""
    path.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures):
        picture.save(path / f"{number}.png")
    return path


def test_images_are_in_the_order_of_the_table(own_folder, monkeypatch):
    monkeypatch.setattr(folder, "BLOCK_BYTES", 2 * PIXELS[0].nbytes)
    images = read(own_folder)
    assert [len(block) for block in images.in_blocks()] == [2, 2, 1]
    assert np.array_equal(images.stored, PIXELS)
    assert images.shape == (3, 6, 8)
    assert images.factor_names == ("hue", "shape")
    assert [values.tolist() for values in images.factor_values] == [[2, 9, 10], ["x", "y", "z"]]
    assert images.factors.tolist() == [[2, 1], [1, 0], [2, 0], [0, 1], [1, 2]]


def test_without_a_table_all_images_by_name(own_folder):
    (own_folder / "factors.csv").unlink()
    (own_folder / ".hidden.png").write_bytes(b"")
    (own_folder / "notes.txt").write_text("no image")
    images = read(own_folder)
    assert np.array_equal(images.stored, PIXELS[[1, 0, 3, 4]])
    assert (images.factors.shape, images.factor_names) == ((4, 0), ())


def test_columns_of_numbers_and_of_text(own_folder):
    (own_folder / "factors.csv").write_text(
        "file,whole,point,code,mixed\na.png, 10,1.0,01,1\nb.png,-2 ,2e0,1,x\n", encoding="utf-8-sig"
    )
    known = [values.tolist() for values in read(own_folder).factor_values]
    assert known == [[-2, 10], [1.0, 2.0], ["01", "1"], ["1", "x"]]


GREY, RGB = PIXELS[0, :, :, 0], PIXELS[0]
OPAQUE = np.concatenate([RGB, np.full((6, 8, 1), 255, np.uint8)], axis=2)


def palette():
    picture = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8) % 4).convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    return picture


KEPT = {
    "grey": (Image.fromarray(GREY), GREY[..., None]),
    "RGB": (Image.fromarray(RGB), RGB),
    "black and white": (Image.fromarray(GREY > 99), np.where(GREY > 99, 255, 0)[..., None]),
    "opaque": (Image.fromarray(OPAQUE), RGB),
    "opaque grey": (Image.fromarray(np.dstack([GREY, OPAQUE[..., 3]]), "LA"), GREY[..., None]),
    "palette": (
        palette(),
        np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]])[
            np.arange(48).reshape(6, 8) % 4
        ],
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_pictures_of_every_kind_are_grey_or_rgb(tmp_path, name):
    picture, expected = KEPT[name]
    images = read(only(tmp_path / "own", picture, picture))
    assert images.shape == (expected.shape[2], 6, 8)
    assert np.array_equal(images.stored, np.stack([expected] * 2))


def test_a_jpeg_is_what_it_unpacks_to_whatever_exif_says(tmp_path):
    """An even picture has no loss; turned by a quarter it would be higher than wide."""
    even = Image.new("RGB", (16, 8), (128, 128, 128))
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.jpg", "b.jpeg"):
        even.save(tmp_path / name, exif=exif)
    images = read(tmp_path)
    assert images.shape == (3, 8, 16)
    assert np.array_equal(images.stored, np.full((2, 8, 16, 3), 128))


CLEAR = OPAQUE.copy()
CLEAR[2, 3, 3] = 254
KEYED = palette()
KEYED.info["transparency"] = 1
DEEP = Image.fromarray(GREY.astype(np.uint16) * 257)
REFUSED = {
    "alpha": (Image.fromarray(CLEAR), "is transparent in parts"),
    "a transparent colour": (KEYED, "is transparent in parts"),
    "16 bits": (DEEP, "has 16 bits a channel"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_pictures_that_would_lose_something_are_refused(tmp_path, name):
    picture, sentence = REFUSED[name]
    said = refused(only(tmp_path / "own", picture, picture))
    assert said.startswith(f"{tmp_path / 'own/0.png'} ")
    assert sentence in said


def test_rgb_of_16_bits_is_refused(tmp_path):
    """Pillow would read it as RGB of 8 and say nothing."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in RGB.reshape(6, 24))
    header = struct.pack(">IIBBBBB", 8, 6, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + n + d + crc(n + d) for n, d in parts]
    path = only(tmp_path / "own", Image.fromarray(RGB))
    (path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert np.asarray(Image.open(path / "1.png")).shape == (6, 8, 3)
    assert "1.png has 16 bits a channel" in refused(path)


def crc(data):
    return struct.pack(">I", zlib.crc32(data))


def test_cmyk_and_other_formats_are_refused(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        Image.new("CMYK", (8, 8)).save(tmp_path / name)
    assert "a.jpg is CMYK; save it as grey or RGB of 8 bits" in refused(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", format="BMP")
    assert "a.jpg cannot be read as PNG or JPEG" in refused(tmp_path)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Image.fromarray(RGB[:5]), "RGB, 5 pixels high and 8 wide"),
        (Image.fromarray(GREY), "grey, 6 pixels high and 8 wide"),
    ],
)
def test_two_images_that_differ_are_named(tmp_path, other, words):
    said = refused(only(tmp_path / "own", Image.fromarray(RGB), Image.fromarray(RGB), other))
    assert re.search(rf"0\.png is RGB, 6 pixels high and 8 wide and .*2\.png is {words};", said)


@pytest.mark.parametrize(("size", "shape"), [(4, (4, 4)), ([3, 5], (3, 5))])
def test_images_may_be_scaled_to_one_size(tmp_path, size, shape):
    path = only(tmp_path / "own", Image.fromarray(RGB), Image.new("RGB", (30, 40), (9, 99, 199)))
    images = read(path, image_size=size)
    assert images.shape == (3, *shape)
    assert images.stored.shape == (2, *shape, 3)
    assert np.array_equal(images.stored[1], np.broadcast_to([9, 99, 199], (*shape, 3)))
    expected = Image.fromarray(RGB).resize(shape[::-1], Image.Resampling.LANCZOS)
    assert np.array_equal(images.stored[0], np.asarray(expected))


@pytest.mark.parametrize("size", [0, -1, 4097, "4", "x", 4.5, 8.0])
def test_one_number_that_is_no_size(own_folder, size):
    sentence = f"image_size: {size!r} is no size; one whole number from 1 to 4,096 will do, or"
    with pytest.raises(UserError, match=re.escape(sentence)):
        plugins.make("datasets", "folder", {"path": str(own_folder), "image_size": size})


@pytest.mark.parametrize("size", [[4], [4, 4, 4], [0, 4], {}, True])
def test_a_size_that_is_none(own_folder, size):
    with pytest.raises(ValidationError):
        folder.dataset(path=own_folder, image_size=size)


def test_a_damaged_image_is_named(own_folder):
    whole = (own_folder / "d.PNG").read_bytes()
    for broken in (b"", b"no picture", whole[: len(whole) // 2]):
        (own_folder / "d.PNG").write_bytes(broken)
        assert re.match(r".*/d\.PNG cannot be read as PNG or JPEG: ", refused(own_folder))


def test_a_folder_that_is_none(own_folder):
    assert "cannot be looked at" in refused(own_folder / "nowhere")
    assert "is no folder; name one" in refused(own_folder / "a.png")
    with pytest.raises(ValidationError, match="is no path; name a folder"):
        folder.dataset(path=3)


CHANGES = {
    "a file less": lambda own: (own / "below/c.png").unlink(),
    "another name": lambda own: (own / "a.png").rename(own / "z.png"),
    "another size": lambda own: (own / "factors.csv").write_text(TABLE + "\n"),
    "another time": lambda own: os.utime(own / "below/c.png", ns=(1, 1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stamp_changes_with_any_file_that_is_read(own_folder, change):
    dataset = folder.dataset(path=own_folder)
    before = dataset.stamps
    assert before == dataset.stamps
    CHANGES[change](own_folder)
    assert dataset.stamps != before
    assert all(len(word) == 16 for word in dataset.stamps)


def test_a_stamp_does_not_change_with_what_stands_beside(own_folder):
    """A study may stand there, with its results."""
    for table in (True, False):
        dataset = folder.dataset(path=own_folder)
        before = dataset.stamps
        (own_folder / f"results/{table}").mkdir(parents=True)
        for name in ("results/images.h5", "results/x.png", ".DS_Store", ".hidden.png", "README"):
            (own_folder / name).write_text(f"{table}")
        assert dataset.stamps == before
        (own_folder / "factors.csv").unlink(missing_ok=True)


def study_of(path):
    others = {"training": {"steps": 10, "batch_size": 2}, "metrics": ["elbo"]}
    return changed("datasets/grid", {"of": "folder", "path": str(path)}) | others


def test_a_recipe_has_the_contents_and_needs_no_folder(own_folder):
    raw = study_of(own_folder)
    study = read_study(raw)
    require_files(study)
    assert study.dataset("grid").files == (own_folder,)
    text = study.recipe(study.packs[0]).text
    contents = json.loads(text)["datasets"]["grid"]["contents"]
    assert contents == {"images": 5, "shape": [3, 6, 8], "factors": {"hue": 3, "shape": 3}}
    own_folder.rename(own_folder.parent / "moved")
    again = read_recipe(text)
    assert again.text == text
    assert again.dataset.stamps == []
    with pytest.raises(UserError, match=r"datasets\.grid reads .*, which is no folder here"):
        require_files(read_study(text))
    with pytest.raises(UserError, match=r"^study: datasets\.grid: .* cannot be looked at"):
        read_study(raw)


def test_an_image_more_is_another_recipe(own_folder):
    (own_folder / "factors.csv").unlink()
    raw = study_of(own_folder)
    before = read_study(raw)
    Image.fromarray(RGB).save(own_folder / "z.png")
    after = read_study(raw)
    assert before.recipe(before.packs[0]).text != after.recipe(after.packs[0]).text
