"""A folder of somebody's own images, and what is said of one."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from disentbench.datasets import folder, promised
from disentbench.errors import UserError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(256, size=(5, 6, 8, 3), dtype=np.uint8)
NAMES = ("b.png", "a.png", "below/c.png", "d.PNG", "é f.png")
TABLE = "image,hue,shape\n" + "".join(
    f"{name},{hue},{shape}\n"
    for name, hue, shape in zip(NAMES, (10, 9, 10, 2, 9), "yxxyz", strict=True)
)


def make_folder(path):
    """A folder of five images and their table."""
    (path / "below").mkdir(parents=True)
    for name, pixels in zip(NAMES, PIXELS, strict=True):
        Image.fromarray(pixels).save(path / name)
    (path / "factors.csv").write_text(TABLE, encoding="utf-8")
    return path


def read(path, **options):
    dataset = folder.dataset(path=path, **options)
    return promised(dataset, dataset.images(), "what it gives")


def refused(path, **options):
    """What is said, when a study is read or, at the latest, when its images are."""
    with pytest.raises((UserError, ValidationError)) as refused:
        list(folder.dataset(path=path, **options).images().in_blocks())
    if isinstance(refused.value, ValidationError):
        return str(refused.value.errors()[0]["ctx"]["error"])
    return str(refused.value)
