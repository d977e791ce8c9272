"""A trained VAE: what it decodes, samples and traverses."""

import numpy as np
import pytest
import torch
from builders.packs import tiny

import disentbench
from disentbench.api import trained

SIDE = 16


@pytest.fixture(scope="module")
def plain():
    return disentbench.train(tiny("vae", seeds="0"))


@pytest.fixture(scope="module")
def grouped():
    """A model with a discrete group of three classes."""
    return disentbench.train(tiny("hfvae", seeds="0"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((40, SIDE, SIDE, 1), np.float32)


def test_images_of_every_kind_are_the_same_image(plain, images):
    """Bytes are shades of 255, and the channel of one may be left out."""
    shades = np.rint(255 * images).astype(np.uint8)
    expected = plain.encode(shades / np.float32(255)).mean
    for kind in (shades, shades[..., 0], torch.tensor(shades), (shades / 255).tolist()):
        np.testing.assert_allclose(plain.encode(kind).mean, expected, rtol=1e-6)
    black = images > 0.5
    np.testing.assert_array_equal(
        plain.encode(black).mean, plain.encode(np.uint8(255) * black).mean
    )


def test_a_block_of_images_is_as_each_alone(grouped, images, monkeypatch):
    whole = grouped.encode(images)
    monkeypatch.setattr(trained, "AT_ONCE", 7)
    parts = grouped.encode(images)
    for ours, theirs in zip(whole[:2], parts[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    classes = {"shape": whole.logits["shape"].argmax(1)}
    decoded = grouped.decode(whole.mean, classes)
    assert decoded.shape == images.shape
    one = grouped.decode(whole.mean[8:9], {"shape": classes["shape"][8:9]})
    np.testing.assert_allclose(decoded[8:9], one, atol=1e-6)


def test_a_code_is_decoded_by_its_class(grouped):
    """The decoder's linear layer sees one row for each class: those of two classes differ."""
    z = np.zeros((3, grouped.latents))
    first, second, again = grouped.decode(z, {"shape": [0, 1, 0]})
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert 0 <= first.min() <= first.max() <= 1


def test_samples_are_functions_of_their_seed(grouped):
    assert np.array_equal(grouped.sample(4, seed=3), grouped.sample(4, seed=3))
    assert not np.array_equal(grouped.sample(4, seed=3), grouped.sample(4))
    assert grouped.sample(2, seed=3).shape == (2, SIDE, SIDE, 1)


def test_a_traversal_passes_through_the_image_itself(grouped, images):
    """At the value that the posterior has, the decoded image is the image's reconstruction."""
    posterior = grouped.encode(images[:1])
    classes = {"shape": posterior.logits["shape"].argmax(1)}
    shown = grouped.traverse(images[0], latents=[2], steps=5, end=1.0)
    assert shown.shape == (1, 5, SIDE, SIDE, 1)
    z = np.repeat(posterior.mean, 5, axis=0)
    z[:, 2] = [-1, -0.5, 0, 0.5, 1]
    codes = {"shape": np.repeat(classes["shape"], 5)}
    np.testing.assert_allclose(shown[0], grouped.decode(z, codes), atol=1e-6)
    all_of_them = grouped.traverse(images[0], steps=5, end=1.0)
    np.testing.assert_allclose(all_of_them[2], shown[0], atol=1e-6)
    assert len(all_of_them) == grouped.latents


def test_what_a_model_does_not_take_is_a_sentence(plain, grouped, images):
    refused = {
        r"the shape \(40, 1, 16, 16\); this model takes \[image, 16, 16, 1\] or": lambda: (
            plain.encode(images.transpose(0, 3, 1, 2))
        ),
        "run from 0 to 255; bring uint8": lambda: plain.encode(255 * np.eye(SIDE)[None]),
        "bytes of 0 and 1, where white is 255": lambda: plain.encode(
            np.eye(SIDE, dtype=np.uint8)[None]
        ),
        r"z is float64 \(2, 5\); this model takes numbers \[image, 3\]": lambda: plain.decode(
            np.zeros((2, 5))
        ),
        "classes are given of no group; the model's discrete groups are shape": lambda: (
            grouped.decode(np.zeros((2, 3)))
        ),
        "the classes of shape must be whole numbers from 0 to 2": lambda: grouped.decode(
            np.zeros((2, 3)), {"shape": [0, 3]}
        ),
        "there is no latent 3; they are 0 to 2": lambda: plain.traverse(images[0], [3]),
        "n is 0": lambda: plain.sample(0),
    }
    for words, call in refused.items():
        with pytest.raises(disentbench.UserError, match=words):
            call()
