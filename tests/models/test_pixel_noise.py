"""Noise for rendering: SplitMix64's numbers, uniform, and functions of keys and names alone."""

import math

import pytest
import torch

from disentbench.models.pixel_noise import PixelNoise, keys_of_rows, words

# The first outputs of SplitMix64 begun at 1234567, as its authors' program prints them.
PUBLISHED = (
    *(6457827717110365317, 3203168211198807973, 9817491932198370423),
    *(4593380528125082431, 16408922859458223821),
)


def test_its_words_are_those_of_splitmix64():
    found = words(torch.tensor([1234567, 0]), 5)
    assert [word % 2**64 for word in found[0].tolist()] == list(PUBLISHED)
    assert not torch.equal(found[0], found[1])


def splitmix64(state, count):
    """As it is defined, in Python's whole numbers."""
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield z ^ (z >> 31)


@pytest.mark.parametrize("key", [0, -1, 2**63 - 1, -(2**63), 987654321])
def test_any_key_begins_a_sequence(key):
    found = words(torch.tensor([key]), 40)[0].tolist()
    assert [word % 2**64 for word in found] == list(splitmix64(key % 2**64, 40))


def test_numbers_are_uniform_on_0_to_1():
    """Mean, variance, bins and neighbours: within 5 standard errors of what they must be."""
    u = PixelNoise(keys_of_rows(torch.arange(2000)))("x", 3, 10, 7).double()
    assert u.shape == (2000, 3, 10, 7)
    assert 0 <= u.min() < 1e-4
    assert 1 - 1e-4 < u.max() < 1
    n, flat = u.numel(), u.flatten()
    assert abs(flat.mean() - 1 / 2) < 5 * math.sqrt(1 / 12 / n)
    assert abs((flat - 0.5).square().mean() - 1 / 12) < 5 * math.sqrt(1 / 180 / n)
    counts = (16 * flat).long().bincount(minlength=16)
    assert ((counts - n / 16).square() / (n / 16)).sum() < 15 + 5 * math.sqrt(30)
    for a, b in ((flat[:-1], flat[1:]), (u[:-1], u[1:]), (u[..., :-1], u[..., 1:])):
        products = (a - 0.5) * (b - 0.5)
        assert abs(products.mean()) < 5 / 12 / math.sqrt(products.numel())


def test_they_are_functions_of_the_key_and_the_name():
    keys = torch.tensor([5, 9, 5, -3])
    noise = PixelNoise(keys)
    first = noise("a", 3, 4)
    assert torch.equal(first, PixelNoise(keys)("a", 3, 4))
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[1:2], PixelNoise(keys[1:2])("a", 3, 4))
    assert not torch.isclose(first[0], first[1]).any()
    assert not torch.isclose(first, noise("b", 3, 4)).any()


def test_rows_have_keys_of_their_own():
    keys = keys_of_rows(torch.arange(100_000))
    assert len(keys.unique()) == 100_000
    assert torch.equal(keys[7:9], keys_of_rows(torch.tensor([7, 8])))
