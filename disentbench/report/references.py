"""Published numbers, for the runs that were made as the publication made its own, and no others.

A number stands in `PUBLISHED` with all that trained the model behind it, said as a study says it.
It is one of a study's setting only where every option is the same: data set, objective, network,
likelihood, latents and training. The seeds may differ, the metric must be the value that it names.
"""

from functools import cache
from typing import Any, NamedTuple

from disentbench.recipe import Recipe
from disentbench.report.runs import Key
from disentbench.study import Study

CHEN2018: dict[str, Any] = {
    "datasets": {"dsprites": {}},
    "latents": 10,
    "architecture": {"of": "mlp_chen2018"},
    "likelihood": {"of": "bernoulli"},
    "training": {"steps": 18_000, "batch_size": 2048, "learning_rate": 0.001},
}


class Published(NamedTuple):
    """A published number, from `low` to `high` where it is a range, and what it is a number of.

    `objective` holds the options of its file `of`; `protocol` is the rest of a study.
    """

    value: str
    low: float
    high: float
    objective: dict[str, Any]
    protocol: dict[str, Any]
    source: str


class Reference(NamedTuple):
    """A published number of one value of a setting, with its source in words."""

    key: Key
    value: str
    low: float
    high: float
    source: str


PUBLISHED = (
    Published(
        "elbo",
        *(-86.40, -86.40),
        {"of": "beta_tcvae", "beta": [6]},
        CHEN2018,
        "Chen et al. 2018 (arXiv:1802.04942), the authors’ code on dSprites: β = 6, 50 epochs",
    ),
)


def references(study: Study, dataset: str) -> list[Reference]:
    """The published numbers of a data set's settings, of those whose training is the same."""
    packs = {pack.of[1:]: pack for pack in study.packs if pack.dataset == dataset}
    trained = {key: _training(study.recipe(pack)) for key, pack in packs.items()}
    return [
        Reference(key, number.value, number.low, number.high, number.source)
        for place, number in enumerate(PUBLISHED)
        for key, training in trained.items()
        if training == _published(place)
    ]


@cache
def _published(place: int) -> tuple:
    """What a published number was trained with."""
    number = PUBLISHED[place]
    raw = {"study": "published", "objectives": {"published": number.objective}, "seeds": "0"}
    study = Study.model_validate(raw | number.protocol)
    return _training(study.recipe(study.packs[0]))


def _training(recipe: Recipe) -> tuple:
    """All that a recipe is trained with but its seeds, whatever the study calls its parts."""
    options = recipe.dataset, recipe.objective, recipe.architecture, recipe.likelihood
    return *options, recipe.latents, recipe.training, recipe.parts
