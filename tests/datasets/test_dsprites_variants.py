"""The variants of dSprites: their published distribution, and when they are drawn anew."""

import numpy as np
import pytest
import torch
from builders.packs import SETTINGS, tiny
from builders.training import CPU, run
from PIL import Image

from disentbench.datasets.dsprites_background import our_picture
from disentbench.errors import UserError
from disentbench.models.device_images import Resident
from disentbench.models.pixel_noise import PixelNoise
from disentbench.models.vae import vae_of
from disentbench.plugins import make
from disentbench.storage.images_file import read_images, write_images
from disentbench.training import loop
from disentbench.training.encode import Saved, encode
from disentbench.training.randomness import Batches

NAMES = ("dsprites_color", "dsprites_noisy", "dsprites_background")
GRID = {"orientation": 0, "posX": {"stride": 4}, "posY": {"stride": 4}}


def variant(name, **options):
    dataset = make("datasets", name, GRID | options)
    return dataset, Resident(dataset.images(), CPU, dataset)


def sprites(**options):
    dataset = make("datasets", "dsprites", GRID | options)
    images = Resident(dataset.images(), CPU)
    return images[torch.arange(len(images))]


def seen(name, **options):
    """The binary sprites, and what is seen of all of them."""
    _, images = variant(name, **options)
    return sprites(**options), images[torch.arange(len(images))]


def close(found, expected, spread, count):
    """A mean of so many, within five standard errors."""
    assert abs(found.double().mean().item() - expected) < 5 * spread / np.sqrt(count)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_planned_as_they_are_seen_and_stored_as_sprites(name):
    dataset, images = variant(name)
    assert (dataset.image_shape, dataset.stored_shape) == ((3, 64, 64), (1, 64, 64))
    assert images.shape == (3, 64, 64)
    assert dataset.bytes == dataset.size * 512
    assert np.array_equal(dataset.images().bits, make("datasets", "dsprites", GRID).images().bits)


def test_a_sprite_has_one_colour_of_half_to_full_brightness_on_black():
    s, x = seen("dsprites_color")
    colours = x.amax((2, 3))
    assert torch.equal(x, s * colours[:, :, None, None])
    assert colours.min() >= 0.5
    assert colours.max() < 1
    close(colours, 0.75, 0.5 / np.sqrt(12), colours.numel())
    close((colours - 0.75).square(), 1 / 48, 1 / np.sqrt(2880), colours.numel())
    correlation = torch.corrcoef(colours.T.double())
    assert (correlation - torch.eye(3)).abs().max() < 5 / np.sqrt(len(colours))


def test_noise_is_uniform_but_on_the_sprite_which_is_white():
    s, x = seen("dsprites_noisy")
    white = s.expand_as(x) == 1
    assert (x[white] == 1).all()
    noise = x[~white]
    close(noise, 0.5, 1 / np.sqrt(12), noise.numel())
    close((noise - 0.5).square(), 1 / 12, 1 / np.sqrt(180), noise.numel())
    assert len(x[:, :, 0, 0].unique()) > 0.99 * x[:, :, 0, 0].numel()


def test_before_a_picture_a_sprite_is_the_complement_of_what_is_behind_it():
    s, x = seen("dsprites_background", image_size=32)
    behind = torch.where(s == 1, 1 - x, x)
    corner = behind[:, :, :2, :2]
    assert 0 <= behind.min() < 0.02
    assert 0.98 < behind.max() < 1
    windows = torch.from_numpy(our_picture() / np.float32(255)).unfold(0, 32, 1).unfold(1, 32, 1)
    for i in (0, 100, 500):  # of all windows one is the background but for a shift per channel
        apart = (2 * behind[i] - windows).flatten(3)
        shift = apart.amax(3) - apart.amin(3) < 1e-5
        (place,) = shift.all(2).nonzero().tolist()
        shifts = apart[place[0], place[1], :, 0]
        assert ((shifts >= 0) & (shifts < 1)).all()
    assert len(corner.flatten(1).unique(dim=0)) == len(x)


def test_the_shift_is_uniform_and_of_each_channel_by_itself(tmp_path):
    """Before a black picture half of it is all that is seen."""
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "own.png")
    s, _ = seen("dsprites_background", image_size=32)
    _, images = variant("dsprites_background", image_size=32, picture=tmp_path / "own.png")
    x = images[torch.arange(len(images))]
    behind = torch.where(s == 1, 1 - x, x)
    shifts = 2 * behind[:, :, 0, 0]
    torch.testing.assert_close(behind, (shifts / 2)[:, :, None, None].expand_as(behind))
    close(shifts, 0.5, 1 / np.sqrt(12), shifts.numel())
    close((shifts - 0.5).square(), 1 / 12, 1 / np.sqrt(180), shifts.numel())
    correlation = torch.corrcoef(shifts.T.double())
    assert (correlation - torch.eye(3)).abs().max() < 5 / np.sqrt(len(shifts))


def test_every_window_of_a_picture_is_as_likely(tmp_path):
    """Three rows and two columns of windows: each of the six a sixth of the time."""
    pixels = np.arange(34 * 33).reshape(34, 33, 1).repeat(3, axis=2) % 251
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "own.png")
    dataset, images = variant(
        "dsprites_background", image_size=32, picture=tmp_path / "own.png", shape=[0], scale=[0]
    )
    windows = dataset._windows(
        PixelNoise(torch.arange(6000))("window", 2), images.material["picture"]
    )
    places, counts = (255 * windows[:, 0, 0, 0]).round().unique(return_counts=True)
    assert places.tolist() == sorted({pixels[r, c, 0] for r in range(3) for c in range(2)})
    assert (counts - 1000).abs().max() < 5 * np.sqrt(6000 * 5 / 36)


def test_our_picture_is_the_same_always_and_in_colour():
    picture = our_picture()
    assert picture.shape == (240, 320, 3)
    assert np.array_equal(picture, our_picture())
    assert (picture.std((0, 1)) > 50).all()
    assert abs(np.corrcoef(picture.reshape(-1, 3).T) - np.eye(3)).max() < 0.95


@pytest.mark.parametrize("name", NAMES)
def test_where_models_are_judged_an_image_is_drawn_once(tmp_path, name):
    """By its row alone: from the file, in a batch or by itself."""
    dataset, images = variant(name, image_size=16)
    rows = torch.tensor([3, 70, 7])
    x = images[rows]
    assert torch.equal(x, images[rows])
    assert torch.equal(images[torch.tensor([70])], x[1:2])
    write_images(dataset.images(), tmp_path / "images.h5", {}, {"of": name})
    back = Resident(read_images(tmp_path / "images.h5"), CPU, dataset)
    assert torch.equal(back[rows], x)


def rendering(name, seeds, objective="beta_tcvae"):
    recipe = tiny(objective, seeds=f"{seeds[0]}-{seeds[-1]}")
    dataset = make(
        "datasets", name, {"image_size": 16, "orientation": 0, "posX": [0, 9], "posY": 4}
    )
    images = Resident(dataset.images(), CPU, dataset)
    problem = loop.problem_of(recipe, images, together=False)
    return Batches(problem, list(seeds)), images


@pytest.mark.parametrize("name", NAMES)
def test_in_training_it_is_drawn_anew_at_every_step(name):
    """Each member by its seed and the step, whoever is in the pack and wherever it resumes."""
    draws, images = rendering(name, range(3, 6))
    steps = [draws.at(step, CPU) for step in range(130)]
    keys = torch.stack([draw.keys for draw in steps])
    assert len(keys.unique()) == keys.numel() == 130 * 3 * 16
    x = images.seen(steps[0].rows, steps[0].keys)
    assert x.shape == (3, 16, 3, 16, 16)
    assert not torch.equal(x, images.seen(steps[0].rows, steps[1].keys))
    alone, _ = rendering(name, range(4, 5))
    for step in (100, 0, 129):
        draw = alone.at(step, CPU)
        theirs = images.seen(steps[step].rows[1:2], steps[step].keys[1:2])
        assert torch.equal(images.seen(draw.rows, draw.keys), theirs)


def test_a_second_batch_is_drawn_by_keys_of_its_own(monkeypatch):
    monkeypatch.setitem(SETTINGS, "factor_vae", {"gamma": 3, "permute": "second_batch"})
    draws, _ = rendering("dsprites_color", range(2), "factor_vae")
    keys = torch.stack([draws.at(step, CPU).keys for step in range(3)])
    assert keys.shape == (3, 2, 2 * 16)
    assert len(keys.unique()) == keys.numel()


def test_a_set_that_renders_nothing_draws_no_keys():
    draws, _ = rendering("dsprites_small", range(2))
    assert draws.at(0, CPU).keys.shape == (2, 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_is_trained_alike_alone_and_together(tmp_path, name):
    """Vectorised, one by one, and a member alone; and encoded, the parts in whatever chunks."""
    grid = {"of": name, "image_size": 16, "orientation": 0, "posX": [0, 9], "posY": [0, 8]}
    recipe = tiny("vae", dataset=grid)
    images = recipe.dataset.images()
    plain = run(recipe, images, tmp_path / "a")
    together = run(recipe, images, tmp_path / "b", vectorise=True)
    for key, values in plain.parameters.items():
        torch.testing.assert_close(together.parameters[key], values, rtol=1e-4, atol=1e-6)
    resident = Resident(images, CPU, recipe.dataset)
    saved = Saved("", plain.parameters, plain.failed, [])
    runs = list(encode(vae_of(recipe), saved, resident, range(3), CPU))
    assert all(np.isfinite(encoded.distortion).all() for encoded in runs)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "does not exist"),
        (b"no picture", "cannot be read as PNG or JPEG"),
        ((20, 90), r"has 90 x 20 pixels; a picture needs at least 64 on each side"),
    ],
)
def test_a_wrong_picture_is_told_what_would_do(tmp_path, content, sentence):
    path = tmp_path / "own.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        Image.fromarray(np.zeros((*content, 3), np.uint8)).save(path)
    with pytest.raises(UserError, match=sentence):
        make("datasets", "dsprites_background", GRID | {"picture": str(path)}).images()


def test_a_cut_picture_is_refused(tmp_path):
    path = tmp_path / "own.png"
    Image.fromarray(our_picture()).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be read as PNG or JPEG"):
        make("datasets", "dsprites_background", GRID | {"picture": str(path)}).images()


def test_another_picture_makes_other_images(tmp_path):
    dataset, _ = variant("dsprites_background", shape=[0])
    path = tmp_path / "own.png"
    Image.fromarray(our_picture()[:, ::-1]).save(path)
    other, _ = variant("dsprites_background", shape=[0], picture=path)
    assert other.files == (path,)
    assert other.images().digest != dataset.images().digest
