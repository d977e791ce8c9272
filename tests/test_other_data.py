"""Studies of other data than dSprites, from the images to the page, at tiny size.

500 images in colour with three factors, as many without any, a folder of pictures, a room in three
dimensions, and sprites before noise of which training sees some more often, under a Gaussian.
"""

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from builders.every_command import COMMANDS, run
from PIL import Image

from disentbench.posterior.from_files import read_latents
from disentbench.storage.images_file import read_images

RNG = np.random.default_rng(0)
FACTORS = np.stack([RNG.integers(n, size=500) for n in (3, 4, 2)], axis=1)
LEVELS = np.array([40, 110, 180, 250], np.uint8)
WAYS = {"one by one": "--no-vectorise", "vectorised": "--vectorise"}
ROOM = {"image_size": 16, "scale": [0, 7], "orientation": {"stride": 7}}
ROOM |= {hue: {"stride": 5} for hue in ("floor_hue", "wall_hue", "object_hue")}
NOISY = {"image_size": 16, "orientation": 0, "posX": {"stride": 8}, "posY": {"stride": 8}}
STUDY = {
    "study": "others",
    "datasets": {
        "own": {"of": "npz", "path": "own.npz"},
        "bare": {"of": "h5", "path": "bare.h5"},
        "pictures": {"of": "folder", "path": "pictures"},
        "rooms": {"of": "rooms3d", **ROOM},
        "noisy": {
            "of": "dsprites_noisy",
            "correlate": [{"factors": ["posX", "posY"], "sigma": 0.2}],
            **NOISY,
        },
    },
    "objectives": {"beta_tcvae": {"beta": [4]}},
    "seeds": "0-1",
    "pack": 2,
    "latents": 3,
    "architecture": {"of": "conv_locatello2019", "channels": 4, "hidden": 8},
    "likelihood": {"of": "gaussian", "scale": 0.2},
    "training": {"steps": 6, "batch_size": 8},
    "metrics": ["mig", "elbo", "decomposition"],
}


def colours():
    """A block of a colour (red by the first factor) at a place (the second), striped or not."""
    images = np.zeros((500, 16, 16, 3), np.uint8)
    for image, (shade, place, striped) in zip(images, FACTORS, strict=True):
        row, column = 8 * (place // 2), 8 * (place % 2)
        image[row : row + 8, column : column + 8 : 1 + striped] = (LEVELS[shade], 90, 200)
    return images


def written(folder):
    """The files that the study reads."""
    images = colours()
    names = np.array(["shade", "place", "striped"])
    np.savez(folder / "own.npz", images=images, factors=FACTORS, factor_names=names)
    with h5py.File(folder / "bare.h5", "w") as file:
        file["images"] = images[:, :, :, 0]
    (folder / "pictures").mkdir()
    for i in range(40):
        Image.fromarray(images[i]).save(folder / f"pictures/{i:03}.png")
    rows = [f"{i:03}.png,{FACTORS[i, 0]},{'ab'[FACTORS[i, 2]]}" for i in range(40)]
    table = "\n".join(["image,shade,striped", *rows])
    (folder / "pictures/factors.csv").write_text(table)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What the commands make of the study, of a pack one by one and vectorised."""
    folders = {}
    for way, option in WAYS.items():
        folder = tmp_path_factory.mktemp("others")
        written(folder)
        made = run(folder, "-c", COMMANDS, "study.yaml", option)
        assert made.returncode == 0, made.stderr
        folders[way] = folder / "results/others"
    return folders


@pytest.fixture(params=WAYS)
def results(request, both):
    return both[request.param]


def latents(results, dataset):
    (path,) = results.glob(f"{dataset}/*/*/*/latents.h5")
    return [represented for _, represented in read_latents(path)]


def test_what_is_encoded_is_what_was_brought(results):
    images = read_images(results / "own/images.h5")
    assert np.array_equal(images.pixels, colours())
    assert images.factor_names == ("shade", "place", "striped")
    for represented in latents(results, "own"):
        assert np.array_equal(represented.factors, FACTORS)
    for represented in latents(results, "bare"):
        assert represented.factors is None
        assert represented.mean.shape == (500, 3)
    assert read_images(results / "rooms/images.h5").shape == (3, 16, 16)


def test_each_is_measured_by_what_it_has(results):
    scores = pd.read_csv(results / "scores.csv")
    finite = scores[np.isfinite(scores["value"])]
    known = finite.groupby("dataset")["metric"].agg(set)
    assert set(known.index) == set(STUDY["datasets"])
    assert all(("mig" in values) == (name != "bare") for name, values in known.items())
    assert all({"elbo", "distortion", "total_correlation"} <= values for values in known)


def test_the_distortion_is_a_density_in_nats_over_all_channels(results):
    """Of untaught networks: near that of grey everywhere, which the images alone determine."""
    images = read_images(results / "own/images.h5").pixels / 255
    nats = ((images - 0.5) / 0.2) ** 2 / 2 + np.log(0.2 * np.sqrt(2 * np.pi))
    expected = nats.sum((1, 2, 3))
    for represented in latents(results, "own"):
        np.testing.assert_allclose(represented.distortion, expected, rtol=0.1)


@pytest.mark.parametrize("dataset", STUDY["datasets"])
def test_vectorised_or_not_the_codes_are_the_same(both, dataset):
    ours, theirs = (latents(results, dataset) for results in both.values())
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(one.distortion, other.distortion, rtol=1e-4)
    assert not np.allclose(ours[0].mean, ours[1].mean, atol=0.01)


def test_the_page_says_what_it_is_of(results):
    page = (results / "report/index.html").read_text()
    assert page.count("This data set has no factors.") == 1
    for words in (
        *("Gaussian; scale 0.2", "500 images of 16 × 16, 3 channels", "shade (3), place (4)"),
        *("500 images of 16 × 16, one channel; no factors", "shade (3), striped (2)"),
        *("192 images of 16 × 16, 3 channels", "What training saw", "Noisy-dSprites"),
    ):
        assert words in page, words
    pictures = list(results.glob("report/figures/*_pictures_beta_tcvae.png"))
    assert len(pictures) == len(STUDY["datasets"])
