"""Studies from outside: YAML files, JSON texts and mappings, each mistake in one sentence."""

from os.path import isdir, isfile  # False of a name that is too long, too
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from disentbench.errors import UserError
from disentbench.options import sentence
from disentbench.recipe import Recipe
from disentbench.storage import limits, plain_data
from disentbench.study import Study


def read_study(source: str | Path | dict, name: str = "study") -> Study:
    """A study from a YAML file, JSON text or a mapping; a UserError says what is wrong."""
    if isinstance(source, dict):
        return _validated(source, name)
    text = str(source)
    if isinstance(source, str) and text.lstrip().startswith("{"):
        return _validated(_parsed(text, name), name)
    return _validated(read_plain(Path(text)), text)


def read_recipe(source: str | Path | dict) -> Recipe:
    """The recipe of a study of a single pack, such as `Recipe.text` is."""
    study = read_study(source)
    if len(study.packs) > 1:
        raise UserError(
            f"{study.study} has {len(study.packs)} packs, and this command takes one; "
            "`snakemake` runs them all"
        )
    return study.recipe(study.packs[0])


def read_plain(path: Path) -> Any:
    """What a study's file says, each number and name as a person reads it."""
    if not path.exists():
        raise UserError(f"no study file {path}; name a YAML file like configs/demo.yaml")
    limits.regular(path, "a YAML file like configs/demo.yaml")
    try:
        text = plain_data.text_of(path)
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    return _parsed(text, str(path))


def require_files(study: Study) -> None:
    """Refuse a study that reads a file which is not there, or which at a glance will not do.

    Whoever has the images that were made of it need not ask.
    """
    missing = {name: path for name in study.datasets if (path := _missing(study.dataset(name)))}
    if missing:
        raise UserError(_without(study, missing))
    for name in study.datasets:
        try:
            study.dataset(name).require_files()
        except UserError as error:
            raise UserError(f"datasets.{name}: {error}") from None


def _missing(dataset: Any) -> Path | None:
    """The first that is not there of the files, or folders, that a data set reads."""
    is_there = isdir if dataset.reads_folders else isfile
    return next((path for path in dataset.files if not is_there(path)), None)


def _without(study: Study, missing: dict[str, Path]) -> str:
    """A sentence on the first data set that lacks a file, and what would do; others by name."""
    (name, path), *others = missing.items()
    dataset = study.dataset(name)
    what = "folder" if dataset.reads_folders else "file"
    too = ", ".join(other for other, _ in others)
    return (
        f"datasets.{name} reads {path}, which is no {what} here; {dataset.remedy}"
        + f"; likewise for {too}" * bool(others)
    )


def _parsed(text: str, name: str) -> Any:
    try:
        return plain_data.parsed(text)
    except ValueError as error:
        raise UserError(f"{name} cannot be read: {error}") from None


def _validated(raw: Any, name: str) -> Study:
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {sentence(error)}") from None
    except RecursionError:
        raise UserError(f"{name} is nested too deeply, or a part of it holds itself") from None
