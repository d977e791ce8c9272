"""Where the protocol of a published study and that of a study differ, in words."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from disentbench.report.text import fixed, symbol
from disentbench.study import Study

TESTED = "DCI and SAP are fitted on two thirds, 10,000 at most, and tested on others, 5,000 at most"


class Difference(NamedTuple):
    """What differs: how it was published, and how it is here."""

    what: str
    published: str
    here: str


class ScoredImages(NamedTuple):
    """The images of a published study: how many, their shape, and on which the scores are."""

    size: int
    shape: tuple[int, int, int]
    measured: str


def differences(
    published: Study, images: ScoredImages, study: Study, dataset: str
) -> Iterator[Difference]:
    """Everything that differs on a data set, data first; `images` is of the published data set."""
    yield from _data(images, study, dataset)
    yield from _objectives(published, study)
    yield from _runs(published, study)
    yield from _compared(_model(published), _model(study))


def _data(images: ScoredImages, study: Study, dataset: str) -> Iterator[Difference]:
    """The images: how many and how large, how they are drawn, and which are measured."""
    own = study.dataset(dataset)
    shapes = (" × ".join(map(str, shape)) for shape in (images.shape, own.image_shape))
    drawn = "by their weights" if own.is_weighted else "all alike"
    yield from _compared({"images": images.size}, {"images": own.size})
    yield from _compared(*({"an image": shape} for shape in shapes))
    yield from _compared({"images drawn": "all alike"}, {"images drawn": drawn})
    here = f"each of {study.evaluate.count(own):,} once; {TESTED}"
    yield Difference("images measured", images.measured, here)


def _objectives(published: Study, study: Study) -> Iterator[Difference]:
    """The strengths of every objective, and its other options."""
    names = {study.file_of("objectives", name): name for name in study.objectives}
    for name in published.objectives:
        label = next(objective for _, objective in published.settings(name)).label
        options = _options(published, name), _options(study, names[name])
        for what, *texts in _compared(*options):
            yield Difference(f"{label}, {what}", *texts)


def _options(study: Study, name: str) -> dict[str, str]:
    """The options of an objective, each with all its values over the sweep."""
    values: dict[str, dict[str, None]] = {}
    for _, objective in study.settings(name):
        for key, value in objective:
            values.setdefault(symbol(key), {})[_text(value)] = None
    return {key: ", ".join(texts) for key, texts in values.items()}


def _runs(published: Study, study: Study) -> Iterator[Difference]:
    """The seeds, and what objective and strength would explain of pure noise."""
    there, here = _seeds(published), _seeds(study)
    yield from _compared({"seeds of a setting": there}, {"seeds of a setting": here})
    what = "noise alone: objective and strength"
    floors = [{what: f"{fixed(100 * floor(each), 1)}\u00a0%"} for each in (published, study)]
    yield from _compared(*floors)


def floor(study: Study) -> float:
    """What objective and strength explain of noise on average: (settings - 1) / (runs - 1)."""
    settings = sum(len(study.sweep(name)) for name in study.objectives)
    return (settings - 1) / (settings * _seeds(study) - 1)


def _seeds(study: Study) -> int:
    return sum(last - first + 1 for first, last in study.blocks)


def _model(study: Study) -> dict[str, Any]:
    """What trains a model besides its data and objective, option by option."""
    return {
        **{key.replace("_", " "): value for key, value in study.training},
        "latents": study.latents,
        **_part("architecture", study.architecture["of"], study.network),
        **_part("likelihood", study.likelihood["of"], study.density),
    }


def _part(kind: str, file: str, part: Any) -> dict[str, Any]:
    """What a study has one of: its file, and its options."""
    return {kind: file} | {f"{kind}, {key.replace('_', ' ')}": value for key, value in part}


def _compared(published: dict[str, Any], here: dict[str, Any]) -> Iterator[Difference]:
    """What is not the same in both; an option that one of them does not have is a dash there."""
    for what in {**published, **here}:
        texts = [_text(side[what]) if what in side else "–" for side in (published, here)]
        if texts[0] != texts[1]:
            yield Difference(what, *texts)


def _text(value: Any) -> str:
    """An option as a reader sees it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
