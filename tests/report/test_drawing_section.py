"""What the page says of a training that does not draw all images alike."""

import pytest
from builders.studies import made

from disentbench import plugins
from disentbench.report import methods
from disentbench.report.figures import drawing


def dsprites(**options):
    return plugins.make("datasets", "dsprites", {"orientation": 0} | options)


POSITIONS = {"factors": ["posX", "posY"], "sigma": 0.2}


def test_pairs_stand_with_their_published_correlation_and_information():
    shapes = {"factors": ["shape", "scale"], "sigma": 0.4, "inverse": True}
    found = drawing.pairs(dsprites(correlate=[POSITIONS, shapes]), 300_000 * 64)
    assert [pair[:4] for pair in found] == [
        ("shape", "scale", 0.4, True),
        ("posX", "posY", 0.2, False),
    ]
    assert found[0].cells[:3] == ["0.4", "yes", "−0.57"]
    assert found[1].cells[:4] == ["0.2", "no", "0.78", "0.45"]
    assert 0 < found[1].never_drawn < 0.02


def test_how_many_combinations_are_expected_never_to_be_drawn():
    """Of 2 x 2, one in 3 drawn in each of 2 draws, where one is held out: 1 + 3 (2/3)^2 of 4."""
    small = {"shape": [0, 1], "scale": [0, 1], "posX": 0, "posY": 0}
    text = drawing.drawn(dsprites(hold_out={"shape": 0, "scale": 0}, **small), 2, 1)
    assert "Of the 4 combinations of classes 58.3\u00a0%, those held out among them, are" in text
    assert "never to be drawn in 2 steps of 1 image." in text
    text = drawing.drawn(dsprites(correlate=[POSITIONS | {"sigma": 10}]), 10**5, 1000)
    assert "combinations of classes 0.0\u00a0% are expected" in text
    text = drawing.drawn(dsprites(correlate=[POSITIONS | {"sigma": 0.8}]), 5000, 64)
    assert "combinations of classes less than 0.1\u00a0% are expected" in text


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            {"shape": "heart"},
            "6\u2009144 of 18\u2009432 combinations, those in which shape is heart.",
        ),
        ({"shape": ["heart", "square"]}, "shape is square or heart."),
        ({"posX": {"from": 3, "to": 9}, "scale": 1}, "scale is 1 and posX is 3 to 9."),
        ({"posX": [1, 3, 5]}, "posX is 1, 3 or 5."),
        ({"posX": {"stride": 2}}, "posX is 0, 2, 4, 6, 8 or 11 more."),
        ([{"shape": 0}, {"scale": [4, 5]}], "shape is square, or scale is 4 or 5."),
    ],
)
def test_what_was_held_out_in_words(condition, words):
    assert drawing.held_out(dsprites(hold_out=condition)).endswith(words)


def test_a_span_is_of_the_classes_that_are_kept():
    some = dsprites(posX={"stride": 2}, hold_out={"posX": {"from": 3, "to": 9}})
    assert drawing.held_out(some).endswith("posX is 4 to 8.")


def test_nothing_is_said_where_nothing_is_held_out():
    assert drawing.held_out(dsprites(correlate=[POSITIONS])) == ""


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ([True], "4 steps of 8 images, drawn with replacement by weights"),
        (
            [True, False],
            "4 steps of 8 images, 0.333 epochs, drawn with replacement by weights on a",
        ),
    ],
)
def test_the_head_says_that_images_were_drawn_by_weights(drawn, said):
    small = {"of": "dsprites_small", "posX": [0, 8], "posY": [0, 8], "scale": [0, 5]}
    small |= {"shape": [0, 1, 2], "orientation": [0, 1, 2, 3]}
    datasets = {
        name: small | ({"correlate": [POSITIONS]} if weighted else {})
        for name, weighted in zip("ab", drawn, strict=False)
    }
    facts = {fact.name: fact.text for fact in methods.facts(made(datasets=datasets), 1, [])}
    assert facts["training"] == said
