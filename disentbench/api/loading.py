"""A run of a model file, from a study's results or from `TrainedVAE.save`."""

from pathlib import Path
from typing import Any

import torch

from disentbench import plugins
from disentbench.api.recipes import of_run
from disentbench.api.trained import TrainedVAE, history_of
from disentbench.errors import UserError
from disentbench.models import model_file
from disentbench.models.model_file import Saved
from disentbench.models.vae import vae_of
from disentbench.recipe import Recipe
from disentbench.storage import expected, limits, plain_data, seals
from disentbench.storage.layout import PackFolder
from disentbench.storage.study_file import read_recipe, read_study


def load(
    path: str | Path,
    *,
    seed: int | None = None,
    study: str | Path | dict[str, Any] | None = None,
) -> TrainedVAE:
    """A trained run of a model.pt: one that `save` wrote, or a pack's in a study's results.

    A pack of several runs has several seeds, of which `seed` names one. Files written before
    recipes stood in them need their `study`: its path, text or mapping; of a study of several
    packs the file's place says which pack it is. Nothing of a file is unpickled. Raises a
    UserError (a ValueError) for a file that is damaged, or is not what it is taken for.

    >>> import tempfile, disentbench
    >>> squares = {"of": "dsprites_small", "shape": 0, "posX": [0, 8], "posY": [0, 8]}
    >>> model = disentbench.train(dataset=squares, steps=2, batch_size=4, latents=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/mine.pt")
    ...     again = disentbench.load(f"{folder}/mine.pt")
    >>> again
    TrainedVAE(vae/default on dsprites_small, seed 0, 2 latents)
    >>> again.history.equals(model.history)
    True
    """
    path = limits.regular(path, "a model.pt")
    saved = model_file.load(path)
    _require_plain_numbers(saved, path)
    pack = _recipe_in(saved, path) if study is None else _recipe_of(study, path)
    model_file.require_fit(saved, vae_of(pack), len(pack.pack.seeds))
    chosen = _chosen(path, pack.pack.seeds, seed)
    member = chosen - pack.pack.first
    recipe = of_run(pack, chosen)
    alone = saved._replace(
        parameters={name: p[member : member + 1] for name, p in saved.parameters.items()},
        failed=saved.failed[member : member + 1],
        recipe=recipe.text,
        history=_history(saved, pack, path, chosen),
    )
    said = seals.identity(path) or {}
    return TrainedVAE(recipe, alone, {key: said[key] for key in ("images", "code") if key in said})


def _recipe_in(saved: Saved, path: Path) -> Recipe:
    """The recipe of the pack that a file itself has."""
    if not saved.recipe:
        raise UserError(f"{path} was written before recipes stood in such files; name its study=")
    if not saved.recipe.lstrip().startswith("{"):  # another text would be taken for a path
        raise UserError(f"{path} holds what is no recipe")
    try:
        _require_contents(plain_data.parsed(saved.recipe))
    except ValueError as error:
        raise UserError(f"{path} holds what is no recipe: {error}") from None
    return read_recipe(saved.recipe)


def _require_contents(said: Any) -> None:
    """Refuse a recipe of images in files that does not say what is in them, as all of ours do.

    Reading it would look at whatever file a stranger names.
    """
    datasets = said.get("datasets") if isinstance(said, dict) else None
    for name, options in datasets.items() if isinstance(datasets, dict) else ():
        if not isinstance(options, dict) or options.get("contents"):
            continue
        file = str(options.get("of", name))
        known = file in plugins.names("datasets")  # another is refused when the recipe is read
        if known and "contents" in plugins.load("datasets", file).model_fields:
            raise UserError(f"datasets.{name} does not say what its images are")


def _require_plain_numbers(saved: Saved, path: Path) -> None:
    """Refuse parameters that are not arrays of float32, which no model of ours has."""
    for values in saved.parameters.values() if isinstance(saved.parameters, dict) else ():
        dense = isinstance(values, torch.Tensor) and values.layout is torch.strided
        if not dense or values.is_meta or values.dtype != torch.float32:
            raise UserError(f"{path} holds parameters that are no arrays of float32")


def _recipe_of(source: str | Path | dict[str, Any], path: Path) -> Recipe:
    """The recipe of the pack of a study that a file is of, by its place if there are several."""
    study = read_study(source)
    place = "/".join(path.absolute().parts[-5:-1])
    packs = study.packs if len(study.packs) == 1 else [p for p in study.packs if p.path == place]
    if not packs:
        raise UserError(
            f"{path} is not where a pack of {study.study} has its model, such as "
            f"results/{study.study}/{study.packs[0].path}/model.pt; leave it there"
        )
    recipe = study.recipe(packs[0])
    expected.require(path, expected.of_pack(recipe, "model"))
    return recipe


def _chosen(path: Path, seeds: range, seed: int | None) -> int:
    """The seed of the run that is asked for."""
    if len(seeds) == 1 and seed is None:
        return seeds[0]
    if seed is None or seed not in seeds:
        asked = "one is loaded" if seed is None else f"not {seed}"
        raise UserError(
            f"{path} has the seeds {seeds[0]} to {seeds[-1]}, {asked}; name one, seed={seeds[0]}"
        )
    return seed


def _history(saved: Saved, pack: Recipe, path: Path, seed: int) -> str:
    """The history of a run as CSV: what the file has, or the workflow's beside it; else nothing."""
    if saved.history:
        history_of(saved.history)  # a stranger's may be no table
        return saved.history
    beside = PackFolder(path.parent).history
    said = seals.identity(beside)
    of_another = said and expected.differences(said, expected.of_pack(pack, "history"))
    if not beside.is_file() or of_another:
        return ""
    table = history_of(seals.checked(beside).read_text())
    return table[table["seed"] == seed].to_csv(index=False)
