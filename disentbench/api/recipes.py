"""The recipe of one run, from a study's recipe or from keywords."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.recipe import Recipe, Training
from disentbench.storage.study_file import read_recipe

DEFAULTS = {
    "dataset": "dsprites_small",
    "objective": "vae",
    "architecture": "conv_locatello2019",
    "likelihood": "bernoulli",
    "latents": 10,
    "training": {},
}
Named = str | dict[str, Any] | None  # the name of a file of a registry, or its options with `of`


def recipe_of(
    source: Recipe | str | Path | dict[str, Any] | None,
    seed: int | None,
    settings: dict[str, Any],
    options: dict[str, Any],
) -> Recipe:
    """One run: that of a seed of the recipe in `source`, or of `settings` and `options`.

    `settings` are by the keys of DEFAULTS, None where nothing is said; `options` are of the
    objective and of training, which a name tells apart.
    """
    settings = {key: value for key, value in settings.items() if value is not None}
    if source is None:
        return from_keywords(0 if seed is None else seed, DEFAULTS | settings, options)
    if said := [*settings, *options]:
        raise UserError(f"a recipe says all but the seed; leave out {', '.join(said)}")
    whole = source if isinstance(source, Recipe) else read_recipe(source)
    seeds = whole.pack.seeds
    if seed is None and len(seeds) > 1:
        raise UserError(
            f"the recipe has the seeds {seeds[0]} to {seeds[-1]}, and one is trained; name it, "
            f"seed={seeds[0]}"
        )
    return of_run(whole, seeds[0] if seed is None else seed)


def of_run(recipe: Recipe, seed: int) -> Recipe:
    """The recipe of one run, which is trained alike in whatever pack."""
    return replace(recipe, pack=replace(recipe.pack, first=seed, last=seed))


def from_keywords(seed: int, settings: dict[str, Any], options: dict[str, Any]) -> Recipe:
    """The recipe of settings by the keys of DEFAULTS and of options.

    The objective's numbers are written as a sweep of one point, so that they name the setting.
    """
    name, objective = _named("objective", settings["objective"])
    file = str(objective.get("of", name))
    of_objective, of_training = _told_apart(options, file)
    training = settings["training"]
    if not isinstance(training, dict):
        raise UserError(f"training is {shown(training)}; write a mapping, such as {{'steps': 100}}")
    swept = {k: [v] if isinstance(v, int | float) else v for k, v in of_objective.items()}
    dataset, its_options = _named("dataset", settings["dataset"])
    study = {
        "study": "notebook",
        "datasets": {dataset: its_options},
        "objectives": {name: objective | swept},
        "seeds": str(seed),
        "pack": 1,
        "training": training | of_training,
    }
    return read_recipe(
        study | {key: settings[key] for key in ("architecture", "likelihood", "latents")}
    )


def _named(key: str, value: Any) -> tuple[str, dict[str, Any]]:
    """A name and its options, of what names a file of a registry, or has a name already."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and isinstance(value.get("of"), str):
        return value["of"], dict(value)
    raise UserError(
        f"{key} is {shown(value)}; write a name, or options with the name as 'of', such as "
        f"{{'of': {DEFAULTS[key]!r}}}"
    )


def _told_apart(options: dict[str, Any], objective: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Which options are the objective's, and which are training's; one of neither is refused."""
    plugins.require("objectives", objective)
    its, trainings = plugins.load("objectives", objective).model_fields, Training.model_fields
    for name in options:
        if name in its and name in trainings:
            raise UserError(
                f"{name} is an option of {objective} and of training; say which is meant, "
                f"objective={{'of': {objective!r}, {name!r}: ...}} or training={{{name!r}: ...}}"
            )
        if name not in its and name not in trainings:
            raise UserError(
                f"no option named {name!r}; {objective} has {', '.join(its) or 'none'}; training "
                f"has {', '.join(trainings)}"
            )
    return (
        {name: value for name, value in options.items() if name in its},
        {name: value for name, value in options.items() if name in trainings},
    )
