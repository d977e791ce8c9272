"""factors.csv of a folder of images: what does not fit is told, and nothing leads out."""

import os

import numpy as np
import pytest
from builders.own_folder import PIXELS, read, refused

from disentbench.storage import classes

TABLES = {
    "its first column is 'name'; it must be image or file": "name,a\na.png,1\n",
    "its first column is ''": "",
    "it has no column besides the images": "image\na.png\nb.png\n",
    "cannot be a factor's name": "image,a/b\na.png,1\nb.png,2\n",
    "it has the factor 'a' twice": "image,a,a\na.png,1,2\nb.png,2,3\n",
    "row 1 has 3 columns, and the first line 2": "image,a\na.png,1\nb.png,2,3\n",
    "it names the image 'a.png' twice": "image,a\na.png,1\nbelow/c.png,2\n./a.png,3\n",
    "it names '/etc/passwd'; an image is named relative": "image,a\n/etc/passwd,1\na.png,2\n",
    "it names '../a.png'; an image is named relative": "image,a\n../a.png,1\nb.png,2\n",
    "it names 'below/../a.png'": "image,a\nbelow/../a.png,1\nb.png,2\n",
    "there is one image, and nothing to measure": "image,a\na.png,1\n",
    "there are no images": "image,a\n",
    "factors.csv names 'x.png', which is no file in it": "image,a\na.png,1\nx.png,2\n",
    "factors.csv names 'below', which is no file in it": "image,a\na.png,1\nbelow,2\n",
    "the factor 'a' is missing in row 1": "image,a\na.png,1\nb.png,\n",
    "the factor 'a' is missing in row 0": "image,a\na.png,nan\nb.png,1\n",
    "the factor 'a' is 0.5 in row 1": "image,a\na.png,1\nb.png,0.5\n",
    "characters that can be printed will do": "image,a\na.png,1\nb.png,\x1b[1m\n",
    "it cannot be read as a table in UTF-8": b"image,a\na.png,\xff\n",
}


@pytest.mark.parametrize(("sentence", "text"), TABLES.items())
def test_a_table_that_does_not_fit(own_folder, sentence, text):
    (own_folder / "factors.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert sentence in refused(own_folder)


def test_links_may_not_lead_out(own_folder, tmp_path):
    os.link(own_folder / "a.png", tmp_path / "out.png")
    (own_folder / "a.png").unlink()
    (own_folder / "a.png").symlink_to("b.png")
    assert np.array_equal(read(own_folder).stored[1], PIXELS[0])
    (own_folder / "a.png").unlink()
    (own_folder / "a.png").symlink_to(tmp_path / "out.png")
    os.utime(own_folder)
    assert "a.png is a link that leads out of it" in refused(own_folder)


def test_a_table_or_a_folder_that_leads_out_is_refused(own_folder, tmp_path):
    (tmp_path / "factors.csv").write_text("image,a\nout/a.png,1\nb.png,2\n")
    (own_folder / "factors.csv").unlink()
    (own_folder / "factors.csv").symlink_to(tmp_path / "factors.csv")
    assert "factors.csv is a link that leads out of it" in refused(own_folder)
    (own_folder / "factors.csv").unlink()
    (own_folder / "factors.csv").write_text("image,a\nout/a.png,1\nb.png,2\n")
    (own_folder / "out").symlink_to(tmp_path)
    assert "out is a link that leads out of it" in refused(own_folder)


@pytest.mark.parametrize("name", ["Factors.csv", "FACTORS.CSV"])
def test_a_table_of_almost_that_name_is_not_passed_over(own_folder, name):
    (own_folder / "factors.csv").rename(own_folder / name)
    assert f"it has {name!r}; call the table of factors factors.csv" in refused(own_folder)


def test_a_table_that_is_a_folder_is_not_passed_over(own_folder):
    (own_folder / "factors.csv").unlink()
    (own_folder / "factors.csv").mkdir()
    assert "factors.csv in it is a folder, where a table is expected" in refused(own_folder)


def test_images_in_folders_below_are_not_passed_over(own_folder):
    (own_folder / "factors.csv").unlink()
    for path in own_folder.glob("*.*"):
        path.unlink()
    assert "and 'below/c.png' in one of these; name such images in factors" in refused(own_folder)
    (own_folder / "below/c.png").unlink()
    assert "there are no images" in refused(own_folder)


def test_texts_take_no_more_memory_than_a_table_may(own_folder, monkeypatch):
    """As an array each text takes four bytes for every character of the longest."""
    names = [f"{i}.png" for i in range(50)]
    rows = [f"{name},{i}x{'y' * 900 * (i == 0)}" for i, name in enumerate(names)]
    (own_folder / "factors.csv").write_text("image,a\n" + "\n".join(rows) + "\n")
    monkeypatch.setattr(classes, "MOST_TEXT", 50 * 4 * 902 - 1)
    said = refused(own_folder)
    assert "the factor 'a' has 50 texts of up to 902 characters, which take 176 KiB" in said
