"""The page says which images were measured, how many of how many, and in how many bits."""

from builders.studies import made

from disentbench.report import evaluated, methods


def words(**keys):
    study = made(evaluate=keys)
    assert ("evaluated", evaluated.words(study)) in methods.facts(study, 1, [])
    return evaluated.words(study)


def test_all_images_are_all():
    assert words() == "all images, latents kept in float32"


def test_a_part_is_counted_and_what_follows_from_it_is_said():
    """16 positions, three shapes, two scales: 96 images."""
    said = words(stride={"posX": 2}, latents="float16")
    assert said.startswith("48 of 96 images, one class in 2 of posX, all classes of the other")
    assert "float16" in said
    assert "at most the logarithm of their number" in said
    assert words(stride=2).startswith("8 of 96 images, one class in 2 of every factor")
    assert words(images=50).startswith("50 of 96 images, drawn once without replacement")
