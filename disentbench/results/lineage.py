"""What made a result: the code, the tools, the devices and the studies that its files name."""

import json
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from disentbench.errors import UserError
from disentbench.results.tidy import read_made
from disentbench.storage import hdf5, plain_data
from disentbench.storage.layout import StudyFolder

Answers = dict[str, list[str]]  # what is said under a name, each answer once
Setting = tuple[str, ...]  # data set, objective, setting


class Lineage(NamedTuple):
    """What the latents of a study and its table say of their making."""

    made_by: Answers  # revisions, versions and devices of training, encoding and collecting
    study: Answers  # the whole study, key by key, in the words of the table
    recipes: dict[Setting, Answers]  # the study of each setting, in the words of its latents


def read_lineage(folder: Path, table: Path) -> Lineage:
    """The lineage of the results in a folder, if it is one, and of a table of their scores."""
    collected, latents = read_made(table), list(_provenances(folder))
    made_by = _made_by([provenance for _, provenance in latents], collected)
    return Lineage(made_by, _merged([_said(collected)]), _recipes(latents))


def makers(a: Lineage, b: Lineage) -> pd.DataFrame:
    """Where what made them differs (name, a, b), of those acts of which both tell."""
    return _differing(_acts(a.made_by, b.made_by), _acts(b.made_by, a.made_by))


def _acts(answers: Answers, other: Answers) -> Answers:
    """The answers on what the other tells of too: training, encoding or collecting."""
    told = {name.split()[0] for name in other}
    return {name: said for name, said in answers.items() if name.split()[0] in told}


def studies(a: Lineage, b: Lineage) -> pd.DataFrame:
    """Where the studies differ (name, a, b): whole ones, or of the settings that are in both."""
    if a.study and b.study:
        return _differing(a.study, b.study)
    common = a.recipes.keys() & b.recipes.keys()
    return _differing(
        *(_of_settings(side.recipes, common or side.recipes.keys()) for side in (a, b))
    )


def _of_settings(recipes: dict[Setting, Answers], settings: Iterable[Setting]) -> Answers:
    parts = (recipes[setting].items() for setting in settings)
    return _merged(((key, answer) for key, all_ in answers for answer in all_) for answers in parts)


def _differing(a: Answers, b: Answers) -> pd.DataFrame:
    """The names under which two sides say different things; none if one says nothing at all."""
    names = sorted(a.keys() | b.keys()) if a and b else []
    rows = [(n, a.get(n, []), b.get(n, [])) for n in names if a.get(n) != b.get(n)]
    return pd.DataFrame(rows, columns=["name", "a", "b"])


def _provenances(folder: Path) -> Iterator[tuple[Setting, dict]]:
    """(data set, objective, setting) and provenance of every pack whose latents are there."""
    for setting, pack in StudyFolder(folder).all_packs():
        if not pack.latents.exists():
            continue
        try:
            with hdf5.open_data(pack.latents) as file:
                provenance = _mapping(hdf5.json_attribute(file, "provenance"))
        except UserError as error:
            warnings.warn(f"{error}; what made it is not compared", stacklevel=1)
        else:
            yield setting, provenance


def _made_by(encoded: list[dict], collected: dict) -> Answers:
    """Revisions, versions and devices of the training, the encoding and the table, if said."""
    parts = [("encoded", provenance) for provenance in encoded] + [("collected", collected)]
    for provenance in encoded:
        trainings = provenance.get("trained")
        trainings = trainings if isinstance(trainings, list) else []
        parts += [("trained", _mapping(training)) for training in trainings]
    return _merged(_tools(act, provenance) for act, provenance in parts if provenance)


def _tools(act: str, origin: dict) -> Iterator[tuple[str, str]]:
    yield f"{act} at revision", _json(origin.get("revision"))
    yield f"{act} with device", _json(origin.get("device"))
    for name, version in _mapping(origin.get("versions")).items():
        yield f"{act} with {name}", _json(version)


def _recipes(provenances: list[tuple[Setting, dict]]) -> dict[Setting, Answers]:
    """What each setting's studies say under each of their keys."""
    said = defaultdict(list)
    for setting, provenance in provenances:
        said[setting].append(_said(provenance))
    return {setting: _merged(parts) for setting, parts in said.items()}


def _said(provenance: dict) -> list[tuple[str, str]]:
    """What a provenance's study says; a text that is no study says nothing."""
    with suppress(ValueError):
        return list(_flat(_mapping(plain_data.parsed(str(provenance.get("study", "{}"))))))
    return []


def _merged(parts: Iterable[Iterable[tuple[str, str]]]) -> Answers:
    """Each answer under a name once."""
    answers = defaultdict(set)
    for part in parts:
        for name, answer in part:
            answers[name].add(answer)
    return {name: sorted(said) for name, said in sorted(answers.items())}


def _mapping(value: Any) -> dict:
    """A mapping from outside; what is none says nothing."""
    return value if isinstance(value, dict) else {}


def _flat(mapping: dict, above: str = "") -> Iterator[tuple[str, str]]:
    """Keys of nested mappings with dots between, and what stands there as JSON."""
    for key, value in mapping.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _json(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
